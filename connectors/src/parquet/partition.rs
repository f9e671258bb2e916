//! The partitions of the folder: days or hours of event time, and what their folders are called.

use millstream_engine::{Column, EventTime, Window, hours};

/// How long a partition is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grain {
    Day,
    Hour,
}

/// One partition, by its start; `None` holds the rows whose time has no date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Partition {
    start: Option<EventTime>,
}

impl Grain {
    /// The partition that holds `time`.
    pub(crate) fn of(self, time: EventTime) -> Partition {
        let start = self.window(time).start;
        Partition {
            start: date_and_hour(start).map(|_| start),
        }
    }

    /// The event time at which the watermark has left `partition`; never, for rows without a date, before the end.
    pub(crate) fn end(self, partition: Partition) -> EventTime {
        partition
            .start
            .map_or(EventTime::MAX, |start| self.window(start).end)
    }

    fn window(self, time: EventTime) -> Window {
        Window::tumbling(
            time,
            match self {
                Grain::Day => hours(24),
                Grain::Hour => hours(1),
            },
        )
    }
}

/// `2026-11-23` and `10`, if readers know the date.
fn date_and_hour(time: EventTime) -> Option<(String, String)> {
    let text = time.to_string();
    let (date, clock) = text.split_once('T')?;
    // Years beyond four digits have a sign before them.
    (date.len() == 10).then(|| (date.into(), clock[..2].into()))
}

/// Names for the folders of partitions.
#[derive(Debug)]
pub(crate) struct FolderNames {
    grain: Grain,
    date: String,
    hour: String,
}

impl FolderNames {
    /// Names whose keys are not among `columns`: readers see both as columns of one table.
    pub(crate) fn beside(columns: &[Column], grain: Grain) -> Self {
        let free = |key: &str| {
            let mut key = key.to_owned();
            while columns
                .iter()
                .any(|column| column.name.eq_ignore_ascii_case(&key))
            {
                key.insert_str(0, "partition_");
            }
            key
        };
        FolderNames {
            grain,
            date: free("date"),
            hour: free("hour"),
        }
    }

    /// The folder of `partition`, relative to the root, with `/` between its parts.
    pub(crate) fn folder(&self, partition: Partition) -> String {
        const NO_DATE: &str = "__HIVE_DEFAULT_PARTITION__";
        let (date, hour) = partition
            .start
            .and_then(date_and_hour)
            .unwrap_or_else(|| (NO_DATE.into(), NO_DATE.into()));
        match self.grain {
            Grain::Day => format!("{}={date}", self.date),
            Grain::Hour => format!("{}={date}/{}={hour}", self.date, self.hour),
        }
    }
}

#[cfg(test)]
mod tests {
    use millstream_engine::ColumnType;

    use super::*;

    fn check(grain: Grain, time: EventTime, folder: &str, end: &str) {
        let partition = grain.of(time);
        assert_eq!(
            FolderNames::beside(&[], grain).folder(partition),
            folder,
            "{time}"
        );
        assert_eq!(grain.end(partition).to_string(), end, "{time}");
    }

    #[test]
    fn days_and_hours_of_utc() {
        let time = "2026-11-23T23:59:59.999999Z".parse().unwrap();
        check(Grain::Day, time, "date=2026-11-23", "2026-11-24T00:00:00Z");
        check(
            Grain::Hour,
            time,
            "date=2026-11-23/hour=23",
            "2026-11-24T00:00:00Z",
        );
        let before_1970 = "1969-12-31T01:30:00Z".parse().unwrap();
        check(
            Grain::Day,
            before_1970,
            "date=1969-12-31",
            "1970-01-01T00:00:00Z",
        );
        check(
            Grain::Hour,
            before_1970,
            "date=1969-12-31/hour=01",
            "1969-12-31T02:00:00Z",
        );
    }

    #[test]
    fn times_without_a_date_have_the_null_partition() {
        let before_year_0 = "-000001-05-01T00:00:00Z".parse().unwrap();
        for time in [EventTime::MIN, EventTime::MAX, before_year_0] {
            check(
                Grain::Day,
                time,
                "date=__HIVE_DEFAULT_PARTITION__",
                "infinity",
            );
        }
        let both = "date=__HIVE_DEFAULT_PARTITION__/hour=__HIVE_DEFAULT_PARTITION__";
        check(Grain::Hour, EventTime::MAX, both, "infinity");
    }

    #[test]
    fn keys_step_aside_for_columns() {
        let columns = ["Date", "partition_date"].map(|name| Column::new(name, ColumnType::Text));
        let names = FolderNames::beside(&columns, Grain::Hour);
        let partition = Grain::Hour.of(EventTime::from_micros(0));
        assert_eq!(
            names.folder(partition),
            "partition_partition_date=1970-01-01/hour=00"
        );
    }
}

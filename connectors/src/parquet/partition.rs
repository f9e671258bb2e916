//! The partitions of the folder: days, hours or minutes of event time, and what their folders are called.

use std::time::Duration;

use millstream_engine::{Column, EventTime, Window, hours, minutes};

/// How long a partition is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grain {
    Day,
    Hour,
    Minute,
}

/// How rows are cut into partitions, and when one is final.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut {
    pub(crate) grain: Grain,
    /// How far past its end the watermark must be.
    pub(crate) final_after: Duration,
}

/// One partition, by its start; `None` holds the rows whose time has no date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Partition {
    start: Option<EventTime>,
}

impl Cut {
    /// The partition that holds `time`.
    pub(crate) fn of(self, time: EventTime) -> Partition {
        let start = self.grain.window(time).start;
        Partition {
            start: date_hour_minute(start).map(|_| start),
        }
    }

    /// The event time at which the watermark has left `partition`; never, for rows without a date, before the end.
    pub(crate) fn end(self, partition: Partition) -> EventTime {
        let end = |start| self.grain.window(start).end.plus(self.final_after);
        partition.start.map_or(EventTime::MAX, end)
    }
}

impl Grain {
    fn window(self, time: EventTime) -> Window {
        Window::tumbling(
            time,
            match self {
                Grain::Day => hours(24),
                Grain::Hour => hours(1),
                Grain::Minute => minutes(1),
            },
        )
    }
}

/// `2026-11-23`, `10` and `59`, if readers know the date.
fn date_hour_minute(time: EventTime) -> Option<[String; 3]> {
    let text = time.to_string();
    let (date, clock) = text.split_once('T')?;
    // Years beyond four digits have a sign before them.
    (date.len() == 10).then(|| [date, &clock[..2], &clock[3..5]].map(str::to_owned))
}

/// Names for the folders of partitions.
#[derive(Debug)]
pub(crate) struct FolderNames {
    /// Those of day, hour and minute, as far as they are needed.
    keys: Vec<String>,
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
        let keys: &[_] = match grain {
            Grain::Day => &["date"],
            Grain::Hour => &["date", "hour"],
            Grain::Minute => &["date", "hour", "minute"],
        };
        FolderNames {
            keys: keys.iter().map(|key| free(key)).collect(),
        }
    }

    /// The folder of `partition`, relative to the root, with `/` between its parts.
    pub(crate) fn folder(&self, partition: Partition) -> String {
        const NO_DATE: &str = "__HIVE_DEFAULT_PARTITION__";
        let values = partition.start.and_then(date_hour_minute);
        let values = values.unwrap_or_else(|| [NO_DATE; 3].map(str::to_owned));
        let folders = self.keys.iter().zip(values);
        let folders: Vec<_> = folders
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        folders.join("/")
    }
}

#[cfg(test)]
mod tests {
    use millstream_engine::ColumnType;

    use super::*;

    fn cut(grain: Grain) -> Cut {
        Cut {
            grain,
            final_after: Duration::ZERO,
        }
    }

    fn check(grain: Grain, time: EventTime, folder: &str, end: &str) {
        let partition = cut(grain).of(time);
        assert_eq!(
            FolderNames::beside(&[], grain).folder(partition),
            folder,
            "{time}"
        );
        assert_eq!(cut(grain).end(partition).to_string(), end, "{time}");
    }

    #[test]
    fn days_hours_and_minutes_of_utc() {
        let time = "2026-11-23T23:59:59.999999Z".parse().unwrap();
        check(Grain::Day, time, "date=2026-11-23", "2026-11-24T00:00:00Z");
        check(
            Grain::Hour,
            time,
            "date=2026-11-23/hour=23",
            "2026-11-24T00:00:00Z",
        );
        check(
            Grain::Minute,
            time,
            "date=2026-11-23/hour=23/minute=59",
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
        check(
            Grain::Minute,
            before_1970,
            "date=1969-12-31/hour=01/minute=30",
            "1969-12-31T01:31:00Z",
        );
    }

    #[test]
    fn a_partition_is_final_some_time_after_its_end() {
        let late = Cut {
            final_after: minutes(1),
            ..cut(Grain::Minute)
        };
        let partition = late.of(EventTime::from_micros(0));
        assert_eq!(late.end(partition).to_string(), "1970-01-01T00:02:00Z");
        assert_eq!(late.end(late.of(EventTime::MAX)), EventTime::MAX);
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
        let partition = cut(Grain::Hour).of(EventTime::from_micros(0));
        assert_eq!(
            names.folder(partition),
            "partition_partition_date=1970-01-01/hour=00"
        );
    }
}

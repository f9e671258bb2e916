//! The rows of one partition that wait on one worker, and when they have waited enough.

use std::time::Duration;

use millstream_engine::{EventTime, SinkRow, Value};

/// When a file is due; whichever comes first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Roll {
    pub(crate) rows: usize,
    /// In memory, not in the file.
    pub(crate) bytes: usize,
    /// By the wall clock, since the first row.
    pub(crate) after: Duration,
}

/// Rows in the order they came.
#[derive(Default)]
pub(crate) struct Buffer {
    /// Those that a snapshot has.
    kept: Vec<SinkRow>,
    /// Those that came since.
    rows: Vec<SinkRow>,
    bytes: usize,
    since: Option<EventTime>,
}

impl Buffer {
    pub(crate) fn push(&mut self, row: SinkRow) {
        self.bytes += size_bytes(&row);
        self.rows.push(row);
    }

    /// Takes rows back that a snapshot has.
    pub(crate) fn restore(&mut self, rows: Vec<SinkRow>) {
        self.bytes += rows.iter().map(size_bytes).sum::<usize>();
        self.kept.extend(rows);
    }

    /// Whether a snapshot has some of the rows.
    pub(crate) fn is_kept(&self) -> bool {
        !self.kept.is_empty()
    }

    /// The rows that no snapshot has, for one.
    pub(crate) fn keep(&mut self) -> Option<Vec<SinkRow>> {
        if self.rows.is_empty() {
            return None;
        }
        let rows = self.rows.clone();
        self.kept.append(&mut self.rows);
        Some(rows)
    }

    /// By the wall clock, the first time anyone asked whether it is due.
    pub(crate) fn since(&self) -> Option<EventTime> {
        self.since
    }

    /// It has waited since `since` at least.
    pub(crate) fn has_waited_since(&mut self, since: EventTime) {
        self.since = Some(self.since.map_or(since, |other| other.min(since)));
    }

    /// Whether the rows have become many or old at `now`.
    ///
    /// The age counts from the first time this was asked: writing brings no clock, and asking follows every epoch.
    pub(crate) fn is_due(&mut self, roll: &Roll, now: EventTime) -> bool {
        let since = *self.since.get_or_insert(now);
        let n_rows = self.kept.len() + self.rows.len();
        n_rows >= roll.rows || self.bytes >= roll.bytes || now.since(since) >= roll.after
    }

    pub(crate) fn into_rows(mut self) -> Vec<SinkRow> {
        self.kept.append(&mut self.rows);
        self.kept
    }
}

fn size_bytes(row: &SinkRow) -> usize {
    let text = |value: &Value| match value {
        Value::Text(text) => text.len(),
        _ => 0,
    };
    let values = &row.values[..];
    size_of::<SinkRow>() + size_of_val(values) + values.iter().map(text).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use millstream_engine::seconds;

    use super::*;

    const NEVER: Roll = Roll {
        rows: usize::MAX,
        bytes: usize::MAX,
        after: Duration::MAX,
    };

    fn at(second: u64) -> EventTime {
        EventTime::from_micros(0).plus(seconds(second))
    }

    fn row(text: &str) -> SinkRow {
        SinkRow {
            time: EventTime::MIN,
            values: vec![Value::Text(text.into())],
        }
    }

    #[test]
    fn rows_are_given_to_a_snapshot_once_and_count_all_the_same() {
        let roll = Roll { rows: 3, ..NEVER };
        let mut buffer = Buffer::default();
        buffer.restore(vec![row("a")]);
        assert!(buffer.is_kept() && buffer.keep().is_none());
        buffer.push(row("b"));
        assert!(!buffer.is_due(&roll, at(0)));
        assert_eq!(buffer.keep(), Some(vec![row("b")]));
        buffer.push(row("c"));
        assert!(buffer.is_due(&roll, at(0)));
        assert_eq!(buffer.into_rows(), ["a", "b", "c"].map(row));
    }

    #[test]
    fn a_restart_does_not_make_rows_younger() {
        let roll = Roll {
            after: seconds(60),
            ..NEVER
        };
        let mut buffer = Buffer::default();
        buffer.restore(vec![row("a")]);
        buffer.has_waited_since(at(10));
        buffer.has_waited_since(at(20));
        assert_eq!(buffer.since(), Some(at(10)));
        assert!(!buffer.is_due(&roll, at(69)) && buffer.is_due(&roll, at(70)));
    }

    fn check(roll: Roll, n_rows: usize, asked_at: &[u64], due: bool) {
        let mut buffer = Buffer::default();
        for _ in 0..n_rows {
            buffer.push(row(&"x".repeat(100)));
        }
        let mut last = false;
        for second in asked_at {
            last = buffer.is_due(&roll, at(*second));
        }
        assert_eq!(last, due, "{roll:?}");
    }

    #[test]
    fn due_by_rows_bytes_or_age() {
        check(NEVER, 1000, &[0, 1_000_000], false);
        check(Roll { rows: 3, ..NEVER }, 2, &[0], false);
        check(Roll { rows: 3, ..NEVER }, 3, &[0], true);
        check(
            Roll {
                bytes: 10_000,
                ..NEVER
            },
            10,
            &[0],
            false,
        );
        check(
            Roll {
                bytes: 10_000,
                ..NEVER
            },
            100,
            &[0],
            true,
        );
        check(
            Roll {
                after: seconds(60),
                ..NEVER
            },
            1,
            &[100],
            false,
        );
        check(
            Roll {
                after: seconds(60),
                ..NEVER
            },
            1,
            &[100, 159],
            false,
        );
        check(
            Roll {
                after: seconds(60),
                ..NEVER
            },
            1,
            &[100, 160],
            true,
        );
    }
}

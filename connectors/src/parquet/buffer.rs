//! The rows of one partition that wait on one worker, and when they have waited enough.

use std::time::Duration;

use millstream_engine::{EventTime, Value};

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
    rows: Vec<Vec<Value>>,
    bytes: usize,
    since: Option<EventTime>,
}

impl Buffer {
    pub(crate) fn push(&mut self, row: Vec<Value>) {
        self.bytes += size_bytes(&row);
        self.rows.push(row);
    }

    /// Whether the rows have become many or old at `now`.
    ///
    /// The age counts from the first time this was asked: writing brings no clock, and asking follows every epoch.
    pub(crate) fn is_due(&mut self, roll: &Roll, now: EventTime) -> bool {
        let since = *self.since.get_or_insert(now);
        self.rows.len() >= roll.rows || self.bytes >= roll.bytes || now.since(since) >= roll.after
    }

    pub(crate) fn into_rows(self) -> Vec<Vec<Value>> {
        self.rows
    }
}

fn size_bytes(row: &[Value]) -> usize {
    let text = |value: &Value| match value {
        Value::Text(text) => text.len(),
        _ => 0,
    };
    size_of::<Vec<Value>>() + size_of_val(row) + row.iter().map(text).sum::<usize>()
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

    fn check(roll: Roll, n_rows: usize, asked_at: &[u64], due: bool) {
        let mut buffer = Buffer::default();
        for _ in 0..n_rows {
            buffer.push(vec![Value::Text("x".repeat(100))]);
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

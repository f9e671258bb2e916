//! Patience: for how much event time a record waits for its row.

use std::time::Duration;

use millstream_engine::{EventTime, Record};

/// For how long a record waits; for ever, if nothing is said.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Patience(Option<Duration>);

impl Patience {
    pub(super) fn at_most(patience: Duration) -> Self {
        Patience(Some(patience))
    }

    /// The watermark at which a record of `time` waits no longer, if there is one.
    pub(super) fn over(self, time: EventTime) -> Option<EventTime> {
        let last = time.plus(self.0?).micros();
        Some(EventTime::from_micros(last.saturating_add(1)))
    }

    /// Whether a record of `time` would wait for `row`. That depends on the two alone and not on which is read first: on when
    /// the row happened, and on the watermark it came behind, for there the record would be gone.
    pub(super) fn is_enough<R>(self, time: EventTime, row: &Record<R>) -> bool {
        let over = self.over(time);
        over.is_none_or(|over| row.time.max(row.behind) < over)
    }
}

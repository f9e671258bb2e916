//! When snapshots are taken.

use std::time::Duration;

use crate::time::EventTime;

/// When snapshots are taken.
pub(super) struct Snapshots {
    /// At least this long after one another; `None` in a run that is not durable: with every publish epoch.
    pub(super) interval: Option<Duration>,
    pub(super) next: EventTime,
    /// The one that is not committed yet.
    pub(super) open: Option<u64>,
    /// Something has changed that no snapshot epoch has closed over.
    pub(super) wanted: bool,
    /// How many parts of sinks hold rows that time alone will make them stage.
    pub(super) rows_held: usize,
}

impl Snapshots {
    /// Whether one is to be taken of an epoch that closes at `now`, which is published anyway if `published`.
    pub(super) fn is_due(&self, now: EventTime, published: bool) -> bool {
        let wanted = self.wanted || self.rows_held > 0;
        let due = match self.interval {
            Some(_) => now >= self.next,
            None => published,
        };
        wanted && due && self.open.is_none()
    }
}

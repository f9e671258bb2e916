//! When snapshots are taken.

use std::time::Duration;

use super::EpochClock;
use crate::time::{EventTime, seconds};

/// How often, at most, a quiet run asks its sinks whether rows that they hold have waited long enough.
const ASK_FOR_ROWS_EVERY: Duration = seconds(1);

/// When snapshots are taken.
pub(super) struct Snapshots {
    /// At least this long after one another; `None` in a run that is not durable: with every publish epoch.
    pub(super) interval: Option<Duration>,
    pub(super) next: EventTime,
    /// The one that is not committed yet.
    pub(super) open: Option<u64>,
    /// Something has changed that no snapshot epoch has closed over.
    pub(super) wanted: bool,
    /// When the last one was taken.
    pub(super) taken: EventTime,
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

impl Snapshots {
    /// When one is to be taken though nobody has news, if ever; the next publish epoch is due at `next_publish`.
    pub(super) fn next_due(&self, next_publish: EventTime) -> Option<EventTime> {
        let interval = self.interval.filter(|_| self.open.is_none());
        let rows = interval.filter(|_| self.rows_held > 0);
        let rows = rows.map(|interval| self.taken.plus(interval.max(ASK_FOR_ROWS_EVERY)));
        let wanted = (self.wanted && self.open.is_none()).then_some(match self.interval {
            Some(_) => self.next,
            None => next_publish,
        });
        [rows, wanted].into_iter().flatten().min()
    }
}

impl EpochClock {
    /// The snapshot epoch below `current` that is not committed yet, if there is one.
    pub(crate) fn snapshot_below(&self, current: u64) -> Option<u64> {
        self.state().snapshots.open.filter(|epoch| *epoch < current)
    }

    /// Begins the last snapshot of the run, at the open epoch, unless there is one that is not committed yet.
    pub(crate) fn begin_last_snapshot(&self, now: EventTime) -> bool {
        let mut state = self.state();
        let none_open = state.snapshots.open.is_none();
        if none_open {
            state.open_snapshot(self.current(), now);
        }
        none_open
    }

    /// The snapshot of `epoch` is committed: the next one may come.
    pub(crate) fn committed(&self, epoch: u64) {
        let mut state = self.state();
        let open = state.snapshots.open.take();
        assert_eq!(open, Some(epoch), "one snapshot is committed at a time");
        if state.snapshots.wanted || state.sources_open == 0 {
            state.activate_all();
        }
    }

    /// Something has changed that is to be part of a snapshot.
    pub(crate) fn has_changes(&self) {
        let mut state = self.state();
        if !std::mem::replace(&mut state.snapshots.wanted, true) && state.snapshots.open.is_none() {
            state.activate_all();
        }
    }

    /// A part of a sink holds rows that time alone will make it stage, or holds none any more.
    pub(crate) fn holds_rows(&self, holds: bool) {
        let mut state = self.state();
        let held = &mut state.snapshots.rows_held;
        *held = if holds { *held + 1 } else { *held - 1 };
    }
}

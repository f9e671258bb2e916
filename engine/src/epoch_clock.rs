//! The epoch clock: moves all source partitions through the same epochs, together.
//!
//! ```text
//!  a source has news ──▶ may_close(e): full, or the interval has passed, and not too many epochs in flight
//!                          └──▶ current = e + 1 ──▶ every source and the pulse are activated: they seal e
//!  the views reach e ──▶ completed(e): who was held back goes on
//! ```
//!
//! An epoch closes when someone has read its fill, or the interval has passed, and only if someone has something to say:
//! without input the clock stands still and costs nothing. A few epochs are in flight at most, measured at the views and
//! sinks; while there are more, no epoch closes and a source that has read its fill reads no further. That is the
//! back-pressure, all the way to the socket.
//!
//! Some epochs are *publish epochs*: at their end partial results are shown. The clock chooses them, the next as soon as
//! the interval has passed and twenty times what the last one cost, so that publishing takes a twentieth of the time at
//! most; freshness gives way before throughput does. An epoch closed without publishing is followed by one that does.
//!
//! Some publish epochs are *snapshot epochs*: what there is at their end is committed. In a durable run one is due when
//! the snapshot interval has passed, in any other with every publish epoch; in both only if something has changed, and
//! only after the last one was committed, so that never more than one is on its way.

mod snapshots;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use timely::scheduling::SyncActivator;

use crate::epoch::Epoch;
use crate::epoch_settings::EpochSettings;
use crate::logic::Publish;
use crate::time::EventTime;

use snapshots::Snapshots;

/// One per process, shared by its workers.
pub(crate) struct EpochClock {
    pub(crate) settings: EpochSettings,
    /// The first epoch of the run.
    pub(crate) first: u64,
    current: AtomicU64,
    state: Mutex<State>,
}

struct State {
    opened: EventTime,
    /// All epochs below are complete at the views and sinks.
    completed: u64,
    held_back: bool,
    next_publish: EventTime,
    publish_interval: Duration,
    publish_cost: Duration,
    /// Some closed epoch has not been published.
    unpublished: bool,
    publish_epochs: VecDeque<(u64, Publish)>,
    snapshots: Snapshots,
    sources_open: usize,
    activators: Vec<SyncActivator>,
}

/// What became of the wish to close an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Close {
    /// It is closed; everyone was activated.
    Closed,
    /// Not before this time of the wall clock.
    NotBefore(EventTime),
    /// Too many epochs are in flight; everyone will be activated when one completes.
    HeldBack,
}

impl EpochClock {
    /// A clock at `first`, for `sources` source operators (sources times workers); with snapshots every `snapshots` in a
    /// durable run.
    pub(crate) fn new(
        settings: EpochSettings,
        first: Epoch,
        now: EventTime,
        sources: usize,
        snapshots: Option<Duration>,
    ) -> Self {
        EpochClock {
            settings,
            first: first.as_u64(),
            current: AtomicU64::new(first.as_u64()),
            state: Mutex::new(State {
                opened: now,
                completed: first.as_u64(),
                held_back: false,
                next_publish: now,
                publish_interval: settings.interval,
                publish_cost: Duration::ZERO,
                unpublished: false,
                publish_epochs: VecDeque::new(),
                snapshots: Snapshots {
                    interval: snapshots,
                    next: now.plus(snapshots.unwrap_or_default()),
                    open: None,
                    wanted: false,
                    taken: now,
                    rows_held: 0,
                },
                sources_open: sources,
                activators: Vec::new(),
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The epoch before the first: that of what steps have kept of earlier runs and tell those that are new. No source reads
    /// into it, nothing is published or committed at it, and all epochs of this run come after it.
    pub(crate) fn recall(&self) -> u64 {
        self.first - 1
    }

    /// The epoch that is open.
    pub(crate) fn current(&self) -> u64 {
        self.current.load(Ordering::SeqCst)
    }

    pub(crate) fn publish_interval(&self) -> Duration {
        self.state().publish_interval
    }

    /// Has `activator` called whenever an epoch closes, completes after it held someone back, or the last source ends.
    pub(crate) fn register(&self, activator: SyncActivator) {
        self.state().activators.push(activator);
    }

    /// Wakes everyone who registered.
    pub(crate) fn activate_all(&self) {
        self.state().activate_all();
    }

    /// Closes `epoch` if it is still open and may be closed; `changes` if it has more than marks.
    pub(crate) fn close(&self, epoch: u64, now: EventTime, full: bool, changes: bool) -> Close {
        let mut state = self.state();
        state.snapshots.wanted |= changes;
        if self.current() > epoch {
            return Close::Closed;
        }
        if epoch.saturating_sub(state.completed) >= self.settings.in_flight {
            state.held_back = true;
            return Close::HeldBack;
        }
        let due = state.opened.plus(self.settings.interval);
        if !full && now < due {
            return Close::NotBefore(due);
        }
        self.advance(&mut state, epoch, now);
        Close::Closed
    }

    /// Closes the open epoch if an earlier one is still to be published, or to be part of a snapshot.
    pub(crate) fn close_to_publish(&self, now: EventTime) -> Option<Close> {
        let mut state = self.state();
        let epoch = self.current();
        if state.sources_open == 0 {
            return None;
        }
        let due = state.next_due()?;
        if now < due {
            return Some(Close::NotBefore(due));
        }
        if epoch.saturating_sub(state.completed) >= self.settings.in_flight {
            state.held_back = true;
            return Some(Close::HeldBack);
        }
        self.advance(&mut state, epoch, now);
        Some(Close::Closed)
    }

    fn advance(&self, state: &mut State, epoch: u64, now: EventTime) {
        let published = now >= state.next_publish;
        let snapshot = state.snapshots.is_due(now, published);
        if snapshot {
            state.open_snapshot(epoch, now);
        }
        state.unpublished = !published && !snapshot;
        if !state.unpublished {
            let cost = std::mem::take(&mut state.publish_cost);
            state.publish_interval = self
                .settings
                .interval
                .max(cost * self.settings.publish_share);
            state.next_publish = now.plus(state.publish_interval);
            let publish = Publish {
                snapshot,
                last: false,
            };
            state.publish_epochs.push_back((epoch, publish));
        }
        state.opened = now;
        self.current.store(epoch + 1, Ordering::SeqCst);
        state.activate_all();
    }

    /// Takes note that all epochs below `frontier` are complete.
    pub(crate) fn completed(&self, frontier: u64) {
        let mut state = self.state();
        if frontier > state.completed {
            state.completed = frontier;
            if std::mem::take(&mut state.held_back) {
                state.activate_all();
            }
        }
    }

    /// Takes note of time spent on publishing: a worker's, divided by the number of workers.
    pub(crate) fn spent_publishing(&self, time: Duration) {
        let mut state = self.state();
        state.publish_cost += time;
    }

    /// The publish epochs that were not asked for yet, and the open epoch, which is after them.
    pub(crate) fn take_publish_epochs(&self) -> (Vec<(u64, Publish)>, u64) {
        let mut state = self.state();
        (state.publish_epochs.drain(..).collect(), self.current())
    }

    /// Someone has sent something and will not ask for the epoch to be closed.
    pub(crate) fn has_news(&self) {
        let mut state = self.state();
        state.unpublished = true;
        state.snapshots.wanted = true;
        state.activate_all();
    }

    /// A source operator has sent its last.
    pub(crate) fn source_ended(&self) {
        let mut state = self.state();
        assert!(state.sources_open > 0, "a source ends once");
        state.sources_open -= 1;
        if state.sources_open == 0 {
            state.activate_all();
        }
    }

    /// Whether every source operator has sent its last.
    pub(crate) fn all_ended(&self) -> bool {
        self.state().sources_open == 0
    }
}

impl State {
    /// When an epoch is to be closed though nobody has news, if ever.
    fn next_due(&self) -> Option<EventTime> {
        let publish = self.unpublished.then_some(self.next_publish);
        let snapshot = self.snapshots.next_due(self.next_publish);
        [publish, snapshot].into_iter().flatten().min()
    }

    fn open_snapshot(&mut self, epoch: u64, now: EventTime) {
        let snapshots = &mut self.snapshots;
        snapshots.open = Some(epoch);
        snapshots.wanted = false;
        snapshots.taken = now;
        snapshots.next = now.plus(snapshots.interval.unwrap_or_default());
    }

    fn activate_all(&self) {
        for activator in &self.activators {
            // A worker that is gone needs no waking.
            let _ = activator.activate();
        }
    }
}

#[cfg(test)]
mod tests;

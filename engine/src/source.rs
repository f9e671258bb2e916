//! Sources: where records come from, in partitions that do not depend on the number of workers.
//!
//! ```text
//!            worker w, every activation                         engine
//!  Partition::poll(intake) ──▶ intake.accept(value) ──▶ event time, watermark, epoch ──▶ records@e
//!      │                 └───▶ intake.reject(…)     ──▶ dead letters, counted
//!      └─▶ Polled: Ready, Idle, Held, Ended
//! ```
//!
//! A [`Source`] says how many partitions it has and opens them; partition `p` is driven by worker `p % workers`. A
//! [`Partition`] is *pulled*: it hands over records while there is room in the epoch. A pushed source is pulled too, from
//! the queue that its [`Inlet`] fills; the inlet wakes the worker through the [`Waker`] it was given.
//!
//! *Invariants*: a partition is polled by one thread. Within a partition the offset only grows. Whether a record is
//! behind depends on the records before it in the same partition and on nothing else.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::BoxError;
use crate::inlet::Inlet;
use crate::intake::Intake;
use crate::record::Data;
use crate::registry::Registry;
use crate::state_place::StatePlace;
use crate::time::EventTime;
use crate::wall::WallClock;

/// What a source's event times are measured against when they are checked for being too far ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// The moment a record is taken in: for live sources.
    Now,
    /// The moment the run started: for recorded input, which cannot be from the future.
    AtStart,
    /// Nothing: the source makes up its event times.
    MadeUp,
}

/// Whether a source can give again what was not yet part of a snapshot when the process died.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rewind {
    /// It can be read again from any position it ever had: files, a generator.
    Seek,
    /// It gives again what comes after the last position that was committed: a log.
    Replay,
    /// It cannot: what was taken in since the last snapshot is lost with the process.
    Nothing,
}

/// Where a partition stands: everything before has been handed over, nothing after. The text is the source's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position(pub String);

/// Something that records come from.
pub trait Source: 'static {
    /// What its records carry.
    type Item: Data;
    /// One of its partitions.
    type Partition: Partition<Item = Self::Item>;

    /// How many partitions there are: fixed by the source's definition and its input, never by the number of workers.
    ///
    /// Called before anything starts, so that a missing file is said at once.
    ///
    /// # Errors
    /// What is missing or wrong.
    fn partitions(&self, cx: &SourceContext) -> Result<u32, BoxError>;

    /// Opens partition `partition` on the worker that will drive it.
    ///
    /// # Errors
    /// What went wrong; ends the run.
    fn open(
        &self,
        partition: u32,
        cx: &SourceContext,
        waker: Waker,
    ) -> Result<Self::Partition, BoxError>;

    /// Opens partition `partition` where an earlier run had come to, as its [`Partition::position`] said then.
    ///
    /// Called in place of [`open`](Self::open) where there is a position, so only if partitions give positions.
    ///
    /// # Errors
    /// What went wrong; ends the run.
    fn resume(
        &self,
        partition: u32,
        position: &Position,
        cx: &SourceContext,
        _waker: Waker,
    ) -> Result<Self::Partition, BoxError> {
        Err(CannotResume {
            source_name: cx.name.clone(),
            partition,
            position: position.0.clone(),
        }
        .into())
    }

    /// Whether it can give again what was lost. It cannot, if not said otherwise.
    fn rewind(&self, _cx: &SourceContext) -> Rewind {
        Rewind::Nothing
    }

    /// What tells its input from others: positions in one mean nothing in another. Nothing, if not said otherwise.
    ///
    /// # Errors
    /// What went wrong; the run does not start.
    fn identity(&self, _cx: &SourceContext) -> Result<String, BoxError> {
        Ok(String::new())
    }

    /// What its event times are measured against.
    fn arrival(&self) -> Arrival;

    /// What is told how far this source was read for good, if anyone is.
    fn ack(&self, _cx: &SourceContext) -> Option<Arc<dyn Ack>> {
        None
    }

    /// The end at which events are pushed in, if it has one.
    fn inlet(&self, _cx: &SourceContext) -> Option<Arc<dyn Inlet>> {
        None
    }
}

/// Is told how far a source was read for good, so that what lies before may go.
pub trait Ack: Send + Sync + 'static {
    /// No run will ever ask for what lies before `position` of `partition` again.
    ///
    /// Told after a commit, of the one before it: a run may have to go back by one. In a run that keeps no state, after
    /// each commit of that. Called by one thread at a time, in order; it should be quick.
    ///
    /// # Errors
    /// What went wrong; ends the run.
    fn ack(&self, partition: u32, position: &Position) -> Result<(), BoxError>;
}

/// A source gives positions and cannot be opened at one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "partition {partition} of source {source_name:?} has no way to go on at {position:?}: \
     its Source::resume is missing"
)]
struct CannotResume {
    source_name: String,
    partition: u32,
    position: String,
}

/// One partition of a source.
pub trait Partition: 'static {
    /// What its records carry.
    type Item;

    /// Hands over records in order while `intake` has room, and says how it stands. Must not block.
    ///
    /// # Errors
    /// What went wrong with the input as a whole; ends the run. A bad record is rejected instead.
    fn poll(&mut self, intake: &mut Intake<'_, Self::Item>) -> Result<Polled, BoxError>;

    /// Where it stands after its last poll; `None` if it cannot be opened there again.
    fn position(&self) -> Option<Position> {
        None
    }

    /// How many records wait to be read, as of its last poll, if that is known.
    fn lag(&self) -> Option<u64> {
        None
    }

    /// How many bytes of input this partition has gone through, and how many there are if that is known.
    fn progress(&self) -> (u64, Option<u64>) {
        (0, None)
    }
}

/// How a partition stands after it was polled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Polled {
    /// There is more to come at once.
    Ready,
    /// Caught up: nothing until the time given, or until the waker is called.
    CaughtUp {
        /// When there will be more, if that is known.
        until: Option<EventTime>,
    },
    /// Waiting for another partition of the same input; the waker will be called. Not idle.
    Held,
    /// There will be no more.
    Ended,
}

/// Wakes the worker that drives a partition; may be called from any thread, any number of times.
#[derive(Clone)]
pub struct Waker(Arc<dyn Fn() + Send + Sync>);

impl Waker {
    /// A waker that calls `wake`.
    pub fn new(wake: impl Fn() + Send + Sync + 'static) -> Self {
        Waker(Arc::new(wake))
    }

    /// Has the partition polled soon.
    pub fn wake(&self) {
        (self.0)();
    }
}

/// What a source may know of the run.
#[derive(Clone)]
pub struct SourceContext {
    /// The name of the application.
    pub app: String,
    /// The name the user gave the source.
    pub name: String,
    /// What tells this run, and those it goes on from, from all others.
    pub run: String,
    /// How many workers the run has.
    pub workers: usize,
    /// When the pipeline first started, recorded: the same on every worker, and in every run that goes on from a snapshot.
    pub started: EventTime,
    /// The run's clock.
    pub clock: Arc<dyn WallClock>,
    /// What the workers share.
    pub registry: Arc<Registry>,
    /// Where the run keeps its state.
    pub place: StatePlace,
}

//! A source that does what it is told: for each partition a list of acts.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::BoxError;
use crate::intake::Intake;
use crate::record::Data;
use crate::source::{Arrival, Partition, Polled, Position, Rewind, Source, SourceContext, Waker};
use crate::time::EventTime;

/// What a partition does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act<T> {
    /// Hands over a value that happened then.
    Emit(EventTime, T),
    /// Is caught up until the wall clock says so.
    Until(EventTime),
    /// Is caught up for good.
    Rest,
    /// Waits until the wall clock says so, and for something else than its input.
    Held(EventTime),
    /// Hands over something that is no value.
    Reject,
    /// Fails, and with it the run: as a crash would, nothing more is committed or published. Only the first time.
    Crash,
}

/// A source made of scripts, one for each partition. A script that runs out ends its partition.
///
/// It can be read again from any act on, so it takes part in snapshots. Its clones share which crashes have happened.
///
/// # Examples
/// ```
/// # use millstream_connectors::Memory;
/// # use millstream_engine::testing::{Act, FaultStore, Script};
/// # use millstream_engine::{App, EventTime, State, Watermarks, seconds};
/// let at = EventTime::from_millis;
/// let acts = vec![Act::Emit(at(1), 7), Act::Crash, Act::Emit(at(2), 8)];
/// let script = Script::new(vec![acts]);
/// let (store, memory) = (FaultStore::new(), Memory::new());
/// let run = || {
///     let (script, sink) = (script.clone(), memory.clone());
///     App::new("doc").workers(1).state(State::in_store(store.clone())).run(move |flow| {
///         flow.source("script", script.clone())
///             .event_time(|(time, _)| *time, Watermarks::bounded(seconds(0)))
///             .columns("n", |(_, n)| *n)
///             .sink("memory", sink.clone())
///     })
/// };
/// assert!(run().is_err());
/// assert_eq!(run()?.events, 2);
/// assert_eq!(memory.rows().len(), 2);
/// # Ok::<(), millstream_engine::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Script<T> {
    partitions: Arc<Vec<Vec<Act<T>>>>,
    arrival: Arrival,
    crashed: Crashed,
}

/// The partition and place of each crash that has happened.
type Crashed = Arc<Mutex<BTreeSet<(u32, usize)>>>;

/// A partition of a script fails where it was told to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("partition {partition} crashes at act {act}, as its script says")]
pub struct ScriptedCrash {
    partition: u32,
    act: usize,
}

/// A position that no script gave.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no place in a script")]
struct NoPlace(String);

impl<T> Script<T> {
    /// A source that acts out these, one list for each partition; its event times are made up.
    #[must_use]
    pub fn new(partitions: Vec<Vec<Act<T>>>) -> Self {
        Script {
            partitions: Arc::new(partitions),
            arrival: Arrival::MadeUp,
            crashed: Crashed::default(),
        }
    }

    /// Measures its event times against something.
    #[must_use]
    pub fn arrival(mut self, arrival: Arrival) -> Self {
        self.arrival = arrival;
        self
    }
}

/// A partition of a [`Script`].
#[derive(Debug)]
pub struct ScriptPartition<T> {
    script: Arc<Vec<Vec<Act<T>>>>,
    partition: u32,
    next: usize,
    crashed: Crashed,
}

impl<T: Data + Sync> Source for Script<T> {
    type Item = (EventTime, T);
    type Partition = ScriptPartition<T>;

    fn partitions(&self, _cx: &SourceContext) -> Result<u32, BoxError> {
        Ok(u32::try_from(self.partitions.len())?)
    }

    fn open(
        &self,
        partition: u32,
        _cx: &SourceContext,
        _waker: Waker,
    ) -> Result<ScriptPartition<T>, BoxError> {
        Ok(ScriptPartition {
            script: Arc::clone(&self.partitions),
            partition,
            next: 0,
            crashed: Arc::clone(&self.crashed),
        })
    }

    fn resume(
        &self,
        partition: u32,
        position: &Position,
        cx: &SourceContext,
        waker: Waker,
    ) -> Result<ScriptPartition<T>, BoxError> {
        let next = position
            .0
            .parse()
            .map_err(|_| NoPlace(position.0.clone()))?;
        let opened = self.open(partition, cx, waker)?;
        Ok(ScriptPartition { next, ..opened })
    }

    fn rewind(&self, _cx: &SourceContext) -> Rewind {
        Rewind::Seek
    }

    fn arrival(&self) -> Arrival {
        self.arrival
    }
}

impl<T: Data> Partition for ScriptPartition<T> {
    type Item = (EventTime, T);

    fn poll(&mut self, intake: &mut Intake<'_, (EventTime, T)>) -> Result<Polled, BoxError> {
        let script = Arc::clone(&self.script);
        let acts = &script[self.partition as usize];
        while intake.room() > 0 {
            match acts.get(self.next) {
                Some(Act::Emit(time, value)) => {
                    if let Err(refused) = intake.accept((*time, value.clone())) {
                        intake.reject(self.next as u64, refused.to_string(), b"scripted");
                    }
                }
                Some(Act::Reject) => {
                    intake.reject(self.next as u64, "scripted".into(), b"scripted")
                }
                Some(Act::Until(time)) if *time > intake.now() => {
                    return Ok(Polled::CaughtUp { until: Some(*time) });
                }
                Some(Act::Held(time)) if *time > intake.now() => return Ok(Polled::Held),
                Some(Act::Until(_) | Act::Held(_)) => {}
                Some(Act::Rest) => return Ok(Polled::CaughtUp { until: None }),
                Some(Act::Crash) => self.crash()?,
                None => return Ok(Polled::Ended),
            }
            self.next += 1;
        }
        Ok(Polled::Ready)
    }

    fn position(&self) -> Option<Position> {
        Some(Position(self.next.to_string()))
    }
}

impl<T> ScriptPartition<T> {
    /// Fails, unless it has failed here before.
    fn crash(&self) -> Result<(), ScriptedCrash> {
        let (partition, act) = (self.partition, self.next);
        let mut crashed = self.crashed.lock().unwrap_or_else(PoisonError::into_inner);
        if crashed.insert((partition, act)) {
            return Err(ScriptedCrash { partition, act });
        }
        Ok(())
    }
}

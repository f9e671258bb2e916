//! A source that does what it is told: for each partition a list of acts.
#![allow(dead_code, reason = "not every test needs all of it")]

use std::collections::VecDeque;

use millstream::engine::{
    Arrival, BoxError, Data, EventTime, Intake, Partition, Polled, Source, SourceContext, Waker,
};

/// What a partition does next.
#[derive(Clone, Debug)]
pub(crate) enum Act<T> {
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
}

/// A source made of scripts, one for each partition. A script that runs out ends its partition.
#[derive(Clone)]
pub(crate) struct Script<T> {
    partitions: Vec<Vec<Act<T>>>,
    arrival: Arrival,
}

impl<T> Script<T> {
    pub(crate) fn new(partitions: Vec<Vec<Act<T>>>) -> Self {
        Script {
            partitions,
            arrival: Arrival::MadeUp,
        }
    }

    pub(crate) fn arrival(mut self, arrival: Arrival) -> Self {
        self.arrival = arrival;
        self
    }
}

pub(crate) struct ScriptPartition<T>(VecDeque<Act<T>>, u64);

impl<T: Data + Sync> Source for Script<T> {
    type Item = (EventTime, T);
    type Partition = ScriptPartition<T>;

    fn partitions(&self, _cx: &SourceContext) -> Result<u32, BoxError> {
        Ok(u32::try_from(self.partitions.len())?)
    }

    fn open(
        &self,
        p: u32,
        _cx: &SourceContext,
        _waker: Waker,
    ) -> Result<ScriptPartition<T>, BoxError> {
        Ok(ScriptPartition(
            self.partitions[p as usize].clone().into(),
            0,
        ))
    }

    fn arrival(&self) -> Arrival {
        self.arrival
    }
}

impl<T: Data> Partition for ScriptPartition<T> {
    type Item = (EventTime, T);

    fn poll(&mut self, intake: &mut Intake<'_, (EventTime, T)>) -> Result<Polled, BoxError> {
        while intake.room() > 0 {
            match self.0.front().cloned() {
                Some(Act::Emit(time, value)) => {
                    self.0.pop_front();
                    self.1 += 1;
                    if let Err(refused) = intake.accept((time, value)) {
                        intake.reject(self.1, refused.to_string(), b"scripted");
                    }
                }
                Some(Act::Until(time)) if time > intake.now() => {
                    return Ok(Polled::CaughtUp { until: Some(time) });
                }
                Some(Act::Until(_)) => drop(self.0.pop_front()),
                Some(Act::Held(time)) if time > intake.now() => return Ok(Polled::Held),
                Some(Act::Held(_)) => drop(self.0.pop_front()),
                Some(Act::Reject) => {
                    self.0.pop_front();
                    self.1 += 1;
                    intake.reject(self.1, "scripted".into(), b"scripted");
                }
                Some(Act::Rest) => return Ok(Polled::CaughtUp { until: None }),
                None => return Ok(Polled::Ended),
            }
        }
        Ok(Polled::Ready)
    }
}

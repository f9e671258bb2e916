//! The generator as a source: sixteen partitions, made as they are asked for or beforehand.
//!
//! ```text
//!  events 0…1023 │ 1024… │ 2048… │ … │16384… │ …          blocks of 1024
//!       partition 0    1       2    …     0     …          block b is of partition b % 16, in round b / 16
//! ```
//!
//! A partition hands over one block at a time, so that each of a worker's partitions gets its turn. Its position is the
//! number of its next event. Within a partition events are in order, so its newest event is its watermark.

use std::convert::Infallible;
use std::num::ParseIntError;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use millstream::engine::{
    Arrival, BoxError, Intake, Partition, Polled, Position, Rewind, Source, SourceContext, Waker,
};
use millstream::prelude::*;

use super::event::Event;
use super::generator::Generator;
use super::pace::Pace;

/// How many partitions there are, whatever the number of workers.
pub(crate) const N_PARTITIONS: u32 = 16;

/// How many events a partition hands over at a time.
const BLOCK: u64 = 1_024;

/// In so many events every partition has a block.
const ROUND: u64 = BLOCK * N_PARTITIONS as u64;

/// The first events of a generator.
#[derive(Clone)]
pub(crate) struct Events {
    generator: Generator,
    n_events: u64,
    made: Option<Arc<[Made]>>,
}

/// The events of a partition, until it is opened.
type Made = Mutex<Vec<Event>>;

/// A position that is not the number of an event of its partition.
#[derive(Debug, thiserror::Error)]
#[error(
    "{text:?} is no position in partition {partition} of made-up events: expected the number of its next event"
)]
struct BadPosition {
    text: String,
    partition: u32,
    source: Option<ParseIntError>,
}

impl Events {
    /// The first `n_events` of `generator`, made as they are asked for.
    pub(crate) fn new(generator: Generator, n_events: u64) -> Self {
        Events {
            generator,
            n_events,
            made: None,
        }
    }

    /// The same events, made now and by all cores; each is moved into the pipeline later, so they are good for one run.
    pub(crate) fn made_beforehand(self) -> Self {
        let made: Arc<[Made]> = (0..N_PARTITIONS).map(|_| Made::default()).collect();
        let next = Mutex::new(0..N_PARTITIONS);
        let n_makers = std::thread::available_parallelism().map_or(1, usize::from);
        std::thread::scope(|scope| {
            for _ in 0..n_makers {
                scope.spawn(|| {
                    while let Some(partition) = take(&next, Iterator::next) {
                        let events = self.events_of(partition);
                        take(&made[partition as usize], |made| *made = events);
                    }
                });
            }
        });
        Events {
            made: Some(made),
            ..self
        }
    }

    /// What is read of them.
    pub(crate) fn watermarks() -> Watermarks {
        Watermarks::bounded(Duration::ZERO)
    }

    fn events_of(&self, partition: u32) -> Vec<Event> {
        let numbers = std::iter::successors(Some(first(partition)), |n| Some(following(*n)));
        let numbers = numbers.take_while(|n| *n < self.n_events);
        let mut events = Vec::with_capacity((self.n_events / ROUND * BLOCK + BLOCK) as usize);
        events.extend(numbers.map(|n| self.generator.event(n)));
        events
    }

    fn partition(
        &self,
        partition: u32,
        next: u64,
        cx: &SourceContext,
        waker: Waker,
    ) -> OnePartition {
        let pace = || Ok::<_, Infallible>(Pace::new(N_PARTITIONS));
        let pace = match cx.registry.get_or_make(&format!("pace:{}", cx.name), pace) {
            Ok(pace) => pace,
            Err(never) => match never {},
        };
        let made = self.made.as_ref().map(|made| {
            let mut events = take(&made[partition as usize], std::mem::take).into_iter();
            // Those that an earlier run has taken in already.
            let n_before = next / ROUND * BLOCK + (next - first(partition)) % ROUND;
            events.by_ref().take(n_before as usize).for_each(drop);
            events
        });
        OnePartition {
            number: partition,
            next,
            end: self.n_events,
            generator: self.generator.clone(),
            made,
            pace,
            waker,
        }
    }
}

/// The first event of a partition.
fn first(partition: u32) -> u64 {
    u64::from(partition) * BLOCK
}

/// The event that follows event `n` in its partition.
fn following(n: u64) -> u64 {
    if (n + 1).is_multiple_of(BLOCK) {
        n + 1 + ROUND - BLOCK
    } else {
        n + 1
    }
}

fn take<T, R>(from: &Mutex<T>, what: impl FnOnce(&mut T) -> R) -> R {
    what(&mut from.lock().unwrap_or_else(PoisonError::into_inner))
}

impl Source for Events {
    type Item = Event;
    type Partition = OnePartition;

    fn partitions(&self, _cx: &SourceContext) -> Result<u32, BoxError> {
        Ok(N_PARTITIONS)
    }

    fn open(
        &self,
        partition: u32,
        cx: &SourceContext,
        waker: Waker,
    ) -> Result<OnePartition, BoxError> {
        Ok(self.partition(partition, first(partition), cx, waker))
    }

    fn resume(
        &self,
        partition: u32,
        position: &Position,
        cx: &SourceContext,
        waker: Waker,
    ) -> Result<OnePartition, BoxError> {
        let bad = |source| BadPosition {
            text: position.0.clone(),
            partition,
            source,
        };
        let next: u64 = position.0.parse().map_err(|error| bad(Some(error)))?;
        if next / BLOCK % u64::from(N_PARTITIONS) != u64::from(partition) {
            return Err(bad(None).into());
        }
        Ok(self.partition(partition, next, cx, waker))
    }

    fn rewind(&self, _cx: &SourceContext) -> Rewind {
        Rewind::Seek
    }

    fn identity(&self, _cx: &SourceContext) -> Result<String, BoxError> {
        let (events, of) = (self.n_events, self.generator.identity());
        Ok(format!("{events} auction events of {of}"))
    }

    fn arrival(&self) -> Arrival {
        Arrival::MadeUp
    }
}

/// Every sixteenth block of events.
pub(crate) struct OnePartition {
    number: u32,
    /// The number of the next event.
    next: u64,
    /// How many events there are in all partitions.
    end: u64,
    generator: Generator,
    /// The events from the next one on, if they were made beforehand.
    made: Option<std::vec::IntoIter<Event>>,
    pace: Arc<Pace>,
    waker: Waker,
}

impl OnePartition {
    fn take_next(&mut self) -> Event {
        let made = self.made.as_mut().and_then(Iterator::next);
        let event = made.unwrap_or_else(|| self.generator.event(self.next));
        self.next = following(self.next);
        event
    }
}

impl Partition for OnePartition {
    type Item = Event;

    fn poll(&mut self, intake: &mut Intake<'_, Event>) -> Result<Polled, BoxError> {
        if self.next >= self.end {
            self.pace.leave(self.number, &self.waker);
            return Ok(Polled::Ended);
        }
        if !self.pace.enter(self.number, self.next / ROUND, &self.waker) {
            return Ok(Polled::Held);
        }
        let left_in_block = (BLOCK - self.next % BLOCK).min(self.end - self.next);
        for _ in 0..left_in_block.min(intake.room() as u64) {
            // Made-up times are measured against nothing, so none is too far ahead.
            intake.accept(self.take_next())?;
        }
        Ok(Polled::Ready)
    }

    /// All before `next` was handed over, and nothing after.
    fn position(&self) -> Option<Position> {
        Some(Position(self.next.to_string()))
    }
}

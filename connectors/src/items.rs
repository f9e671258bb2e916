//! Items: a source of what is there already.
//!
//! A list of values that the program has at hand: a side input, an example, a test. One partition, which gives them in their
//! order and ends; a run that goes on from a snapshot goes on behind those that it took in.

use std::num::ParseIntError;
use std::sync::Arc;

use millstream_engine::{
    Arrival, BoxError, Data, Intake, Partition, Polled, Position, Rewind, Source, SourceContext,
    Waker,
};

/// A source of the values that it was given.
///
/// # Examples
/// ```
/// # use millstream_connectors::{Items, Memory};
/// # use millstream_engine::{App, EventTime, Watermarks, seconds};
/// let memory = Memory::new();
/// let sink = memory.clone();
/// let report = App::new("doc").run(move |flow| {
///     flow.source("temperatures", Items::new([(1, 19.5), (2, 20.0), (3, 20.5)]))
///         .event_time(|(second, _)| EventTime::from_millis(second * 1_000), Watermarks::bounded(seconds(1)))
///         .columns("degrees", |(_, degrees)| *degrees)
///         .sink("memory", sink.clone())
/// })?;
/// assert_eq!(report.events, 3);
/// # Ok::<(), millstream_engine::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Items<T>(Arc<[T]>);

impl<T> Items<T> {
    /// A source of `items`, in their order.
    ///
    /// # Examples
    /// See [`Items`].
    pub fn new(items: impl IntoIterator<Item = T>) -> Self {
        Items(items.into_iter().collect())
    }
}

/// The items from some place on.
#[derive(Debug)]
pub struct ItemsPartition<T> {
    items: Arc<[T]>,
    next: usize,
}

/// A position that is not the number of an item.
#[derive(Debug, thiserror::Error)]
#[error("{text:?} is no position among {n} items: expected the number of the next one")]
struct BadPosition {
    text: String,
    n: usize,
    source: Option<ParseIntError>,
}

impl<T: Data + Sync> Source for Items<T> {
    type Item = T;
    type Partition = ItemsPartition<T>;

    fn partitions(&self, _cx: &SourceContext) -> Result<u32, BoxError> {
        Ok(1)
    }

    fn open(
        &self,
        _partition: u32,
        _cx: &SourceContext,
        _waker: Waker,
    ) -> Result<ItemsPartition<T>, BoxError> {
        Ok(ItemsPartition {
            items: Arc::clone(&self.0),
            next: 0,
        })
    }

    fn resume(
        &self,
        _partition: u32,
        position: &Position,
        _cx: &SourceContext,
        _waker: Waker,
    ) -> Result<ItemsPartition<T>, BoxError> {
        let bad = |source| BadPosition {
            text: position.0.clone(),
            n: self.0.len(),
            source,
        };
        let next: usize = position.0.parse().map_err(|error| bad(Some(error)))?;
        if next > self.0.len() {
            return Err(bad(None).into());
        }
        let items = Arc::clone(&self.0);
        Ok(ItemsPartition { items, next })
    }

    fn rewind(&self, _cx: &SourceContext) -> Rewind {
        Rewind::Seek
    }

    fn identity(&self, _cx: &SourceContext) -> Result<String, BoxError> {
        Ok(format!("{} items", self.0.len()))
    }

    fn arrival(&self) -> Arrival {
        Arrival::MadeUp
    }
}

impl<T: Data> Partition for ItemsPartition<T> {
    type Item = T;

    fn poll(&mut self, intake: &mut Intake<'_, T>) -> Result<Polled, BoxError> {
        while intake.room() > 0 {
            let Some(item) = self.items.get(self.next) else {
                return Ok(Polled::Ended);
            };
            // Of their times nothing is known, so none is too far ahead.
            intake.accept(item.clone())?;
            self.next += 1;
        }
        Ok(Polled::Ready)
    }

    fn position(&self) -> Option<Position> {
        Some(Position(self.next.to_string()))
    }
}

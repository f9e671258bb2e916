//! The collector: events that are pushed in, by HTTP clients or by the program itself.
//!
//! ```text
//!  any thread                                            a worker
//!  offer(body) ─▶ split ─▶ decode each ─▶ all or none ─▶ queue ─▶ partition ─▶ accept, or reject
//!       ◀─ receipt: accepted, rejected and why                ◀─ waker
//! ```
//!
//! A body is one JSON value, an array of values, or a value a line; each value is an event, counted from 0 where a
//! receipt tells of errors (blank lines are none). They are decoded at once, so
//! that the client is told which of its events were refused and why; these become dead letters, and the others are taken
//! all the same. A body is taken as a whole or not at all: when the queue has no room for it the client is to come
//! again, and that is how the pipeline's back-pressure reaches it.
//!
//! The queue is memory: when the process dies, what it had accepted and no snapshot holds yet is lost, and cannot be had
//! again unless the client sends it again.
//!
//! *Invariants*: what a receipt calls accepted is in the queue, in the order of the body. The queue is bounded in events
//! and in bytes.

mod body;
mod inlet;
mod partition;
mod queue;

use std::convert::Infallible;
use std::sync::Arc;

use millstream_engine::{Arrival, BoxError, Inlet, Rewind, Source, SourceContext, Waker};

use crate::format::Decode;
use inlet::CollectorInlet;
use queue::Queue;

pub use partition::CollectorPartition;

/// A source that events are pushed into; [`decode`](Self::decode) says what they are.
///
/// # Examples
/// ```
/// use millstream_connectors::{Collector, Event, Json};
/// let views = Collector::new().queue_events(10_000).decode(Json::<Event<u32>>::new());
/// ```
#[derive(Clone, Debug)]
pub struct Collector {
    limits: Limits,
}

#[derive(Clone, Copy, Debug)]
struct Limits {
    queue_events: usize,
    body_bytes: usize,
    event_bytes: usize,
}

impl Collector {
    /// A collector whose queue holds 100,000 events, and that takes bodies of up to 16 MiB with events of up to 1 MiB.
    #[must_use]
    pub fn new() -> Self {
        let limits = Limits {
            queue_events: 100_000,
            body_bytes: 16 * 1024 * 1024,
            event_bytes: 1024 * 1024,
        };
        Collector { limits }
    }

    /// Lets up to `n` events, rejected ones among them, wait for the pipeline; a body with more is never taken.
    #[must_use]
    pub fn queue_events(mut self, n: usize) -> Self {
        self.limits.queue_events = n;
        self
    }

    /// Takes bodies of up to `bytes`.
    #[must_use]
    pub fn body_bytes_max(mut self, bytes: usize) -> Self {
        self.limits.body_bytes = bytes;
        self
    }

    /// Takes events of up to `bytes`; a larger one becomes a dead letter.
    #[must_use]
    pub fn event_bytes_max(mut self, bytes: usize) -> Self {
        self.limits.event_bytes = bytes;
        self
    }

    /// A source of the values that `format` makes of the events.
    pub fn decode<F: Decode>(self, format: F) -> CollectorSource<F> {
        CollectorSource {
            limits: self.limits,
            format,
        }
    }
}

impl Default for Collector {
    fn default() -> Self {
        Self::new()
    }
}

/// The source made by [`Collector::decode`].
#[derive(Clone, Debug)]
pub struct CollectorSource<F> {
    limits: Limits,
    format: F,
}

impl<F: Decode> CollectorSource<F> {
    /// The queue between inlet and partition: whoever of them comes first makes it.
    fn queue(&self, cx: &SourceContext) -> Arc<Queue<F::Item>> {
        let name = format!("collector:{}", cx.name);
        let made = || Ok::<_, Infallible>(Queue::new(cx.name.clone(), self.limits.queue_events));
        match cx.registry.get_or_make(&name, made) {
            Ok(queue) => queue,
            Err(never) => match never {},
        }
    }
}

impl<F: Decode> Source for CollectorSource<F> {
    type Item = F::Item;
    type Partition = CollectorPartition<F::Item>;

    fn partitions(&self, _cx: &SourceContext) -> Result<u32, BoxError> {
        Ok(1)
    }

    fn open(
        &self,
        _partition: u32,
        cx: &SourceContext,
        waker: Waker,
    ) -> Result<CollectorPartition<F::Item>, BoxError> {
        Ok(CollectorPartition::new(self.queue(cx), waker))
    }

    /// What was in the queue is gone with the process.
    fn rewind(&self) -> Rewind {
        Rewind::Nothing
    }

    fn arrival(&self) -> Arrival {
        Arrival::Now
    }

    fn inlet(&self, cx: &SourceContext) -> Option<Arc<dyn Inlet>> {
        Some(Arc::new(CollectorInlet::new(
            self.queue(cx),
            self.format.clone(),
            self.limits,
        )))
    }
}

#[cfg(test)]
mod tests;

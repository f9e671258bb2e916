//! The collector's inner end: from the queue into the epoch.

use std::collections::VecDeque;
use std::sync::Arc;

use millstream_engine::{BoxError, Data, Intake, Partition, Polled, Waker};

use super::queue::{Entry, Queue};
use crate::take::Take;

/// The one partition of a collector; an event's offset is its number since the run began.
pub struct CollectorPartition<T> {
    queue: Arc<Queue<T>>,
    /// Empty between polls; kept for its memory.
    taken: VecDeque<Entry<T>>,
    next_offset: u64,
    n_bytes: u64,
}

impl<T> CollectorPartition<T> {
    pub(super) fn new(queue: Arc<Queue<T>>, waker: Waker) -> Self {
        queue.open(waker);
        CollectorPartition {
            queue,
            taken: VecDeque::new(),
            next_offset: 0,
            n_bytes: 0,
        }
    }

    pub(super) fn advance(&mut self, intake: &mut impl Take<T>) -> Polled {
        let is_more = self.queue.take(intake.room(), &mut self.taken);
        for Entry { raw, decoded } in self.taken.drain(..) {
            let refused = decoded.and_then(|value| intake.accept(value));
            if let Err(reason) = refused {
                intake.reject(self.next_offset, reason, &raw);
            }
            self.next_offset += 1;
            self.n_bytes += raw.len() as u64;
        }
        if is_more {
            Polled::Ready
        } else {
            Polled::CaughtUp { until: None }
        }
    }
}

impl<T: Data> Partition for CollectorPartition<T> {
    type Item = T;

    fn poll(&mut self, intake: &mut Intake<'_, T>) -> Result<Polled, BoxError> {
        Ok(self.advance(intake))
    }

    fn progress(&self) -> (u64, Option<u64>) {
        (self.n_bytes, None)
    }
}

impl<T> Drop for CollectorPartition<T> {
    fn drop(&mut self) {
        let n_left = self.queue.close();
        if n_left > 0 {
            let source = self.queue.source();
            tracing::warn!(
                "source {source:?} ended before {n_left} events that wait in it were taken in"
            );
        }
    }
}

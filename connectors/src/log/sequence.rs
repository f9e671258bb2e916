//! A sequence: one partition of a topic, with the end that is written and the part that can be read.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::shelf::Shelf;
use super::tail::Tail;
use super::walk::Format;

/// One partition of a topic.
pub(super) struct Sequence {
    pub(super) number: u32,
    pub(super) format: Format,
    tail: Mutex<Tail>,
    pub(super) shelf: Arc<Shelf>,
    /// All records before this offset are durable.
    durable: AtomicU64,
}

impl Sequence {
    pub(super) fn new(number: u32, format: Format, tail: Tail, shelf: Shelf) -> Self {
        let durable = AtomicU64::new(tail.next());
        Sequence {
            number,
            format,
            tail: Mutex::new(tail),
            shelf: Arc::new(shelf),
            durable,
        }
    }

    pub(super) fn tail(&self) -> MutexGuard<'_, Tail> {
        self.tail.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn durable(&self) -> u64 {
        self.durable.load(Ordering::Acquire)
    }

    /// All records before `offset` are durable now.
    pub(super) fn set_durable(&self, offset: u64) {
        self.durable.store(offset, Ordering::Release);
    }
}

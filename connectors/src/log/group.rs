//! Groups: what the writer does at once, and who waits for it.
//!
//! An appender puts its frames into the tails of its partitions first, and then itself among those who wait. The writer
//! takes those who wait first, and the frames then: so whoever it has taken has all frames in this group or in earlier ones,
//! and so have the originals of its duplicates.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::error::LogError;
use super::record::Appended;

/// What is called with what became of records.
pub(super) type Then = Box<dyn FnOnce(Result<Appended, LogError>) + Send>;

/// Someone who appended records.
pub(super) struct Waiting {
    pub(super) then: Then,
    pub(super) appended: Appended,
}

/// What the writer has to do.
#[derive(Default)]
pub(super) struct Group {
    pub(super) waiting: Vec<Waiting>,
    /// Something may be removed.
    pub(super) retain: bool,
    /// The topic is closed: this is the last group.
    pub(super) is_last: bool,
}

/// What waits for the writer.
pub(super) struct Queue {
    inner: Mutex<Queued>,
    news: Condvar,
    /// Bytes that are not written yet.
    bytes: AtomicUsize,
    bytes_max: usize,
}

#[derive(Default)]
struct Queued {
    group: Group,
    /// The writer waits.
    is_idle: bool,
    is_closed: bool,
    /// The writer is gone.
    is_over: bool,
}

impl Queue {
    pub(super) fn new(bytes_max: usize) -> Self {
        Queue {
            inner: Mutex::default(),
            news: Condvar::new(),
            bytes: AtomicUsize::new(0),
            bytes_max,
        }
    }

    fn queued(&self) -> MutexGuard<'_, Queued> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes room for `n_bytes`; gives how many wait if there is none. There is always room for nothing.
    pub(super) fn reserve(&self, n_bytes: usize) -> Result<(), usize> {
        let add = |bytes: usize| {
            let is_larger = bytes.saturating_add(n_bytes) > self.bytes_max;
            let is_over = bytes > 0 && n_bytes > 0 && is_larger;
            (!is_over).then_some(bytes.saturating_add(n_bytes))
        };
        let reserved = self
            .bytes
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, add);
        reserved.map(drop)
    }

    /// `n_bytes` do not wait any more.
    pub(super) fn release(&self, n_bytes: usize) {
        self.bytes.fetch_sub(n_bytes, Ordering::AcqRel);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.queued().is_closed
    }

    /// Someone waits from now on; gives them back if nobody writes any more.
    pub(super) fn push(&self, waiting: Waiting) -> Result<(), Waiting> {
        let mut queued = self.queued();
        if queued.is_over {
            return Err(waiting);
        }
        queued.group.waiting.push(waiting);
        self.wake(queued);
        Ok(())
    }

    /// Has the writer look whether something can be removed.
    pub(super) fn retain(&self) {
        let mut queued = self.queued();
        queued.group.retain = true;
        self.wake(queued);
    }

    /// The next group is the last one; gives whether it was not closed before.
    pub(super) fn close(&self) -> bool {
        let mut queued = self.queued();
        let was_closed = std::mem::replace(&mut queued.is_closed, true);
        self.wake(queued);
        !was_closed
    }

    fn wake(&self, mut queued: MutexGuard<'_, Queued>) {
        // Whoever waits for the end waits on the same condition.
        if std::mem::take(&mut queued.is_idle) {
            drop(queued);
            self.news.notify_all();
        }
    }

    /// For the writer: waits until there is something to do, until `until` at most.
    pub(super) fn take(&self, until: Option<Instant>) -> Group {
        let mut queued = self.queued();
        loop {
            let is_last = queued.is_closed;
            if is_last || queued.group.retain || !queued.group.waiting.is_empty() {
                queued.is_idle = false;
                let group = std::mem::take(&mut queued.group);
                return Group { is_last, ..group };
            }
            queued.is_idle = true;
            queued = match until {
                None => self
                    .news
                    .wait(queued)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(until) => {
                    let left = until.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return Group::default();
                    }
                    let waited = self.news.wait_timeout(queued, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    /// For the writer: it is gone; gives those who came in the meantime.
    pub(super) fn end(&self) -> Vec<Waiting> {
        let mut queued = self.queued();
        queued.is_over = true;
        let waiting = std::mem::take(&mut queued.group.waiting);
        drop(queued);
        self.news.notify_all();
        waiting
    }

    /// Waits until the writer is gone.
    pub(super) fn wait_for_end(&self) {
        let mut queued = self.queued();
        while !queued.is_over {
            queued = self
                .news
                .wait(queued)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

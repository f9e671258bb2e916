//! The shelf: what can be read of a partition, and who waits for more.
//!
//! Only the writer's thread puts something on it, after it is durable under the topic's policy; any number of readers
//! look at it, each from time to time.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use millstream_engine::Waker;

use super::index::{Entry, Extent};

/// What can be read of one partition.
pub(super) struct Shelf {
    inner: Mutex<OnShelf>,
    more: Condvar,
}

/// The segments of a partition, as far as they can be read.
pub(super) struct OnShelf {
    /// The first offset that is kept.
    pub(super) start: u64,
    /// The first that cannot be read yet.
    pub(super) end: u64,
    pub(super) segments: VecDeque<Extent>,
    /// There will be no more: the topic was closed, or has failed.
    pub(super) is_over: bool,
    wakers: Vec<(u64, Waker)>,
    n_wakers: u64,
}

impl Shelf {
    pub(super) fn new(start: u64, segments: VecDeque<Extent>) -> Self {
        let end = segments.back().map_or(start, |last| last.next);
        let inner = OnShelf {
            start,
            end,
            segments,
            is_over: false,
            wakers: Vec::new(),
            n_wakers: 0,
        };
        Shelf {
            inner: Mutex::new(inner),
            more: Condvar::new(),
        }
    }

    pub(super) fn look(&self) -> MutexGuard<'_, OnShelf> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts `segment` with what was added to it on the shelf; nobody is told yet.
    pub(super) fn put(&self, added: &Added<'_>) {
        let mut on = self.look();
        on.end = added.extent.next;
        match on.segments.back_mut() {
            Some(last) if last.id == added.extent.id => {
                last.entries.extend_from_slice(added.entries);
                last.length = added.extent.length;
                last.next = added.extent.next;
                last.last_time = added.extent.last_time;
            }
            _ => on.segments.push_back(added.extent.clone()),
        }
    }

    /// Tells all who wait that they should look again.
    pub(super) fn tell(&self) {
        let wakers: Vec<Waker> = {
            let on = self.look();
            on.wakers.iter().map(|(_, waker)| waker.clone()).collect()
        };
        self.more.notify_all();
        wakers.iter().for_each(Waker::wake);
    }

    /// There will be no more.
    pub(super) fn end(&self) {
        self.look().is_over = true;
        self.tell();
    }

    /// Waits until record `offset` can be read, or there will be no more, for `timeout` at most; gives whether it can.
    pub(super) fn wait(&self, offset: u64, timeout: Duration) -> bool {
        let until = Instant::now().checked_add(timeout);
        let mut on = self.look();
        while on.end <= offset && !on.is_over {
            let left = match until {
                Some(until) => until.saturating_duration_since(Instant::now()),
                None => Duration::MAX,
            };
            if left.is_zero() {
                break;
            }
            let waited = self
                .more
                .wait_timeout(on, left.min(Duration::from_secs(3600)));
            on = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        on.end > offset
    }

    pub(super) fn subscribe(self: &Arc<Self>, waker: Waker) -> Subscription {
        let mut on = self.look();
        let number = on.n_wakers;
        on.n_wakers += 1;
        on.wakers.push((number, waker));
        Subscription {
            shelf: Arc::clone(self),
            number,
        }
    }
}

/// A segment and the entries that are new in it.
pub(super) struct Added<'a> {
    pub(super) extent: &'a Extent,
    pub(super) entries: &'a [Entry],
}

impl OnShelf {
    /// The segment that record `offset` is in, or will be.
    pub(super) fn segment_of(&self, offset: u64) -> Option<&Extent> {
        let after = self
            .segments
            .partition_point(|segment| segment.id.base <= offset);
        self.segments.get(after.checked_sub(1)?)
    }
}

/// Has a waker called whenever more can be read, until it is dropped.
#[must_use = "the waker is not called any more once this is dropped"]
pub struct Subscription {
    shelf: Arc<Shelf>,
    number: u64,
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut on = self.shelf.look();
        on.wakers.retain(|(number, _)| *number != self.number);
    }
}

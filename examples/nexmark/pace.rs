//! The pace: partitions go through event time together, on whatever worker they are.
//!
//! Event numbers are dealt out in blocks, round by round: every partition has one block of each round. One that is a few
//! rounds ahead of the last waits for it, so that no more windows are open than there must be. It leaves its waker in the
//! same critical section in which it found that it must wait, and whoever lets it go on calls that; so nobody is forgotten.

use std::sync::{Mutex, PoisonError};

use millstream::engine::Waker;

/// How many rounds a partition may be ahead of the last one.
const AHEAD_MAX: u64 = 4;

/// Where all partitions meet.
pub(crate) struct Pace(Mutex<Inner>);

struct Inner {
    /// By partition: the round that it is in.
    rounds: Vec<u64>,
    waiting: Vec<Waker>,
}

impl Pace {
    /// A pace for partitions that all stand at the beginning: those that are not opened yet may do so.
    pub(crate) fn new(n_partitions: u32) -> Self {
        Pace(Mutex::new(Inner {
            rounds: vec![0; n_partitions as usize],
            waiting: Vec::new(),
        }))
    }

    /// Whether `partition` may go on in `round`, which is no earlier than it ever said; if not, `waker` is called when it
    /// may try again.
    pub(crate) fn enter(&self, partition: u32, round: u64, waker: &Waker) -> bool {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let last_before = inner.last();
        inner.rounds[partition as usize] = round;
        let last = inner.last();
        let may = round <= last.saturating_add(AHEAD_MAX);
        if !may {
            inner.waiting.push(waker.clone());
        }
        let woken = if last > last_before {
            std::mem::take(&mut inner.waiting)
        } else {
            Vec::new()
        };
        drop(inner);
        woken.iter().for_each(Waker::wake);
        may
    }

    /// `partition` has nothing more, and nobody waits for it.
    pub(crate) fn leave(&self, partition: u32, waker: &Waker) {
        self.enter(partition, u64::MAX - AHEAD_MAX, waker);
    }
}

impl Inner {
    fn last(&self) -> u64 {
        self.rounds.iter().copied().min().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

    use super::*;

    #[test]
    fn who_is_ahead_waits_until_the_last_has_moved() {
        let woken = Arc::new(AtomicU32::new(0));
        let counter = Arc::clone(&woken);
        let waker = Waker::new(move || {
            counter.fetch_add(1, Relaxed);
        });
        let pace = Pace::new(2);
        assert!(pace.enter(0, AHEAD_MAX, &waker));
        assert!(!pace.enter(0, AHEAD_MAX + 1, &waker));
        assert_eq!(woken.load(Relaxed), 0);
        assert!(pace.enter(1, 1, &waker));
        assert_eq!(woken.load(Relaxed), 1);
        assert!(pace.enter(0, AHEAD_MAX + 1, &waker));
        pace.leave(1, &waker);
        assert!(pace.enter(0, 1_000_000, &waker));
    }
}

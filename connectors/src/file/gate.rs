//! The gate: no lane runs ahead of the others.
//!
//! A lane may begin its stripe of round `r` when all stripes of the rounds before are finished. Lane `l` has exactly one
//! stripe in each round (the last round may have fewer than 16), so "all before round `r`" is `16 r` stripes, and as no
//! stripe of round `r` was begun before these were finished, a count of finished stripes is all that must be known.
//!
//! *No deadlock.* Take the unfinished stripe with the least number, in round `r`. All rounds before `r` are finished, so
//! the gate lets its lane in; the stripes that this lane has before it are of earlier rounds, so it is this lane's next.
//! Reading it to its end waits for nothing but the file. So wherever there is an unfinished stripe, some lane can go on,
//! whichever worker drives it: a lane that may not begin says so and returns, it never blocks its worker. And no lane
//! sleeps through its turn: it leaves its waker in the same critical section in which it found the gate closed, and
//! whoever finishes the last stripe of a round takes all wakers in the one in which the gate opens.

use std::sync::{Mutex, PoisonError};

use millstream_engine::Waker;

use super::N_LANES;

/// Where all lanes of a source meet, on whatever worker they are.
pub(super) struct Gate {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// How many stripes were read to their end.
    n_finished: u64,
    /// The lanes that found the gate closed.
    waiting: [Option<Waker>; N_LANES as usize],
}

impl Gate {
    pub(super) fn new() -> Self {
        Gate {
            inner: Mutex::default(),
        }
    }

    /// Whether `lane` may begin its stripe of `round`; if not, `waker` is called when it may.
    pub(super) fn enter(&self, lane: u32, round: u64, waker: &Waker) -> bool {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let open = inner.n_finished >= round * u64::from(N_LANES);
        inner.waiting[lane as usize] = (!open).then(|| waker.clone());
        open
    }

    /// Takes note that a lane has finished a stripe.
    pub(super) fn leave(&self) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.n_finished += 1;
        if !inner.n_finished.is_multiple_of(u64::from(N_LANES)) {
            return;
        }
        let waiting = std::mem::take(&mut inner.waiting);
        drop(inner);
        waiting.into_iter().flatten().for_each(|waker| waker.wake());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn the_last_lane_of_a_round_opens_the_gate_and_wakes_who_waits() {
        let gate = Gate::new();
        let woken = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&woken);
        let waker = Waker::new(move || {
            counted.fetch_add(1, Ordering::Relaxed);
        });
        for lane in 0..N_LANES {
            assert!(gate.enter(lane, 0, &waker));
        }
        for _ in 0..15 {
            gate.leave();
            assert!(!gate.enter(3, 1, &waker));
            assert!(!gate.enter(4, 1, &waker));
        }
        assert_eq!(woken.load(Ordering::Relaxed), 0);
        gate.leave();
        assert_eq!(woken.load(Ordering::Relaxed), 2);
        assert!(gate.enter(3, 1, &waker));
        assert!(!gate.enter(3, 2, &waker));
    }
}

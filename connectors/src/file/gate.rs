//! The gate: no lane runs ahead of the others.
//!
//! A lane may begin its stripe of round `r`, or go on in it, when every lane has finished its stripes of the rounds before.
//! Lane `l` has exactly one stripe in each round (the last round may have fewer than 16), so all that must be known is how
//! many stripes each lane has finished. A lane that goes on from a snapshot says how many it had finished then; one that
//! is not opened yet has finished none.
//!
//! *No deadlock.* Every lane is opened at the start of a run, and opening one waits for nothing. From then on, take the
//! unfinished stripe with the least number, in round `r`. All rounds before `r` are finished, so the gate lets its lane
//! in; the stripes that this lane has before it are of earlier rounds, so it is this lane's next. Reading it to its end
//! waits for nothing but the file. So wherever there is an unfinished stripe, some lane can go on, whichever worker drives
//! it: a lane that may not begin says so and returns, it never blocks its worker. How far the lanes were apart in the
//! snapshot plays no part in this. And no lane sleeps through its turn: it leaves its waker in the same critical section
//! in which it found the gate closed, and whatever opens the gate for a round, the last finished stripe of the round
//! before or the last lane that is opened, takes all wakers in the critical section in which it does.

use std::sync::{Mutex, PoisonError};

use millstream_engine::Waker;

use super::N_LANES;

/// Where all lanes of a source meet, on whatever worker they are.
pub(super) struct Gate {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// By lane: how many stripes were read to their end, in this run and those before.
    n_finished: [u64; N_LANES as usize],
    /// The lanes that found the gate closed.
    waiting: [Option<Waker>; N_LANES as usize],
}

impl Inner {
    /// The rounds below this one are finished, by all lanes.
    fn open_round(&self) -> u64 {
        self.n_finished.iter().copied().min().unwrap_or(0)
    }
}

impl Gate {
    pub(super) fn new() -> Self {
        Gate {
            inner: Mutex::default(),
        }
    }

    /// Whether `lane` may read its stripe of `round`; if not, `waker` is called when it may.
    pub(super) fn enter(&self, lane: u32, round: u64, waker: &Waker) -> bool {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let open = round <= inner.open_round();
        inner.waiting[lane as usize] = (!open).then(|| waker.clone());
        open
    }

    /// Takes note that `lane` has finished a stripe.
    pub(super) fn leave(&self, lane: u32) {
        self.finish(lane, |n_finished| n_finished + 1);
    }

    /// Takes note that `lane` had finished its stripes of the rounds before `round` in an earlier run.
    pub(super) fn resume(&self, lane: u32, round: u64) {
        self.finish(lane, |_| round);
    }

    fn finish(&self, lane: u32, n_finished: impl FnOnce(u64) -> u64) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let open_before = inner.open_round();
        let of_lane = &mut inner.n_finished[lane as usize];
        *of_lane = n_finished(*of_lane);
        if inner.open_round() == open_before {
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

    fn counting() -> (Waker, Arc<AtomicUsize>) {
        let woken = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&woken);
        let waker = Waker::new(move || {
            counted.fetch_add(1, Ordering::Relaxed);
        });
        (waker, woken)
    }

    #[test]
    fn the_last_lane_of_a_round_opens_the_gate_and_wakes_who_waits() {
        let gate = Gate::new();
        let (waker, woken) = counting();
        for lane in 0..N_LANES {
            assert!(gate.enter(lane, 0, &waker));
        }
        for lane in 1..N_LANES {
            gate.leave(lane);
            assert!(!gate.enter(3, 1, &waker));
            assert!(!gate.enter(4, 1, &waker));
        }
        assert_eq!(woken.load(Ordering::Relaxed), 0);
        gate.leave(0);
        assert_eq!(woken.load(Ordering::Relaxed), 2);
        assert!(gate.enter(3, 1, &waker));
        assert!(!gate.enter(3, 2, &waker));
    }

    #[test]
    fn the_last_lane_that_is_opened_opens_the_gate_and_wakes_who_waits() {
        let gate = Gate::new();
        let (waker, woken) = counting();
        // Lane 0 was three rounds ahead of lane 15; all others were between them.
        gate.resume(0, 5);
        assert!(!gate.enter(0, 5, &waker));
        for lane in 1..N_LANES - 1 {
            gate.resume(lane, 3);
            assert!(!gate.enter(lane, 3, &waker));
        }
        assert_eq!(woken.load(Ordering::Relaxed), 0, "lane 15 may be anywhere");
        gate.resume(N_LANES - 1, 2);
        assert_eq!(woken.load(Ordering::Relaxed), 15);
        assert!(gate.enter(N_LANES - 1, 2, &waker));
        assert!(!gate.enter(1, 3, &waker), "lane 15 is behind");
        gate.leave(N_LANES - 1);
        assert!(gate.enter(1, 3, &waker) && !gate.enter(0, 5, &waker));
    }
}

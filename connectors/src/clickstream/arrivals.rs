//! Arrivals: the numbers of a partition's events in the order in which they arrive.
//!
//! Events happen in the order of their numbers and arrive after a delay. An event can be handed on as soon as no event
//! still to be looked at can come before it: those happen later, and none arrives before it happens. What was looked at
//! and not handed on waits in a heap, and is only a time and a number.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use millstream_engine::EventTime;

use super::maker::Maker;

/// The events `first`, `first + step`, … below `end`, by the time they arrive; of several at once the lower number first.
pub(super) struct Arrivals {
    maker: Maker,
    next: Option<u64>,
    step: u64,
    end: u64,
    pending: BinaryHeap<Reverse<(EventTime, u64)>>,
}

impl Arrivals {
    pub(super) fn new(maker: Maker, first: u64, step: u64, n_events: Option<u64>) -> Self {
        Arrivals {
            maker,
            next: Some(first),
            step,
            end: n_events.unwrap_or(u64::MAX),
            pending: BinaryHeap::new(),
        }
    }

    /// When the next event arrives; `None` after the last one.
    pub(super) fn next_at(&mut self) -> Option<EventTime> {
        loop {
            let first = self.pending.peek().map(|Reverse((at, _))| *at);
            let Some(n) = self.next.filter(|&n| n < self.end) else {
                return first;
            };
            if first.is_some_and(|first| first < self.maker.happens_at(n)) {
                return first;
            }
            self.pending.push(Reverse((self.maker.arrives_at(n), n)));
            self.next = n.checked_add(self.step);
        }
    }

    /// Hands on the event that [`next_at`](Self::next_at) spoke of.
    pub(super) fn pop(&mut self) -> Option<u64> {
        self.pending.pop().map(|Reverse((_, n))| n)
    }
}

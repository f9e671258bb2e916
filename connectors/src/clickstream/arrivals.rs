//! Arrivals: the numbers of a partition's events in the order in which they arrive.
//!
//! Events happen in the order of their numbers and arrive after a delay. An event can be handed on as soon as no event
//! still to be looked at can come before it: those happen later, and none arrives before it happens. What was looked at
//! and not handed on waits in a heap, and is only a time and a number.
//!
//! The heap need not be kept to go on later. Events leave it in order of arrival, so those that wait in it are, of all
//! that were looked at, the ones that arrive after the last one handed on; and no event that happened longer before that
//! one's arrival than the greatest delay is among them. See [`Progress`] for the one exception, a stream that was given
//! more events after it had ended.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use millstream_engine::EventTime;

use super::maker::{DELAY_MAX, Maker};
use super::position::{Handed, Progress};

/// The events `first`, `first + step`, … below `end`, by the time they arrive; of several at once the lower number first.
pub(super) struct Arrivals {
    maker: Maker,
    next: u64,
    step: u64,
    end: u64,
    pending: BinaryHeap<Reverse<(EventTime, u64)>>,
    /// What was handed on: of the events below a number those that arrive no later than another one. Numbers rise and
    /// times fall; the last entry is that of the newest event, and holds for all that were looked at.
    handed: Vec<(u64, (EventTime, u64))>,
}

impl Arrivals {
    /// All events, from `first`, which is less than `step`.
    pub(super) fn new(maker: Maker, first: u64, step: u64, n_events: Option<u64>) -> Self {
        Arrivals {
            maker,
            next: first,
            step,
            end: n_events.unwrap_or(u64::MAX),
            pending: BinaryHeap::new(),
            handed: Vec::new(),
        }
    }

    /// Those that are left after `progress`, which is one that [`progress`](Self::progress) gave.
    pub(super) fn go_on(mut self, progress: &Progress) -> Self {
        let first = self.next;
        let mut from = first;
        for &Handed { below, last } in &progress.handed {
            let last = (self.maker.arrives_at(last), last);
            let waiting_from = self.maker.first_at(last.0.minus(DELAY_MAX)).max(from);
            self.wait(waiting_from, first, below, Some(last));
            self.handed.push((below, last));
            from = below;
        }
        self.wait(from, first, progress.next, None);
        self.next = progress.next;
        self
    }

    /// Has the events from `from` to `below` wait, those of this partition that arrive after `last`.
    fn wait(&mut self, from: u64, first: u64, below: u64, last: Option<(EventTime, u64)>) {
        let step = self.step;
        let to_ours = (first + step - from % step) % step;
        let mut next = from.saturating_add(to_ours);
        while next < below {
            let key = (self.maker.arrives_at(next), next);
            if last.is_none_or(|last| last < key) {
                self.pending.push(Reverse(key));
            }
            next = next.saturating_add(step);
        }
    }

    /// How far it has come.
    pub(super) fn progress(&self) -> Progress {
        let handed = self.handed.iter().map(|&(below, (_, last))| Handed {
            below: below.min(self.next),
            last,
        });
        Progress {
            next: self.next,
            handed: handed.collect(),
        }
    }

    /// When the next event arrives; `None` after the last one.
    pub(super) fn next_at(&mut self) -> Option<EventTime> {
        loop {
            let first = self.pending.peek().map(|Reverse((at, _))| *at);
            if self.next >= self.end {
                return first;
            }
            let n = self.next;
            if first.is_some_and(|first| first < self.maker.happens_at(n)) {
                return first;
            }
            self.pending.push(Reverse((self.maker.arrives_at(n), n)));
            self.next = n.saturating_add(self.step);
        }
    }

    /// Hands on the event that [`next_at`](Self::next_at) spoke of.
    pub(super) fn pop(&mut self) -> Option<u64> {
        let Reverse(key) = self.pending.pop()?;
        while self.handed.last().is_some_and(|(_, last)| *last <= key) {
            self.handed.pop();
        }
        self.handed.push((u64::MAX, key));
        Some(key.1)
    }
}

//! Frozen panes: what a snapshot takes of windows while they go on changing.
//!
//! ```text
//!  a pane changes ─▶ touched ── freeze ─▶ frozen ┬─ save, slice by slice ───────▶ the step's log ─▶ saved
//!                                                └─ changes before its turn ─▶ early ──┘
//! ```
//!
//! A freeze moves the lists of what was touched and encodes nothing. Whatever is frozen is written as it was: a pane that
//! is about to change is written first, into a log of its own that the next slice takes along; the panes of a piece that
//! closes are put aside until they are written. A piece that is closed when the panes are frozen is forgotten with them.
//!
//! *Invariants*: what is frozen is saved whole before the next freeze. A pane is written once for each freeze that found
//! it touched.

use std::mem::{size_of, swap};
use std::rc::Rc;

use millstream_engine::raw::{Log, Shard};
use millstream_engine::{KeyOf, Window};

use super::flags::Flags;
use super::panes::{Pane, Panes};
use super::pieces::Pieces;
use crate::aggregate::Aggregate;

/// To look at a pane that was written already takes as long as to write so many bytes.
const LOOK_BYTES: usize = 16;

/// What is to be saved of the pieces of a step.
pub(super) struct Frozen<T, K: KeyOf<T>, A: Aggregate<T>> {
    aggregate: Rc<A>,
    /// Flags the panes that change now; the other of the two flags those that are frozen.
    turn: Flags,
    /// Frozen panes that were to change, as they were frozen.
    early: Log,
    /// The pieces that had frozen panes.
    pieces: Vec<Window>,
    /// Those of them that closed since, with panes that are not saved yet.
    closed: Vec<(Window, Panes<K::Key, A::State>)>,
    /// The pieces that closed since the last freeze.
    forgotten: Vec<Window>,
}

impl<T, K: KeyOf<T>, A: Aggregate<T>> Frozen<T, K, A> {
    pub(super) fn new(aggregate: Rc<A>) -> Self {
        Frozen {
            aggregate,
            turn: Flags::first_turn(),
            early: Log::default(),
            pieces: Vec::new(),
            closed: Vec::new(),
            forgotten: Vec::new(),
        }
    }

    /// What a pane is flagged with that has been touched.
    pub(super) fn turn(&self) -> Flags {
        self.turn
    }

    /// Notes that a pane is about to change; writes it first if it is frozen.
    pub(super) fn touch(
        &mut self,
        window: Window,
        panes: &mut Panes<K::Key, A::State>,
        place: usize,
    ) {
        let pane = &mut panes.panes[place];
        if pane.flags.take(self.turn.other_turn()) {
            Self::write(window, pane, &*self.aggregate, &mut self.early);
        }
        panes.note_touch(place, self.turn);
    }

    /// Takes note of a piece that has closed, and its panes if some are not saved yet.
    pub(super) fn close(&mut self, window: Window, panes: Panes<K::Key, A::State>) {
        self.forget(window);
        if !panes.frozen.is_empty() {
            self.closed.push((window, panes));
        }
    }

    /// Takes note of a piece that has closed.
    pub(super) fn forget(&mut self, piece: Window) {
        self.forgotten.push(piece);
    }

    /// Freezes what was touched since the last freeze.
    pub(super) fn freeze(&mut self, pieces: &mut Pieces<K::Key, A::State>) {
        assert!(
            self.pieces.is_empty() && self.closed.is_empty() && self.early.n_bytes() == 0,
            "what was frozen before is saved whole"
        );
        self.turn = self.turn.other_turn();
        for window in self.forgotten.drain(..) {
            self.early.forget(window);
        }
        for (piece, panes) in pieces {
            if !panes.touched.is_empty() {
                swap(&mut panes.touched, &mut panes.frozen);
                self.pieces.push(piece.window());
            }
        }
    }

    /// Writes of what is frozen about `n_bytes` at most, or one pane; whether that was the last of it.
    pub(super) fn save(
        &mut self,
        pieces: &mut Pieces<K::Key, A::State>,
        log: &mut Log,
        n_bytes: usize,
    ) -> bool {
        let frozen = self.turn.other_turn();
        let aggregate = &*self.aggregate;
        let mut left = n_bytes.max(1).saturating_sub(self.early.n_bytes());
        log.append(&mut self.early);
        while left > 0 {
            if let Some((window, panes)) = self.closed.last_mut() {
                if Self::write_some(*window, panes, frozen, aggregate, log, &mut left) {
                    self.closed.pop();
                }
            } else if let Some(piece) = self.pieces.last() {
                // A piece that is not there any more was among those that closed.
                let is_saved = pieces.get_mut(&(*piece).into()).is_none_or(|panes| {
                    Self::write_some(*piece, panes, frozen, aggregate, log, &mut left)
                });
                if is_saved {
                    self.pieces.pop();
                }
            } else {
                break;
            }
        }
        self.closed.is_empty() && self.pieces.is_empty()
    }

    /// About how many bytes are kept only to be saved, but for what lies on the heap beside panes.
    pub(super) fn n_bytes(&self) -> usize {
        let closed = self.closed.iter().map(|(_, panes)| panes.panes.len());
        closed.sum::<usize>() * size_of::<Pane<K::Key, A::State>>() + self.early.n_bytes()
    }

    /// Writes frozen panes of a piece until nothing is `left`; whether that was the last of them.
    fn write_some(
        window: Window,
        panes: &mut Panes<K::Key, A::State>,
        frozen: Flags,
        aggregate: &A,
        log: &mut Log,
        left: &mut usize,
    ) -> bool {
        while *left > 0
            && let Some(place) = panes.frozen.pop()
        {
            let pane = &mut panes.panes[place as usize];
            let before = log.n_bytes();
            if pane.flags.take(frozen) {
                Self::write(window, pane, aggregate, log);
            }
            let written = log.n_bytes() - before;
            *left = left.saturating_sub(written.max(LOOK_BYTES));
        }
        panes.frozen.is_empty()
    }

    /// Writes a pane: what is new of it if its state grows and it was written before, else all.
    fn write(window: Window, pane: &mut Pane<K::Key, A::State>, aggregate: &A, log: &mut Log) {
        let Pane {
            hash,
            key,
            state,
            flags,
        } = pane;
        let shard = Shard::of_hash(*hash);
        if aggregate.grows() && flags.has(Flags::SAVED) {
            log.add(shard, Some(window), key, |to| aggregate.save(state, to));
        } else {
            log.put(shard, Some(window), key, |to| aggregate.save(state, to));
        }
        flags.set(Flags::SAVED);
    }
}

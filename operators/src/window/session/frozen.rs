//! Frozen sessions: what a snapshot takes of them while they go on changing.
//!
//! ```text
//!  a session changes ─▶ touched ── freeze ─▶ frozen ┬─ save, slice by slice ──────────────▶ the step's log ─▶ saved
//!                                                   ├─ changes before its turn ─▶ early ──────┤
//!                                                   └─ closes before its turn ──▶ put aside ──┘
//! ```
//!
//! In the log a session is known by its key and its name. A freeze moves lists and encodes nothing; whatever is frozen is
//! written as it was. One that is final, or was joined to another, is removed from the log by the next snapshot, if it is
//! in it; the one that it was joined to has all it had, as something that came to it.
//!
//! *Invariants*: what is frozen is saved whole before the next freeze. A session is written once for each freeze that found
//! it touched, and removed in a later log than it was written in.

use std::mem::{size_of, swap};
use std::rc::Rc;

use millstream_engine::raw::{Log, Shard};
use millstream_engine::{EventTime, KeyOf};

use super::super::flags::Flags;
use super::kept::{Kept, Named};
use super::sessions::Sessions;
use crate::aggregate::Aggregate;

/// To look at a session that was written already takes as long as to write so many bytes.
const LOOK_BYTES: usize = 16;

/// A session that is no more: the hash of its key, its key and its name.
type Gone<K> = (u64, K, EventTime);

/// What is to be saved of the sessions of a step.
pub(super) struct Frozen<T, K: KeyOf<T>, A: Aggregate<T>> {
    aggregate: Rc<A>,
    /// Flags the sessions that change now; the other of the two flags those that are frozen.
    turn: Flags,
    touched: Vec<Named>,
    /// Those that are no more since the last freeze, and are in the log.
    gone: Vec<Gone<K::Key>>,
    /// Frozen sessions that were to change, as they were frozen.
    early: Log,
    frozen: Vec<Named>,
    /// Frozen sessions that have closed.
    aside: Vec<Kept<K::Key, A::State>>,
    removed: Vec<Gone<K::Key>>,
}

impl<T, K: KeyOf<T>, A: Aggregate<T>> Frozen<T, K, A> {
    pub(super) fn new(aggregate: Rc<A>) -> Self {
        Frozen {
            aggregate,
            turn: Flags::first_turn(),
            touched: Vec::new(),
            gone: Vec::new(),
            early: Log::default(),
            frozen: Vec::new(),
            aside: Vec::new(),
            removed: Vec::new(),
        }
    }

    /// What a session is flagged with that has been touched.
    pub(super) fn turn(&self) -> Flags {
        self.turn
    }

    /// Notes that a session is about to change; writes it first if it is frozen.
    pub(super) fn touch(&mut self, session: &mut Kept<K::Key, A::State>) {
        self.write_early(session);
        if !session.flags.has(self.turn) {
            session.flags.set(self.turn);
            self.touched.push(session.named());
        }
    }

    fn write_early(&mut self, session: &mut Kept<K::Key, A::State>) {
        if session.flags.take(self.turn.other_turn()) {
            write::<T, K, A>(session, &self.aggregate, &mut self.early);
        }
    }

    /// Notes that a session is about to be joined to another.
    pub(super) fn join(&mut self, session: &mut Kept<K::Key, A::State>) {
        self.write_early(session);
        if session.flags.has(Flags::SAVED) {
            self.gone
                .push((session.hash, session.key.clone(), session.name));
        }
    }

    /// Whether something is to be saved of a session that has closed.
    pub(super) fn wants(&self, session: &Kept<K::Key, A::State>) -> bool {
        let in_a_log = Flags::SAVED.with(self.turn.other_turn());
        session.flags.has_any(in_a_log)
    }

    /// Takes a session that has closed, if it is wanted.
    pub(super) fn close(&mut self, session: Kept<K::Key, A::State>) {
        let (hash, name) = session.named();
        if session.flags.has(self.turn.other_turn()) {
            self.gone.push((hash, session.key.clone(), name));
            self.aside.push(session);
        } else if session.flags.has(Flags::SAVED) {
            self.gone.push((hash, session.key, name));
        }
    }

    /// Freezes what was touched since the last freeze.
    pub(super) fn freeze(&mut self) {
        let nothing_left = self.frozen.is_empty() && self.removed.is_empty();
        assert!(
            nothing_left && self.aside.is_empty() && self.early.n_bytes() == 0,
            "what was frozen before is saved whole"
        );
        self.turn = self.turn.other_turn();
        swap(&mut self.touched, &mut self.frozen);
        swap(&mut self.gone, &mut self.removed);
    }

    /// Writes of what is frozen about `n_bytes` at most, or one session; whether that was the last of it.
    pub(super) fn save(
        &mut self,
        sessions: &mut Sessions<K::Key, A::State>,
        log: &mut Log,
        n_bytes: usize,
    ) -> bool {
        let frozen = self.turn.other_turn();
        let mut left = n_bytes.max(1).saturating_sub(self.early.n_bytes());
        log.append(&mut self.early);
        while left > 0 {
            let before = log.n_bytes();
            if let Some(mut session) = self.aside.pop() {
                write::<T, K, A>(&mut session, &self.aggregate, log);
            } else if let Some((hash, key, name)) = self.removed.pop() {
                log.remove(Shard::of_hash(hash), None, &(key, name));
            } else if let Some(named) = self.frozen.pop() {
                // One that has changed since, or is no more, is written already.
                if let Some(session) = sessions.named(named, frozen) {
                    session.flags.take(frozen);
                    write::<T, K, A>(session, &self.aggregate, log);
                }
            } else {
                break;
            }
            left = left.saturating_sub((log.n_bytes() - before).max(LOOK_BYTES));
        }
        self.aside.is_empty() && self.removed.is_empty() && self.frozen.is_empty()
    }

    /// About how many bytes are kept only to be saved, but for what lies on the heap beside keys and states.
    pub(super) fn n_bytes(&self) -> usize {
        let names = self.touched.capacity() + self.frozen.capacity();
        let gone = self.gone.len() + self.removed.len();
        names * size_of::<Named>()
            + gone * size_of::<Gone<K::Key>>()
            + self.aside.len() * size_of::<Kept<K::Key, A::State>>()
            + self.early.n_bytes()
    }
}

/// Writes a session: what is new of it if its state grows and it was written before, else all.
fn write<T, K: KeyOf<T>, A: Aggregate<T>>(
    session: &mut Kept<K::Key, A::State>,
    aggregate: &A,
    log: &mut Log,
) {
    let (shard, span) = (Shard::of_hash(session.hash), session.span);
    let named = (&session.key, session.name);
    let state = &mut session.state;
    let save = |to: &mut millstream_engine::Saving<'_>| {
        to.put(&(span.first, span.last));
        aggregate.save(state, to);
    };
    if aggregate.grows() && session.flags.has(Flags::SAVED) {
        log.add(shard, None, &named, save);
    } else {
        log.put(shard, None, &named, save);
    }
    session.flags.set(Flags::SAVED);
}

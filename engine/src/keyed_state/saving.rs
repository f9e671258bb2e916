//! What snapshots take of keyed state while it goes on changing.
//!
//! ```text
//!  a key changes ─▶ touched ── freeze ─▶ frozen ┬─ save, slice by slice ───────▶ the step's log ─▶ saved
//!                                               └─ changes before its turn ─▶ early ──┘
//! ```
//!
//! A freeze moves the lists of what was touched and encodes nothing. Whatever is frozen is written as it was: what is about
//! to change, or to be removed, is written first, into a log of its own that the next slice takes along.
//!
//! *Invariants*: what is frozen is saved whole before the next freeze. A log says one thing of a key: one that was removed
//! and came back before the freeze is written as it is then, and not removed.

use std::mem::swap;

use hashbrown::HashTable;

use super::{KeyedState, Place};
use crate::record::Data;
use crate::shard::{Shard, hash_key};
use crate::snapshot::entry::{Entry, LoadError};
use crate::snapshot::log::{Kind, Log};

/// To look at a key that was written already takes as long as to write so many bytes.
const LOOK_BYTES: usize = 16;

/// What is noted of a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Flags(u8);

impl Flags {
    /// It is in a snapshot.
    pub(super) const SAVED: Flags = Flags(1);
    /// It has changed since one freeze or the other: the two take turns, so that a freeze need not look at any key.
    const TURNS: [Flags; 2] = [Flags(2), Flags(4)];

    pub(super) fn has(self, others: Flags) -> bool {
        self.0 & others.0 == others.0
    }

    pub(super) fn set(&mut self, others: Flags) {
        self.0 |= others.0;
    }

    fn take(&mut self, others: Flags) -> bool {
        let had = self.has(others);
        self.0 &= !others.0;
        had
    }
}

/// A key that was removed, with its hash.
type Gone<K> = (u64, K);

/// What snapshots are to take.
pub(super) struct Saved<K> {
    /// Which of the two flags says that a key has changed since the last freeze; the other says that it is frozen.
    turn: usize,
    touched: Vec<Place>,
    frozen: Vec<Place>,
    /// Keys in a snapshot that were removed since the last freeze.
    gone: HashTable<Gone<K>>,
    /// Those that were removed before it.
    removed: Vec<Gone<K>>,
    /// What was frozen and was to change, as it was frozen.
    early: Log,
}

impl<K> Default for Saved<K> {
    fn default() -> Self {
        Saved {
            turn: 0,
            touched: Vec::new(),
            frozen: Vec::new(),
            gone: HashTable::new(),
            removed: Vec::new(),
            early: Log::default(),
        }
    }
}

impl<K: Data + Eq> Saved<K> {
    /// A key comes that may have been removed; whether it is in a snapshot.
    pub(super) fn comes_back(&mut self, hash: u64, key: &K) -> bool {
        if self.gone.is_empty() {
            return false;
        }
        let found = self
            .gone
            .find_entry(hash, |gone| gone.0 == hash && gone.1 == *key);
        found.map(|found| drop(found.remove())).is_ok()
    }

    /// A key that is in a snapshot is removed.
    pub(super) fn goes(&mut self, hash: u64, key: K) {
        self.gone
            .insert_unique(hash, (hash, key), |(hash, _)| *hash);
    }

    /// About how many bytes are kept only to be saved.
    pub(super) fn n_bytes(&self) -> usize {
        (self.touched.capacity() + self.frozen.capacity()) * size_of::<Place>()
            + (self.gone.capacity() + self.removed.capacity()) * size_of::<Gone<K>>()
            + self.early.n_bytes()
    }

    fn turn(&self) -> Flags {
        Flags::TURNS[self.turn]
    }

    fn other_turn(&self) -> Flags {
        Flags::TURNS[1 - self.turn]
    }
}

impl<K: Data + Eq, S: Data> KeyedState<K, S> {
    /// Freezes what has changed since the last freeze, as it is now.
    ///
    /// # Panics
    /// If what was frozen before is not saved whole.
    pub fn freeze(&mut self) {
        let Some(saved) = &mut self.saved else { return };
        assert!(
            saved.frozen.is_empty() && saved.removed.is_empty() && saved.early.n_bytes() == 0,
            "what was frozen before is saved whole"
        );
        saved.turn = 1 - saved.turn;
        swap(&mut saved.touched, &mut saved.frozen);
        saved.removed.extend(saved.gone.drain());
    }

    /// Writes of what is frozen about `n_bytes` at most, or one key; whether that was the last of it.
    pub fn save(&mut self, log: &mut Log, n_bytes: usize) -> bool {
        let Some(mut saved) = self.saved.take() else {
            return true;
        };
        let frozen = saved.other_turn();
        let mut left = n_bytes.max(1).saturating_sub(saved.early.n_bytes());
        log.append(&mut saved.early);
        while left > 0 {
            let before = log.n_bytes();
            if let Some((hash, key)) = saved.removed.pop() {
                log.remove(Shard::of_hash(hash), None, &key);
            } else if let Some(place) = saved.frozen.pop() {
                self.write_at(place, frozen, log);
            } else {
                break;
            }
            left = left.saturating_sub((log.n_bytes() - before).max(LOOK_BYTES));
        }
        let whole = saved.removed.is_empty() && saved.frozen.is_empty();
        self.saved = Some(saved);
        whole
    }

    /// Takes back what was written of a key.
    ///
    /// # Errors
    /// If something else was written.
    pub fn restore(&mut self, entry: &Entry<'_>) -> Result<(), LoadError>
    where
        K: std::hash::Hash,
    {
        let key: K = entry.key()?;
        let hash = hash_key(&key);
        let place = self.find(hash, |other| *other == key);
        match entry.kind {
            Kind::Put => {
                let state = entry.value().take()?;
                let place = match place {
                    Some(place) => {
                        self.slot_mut(place).state = state;
                        place
                    }
                    None => self.place(hash, key, state),
                };
                self.slot_mut(place).flags.set(Flags::SAVED);
            }
            Kind::Remove => {
                let saved = self.saved.take();
                place.map(|place| self.remove(place));
                self.saved = saved;
            }
            Kind::Add => return Err(LoadError::Unexpected),
        }
        Ok(())
    }

    /// Notes that what is kept at `place` is about to change; writes it first if it is frozen.
    #[inline]
    pub(super) fn touch(&mut self, place: Place) {
        let Some(saved) = &self.saved else { return };
        let turn = saved.turn();
        if !self.slot_mut(place).flags.has(turn) {
            self.note_touch(place, turn);
        }
    }

    fn note_touch(&mut self, place: Place, turn: Flags) {
        self.write_if_frozen(place);
        self.slot_mut(place).flags.set(turn);
        let saved = self.saved.as_mut().expect("snapshots are taken");
        saved.touched.push(place);
    }

    /// Writes what is kept at `place`, if it is frozen.
    pub(super) fn write_if_frozen(&mut self, place: Place) {
        let Some(mut saved) = self.saved.take() else {
            return;
        };
        self.write_at(place, saved.other_turn(), &mut saved.early);
        self.saved = Some(saved);
    }

    /// Writes what is kept at `place`, if it is flagged as `frozen` still: it may be written already, or gone, or another
    /// key's by now.
    fn write_at(&mut self, place: Place, frozen: Flags, log: &mut Log) {
        let slot = self.slots[place.0 as usize].as_mut();
        let Some(slot) = slot.filter(|slot| slot.flags.has(frozen)) else {
            return;
        };
        slot.flags.take(frozen);
        slot.flags.set(Flags::SAVED);
        let shard = Shard::of_hash(slot.hash);
        log.put(shard, None, &slot.key, |to| to.put(&slot.state));
    }
}

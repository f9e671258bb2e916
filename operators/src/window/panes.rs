//! Panes: what is kept for a key in a piece of a window.
//!
//! The panes of a piece lie in one list, in the order in which their keys were first seen, with a table of their places
//! by hash beside it. A key is hashed once per record, compared where it lies in the record, and copied once per piece.

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use millstream_engine::raw::Chunked;
use millstream_engine::{KeyOf, Window};

use super::flags::Flags;
use super::pieces::{ByEnd, Pieces};
use crate::aggregate::Aggregate;

/// What is kept for one key.
pub(super) struct Pane<K, S> {
    pub(super) hash: u64,
    pub(super) key: K,
    pub(super) state: S,
    pub(super) flags: Flags,
}

/// The panes of one piece.
pub(super) struct Panes<K, S> {
    pub(super) panes: Chunked<Pane<K, S>>,
    pub(super) places: HashTable<u32>,
    /// The places of those that have changed since they were last shown.
    pub(super) changed: Vec<u32>,
    /// The places of those that have changed since the last freeze.
    pub(super) touched: Vec<u32>,
    /// The places of those that were frozen and may not be saved yet.
    pub(super) frozen: Vec<u32>,
}

impl<K, S> Default for Panes<K, S> {
    fn default() -> Self {
        Panes {
            panes: Chunked::default(),
            places: HashTable::new(),
            changed: Vec::new(),
            touched: Vec::new(),
            frozen: Vec::new(),
        }
    }
}

impl<K, S> Panes<K, S> {
    /// Panes that have room for so many keys before they grow.
    fn with_room(n_keys: usize) -> Self {
        Panes {
            panes: Chunked::with_capacity(n_keys),
            places: HashTable::with_capacity(n_keys),
            ..Panes::default()
        }
    }
}

/// The panes of `piece`, made if it is new.
pub(super) fn panes_of<K, S>(pieces: &mut Pieces<K, S>, piece: Window) -> &mut Panes<K, S> {
    let piece = ByEnd::from(piece);
    if !pieces.contains_key(&piece) {
        // As many keys as in the newest of the others are to be expected: tables that grow are hashed anew again and again.
        // But not of a piece that stragglers begin.
        let newest = pieces
            .last_key_value()
            .filter(|(newest, _)| **newest < piece);
        let n_keys = newest.map_or(0, |(_, panes)| panes.panes.len());
        pieces.insert(piece, Panes::with_room(n_keys));
    }
    pieces.get_mut(&piece).expect("it was made")
}

impl<K: Eq, S: Default> Panes<K, S> {
    /// The place of the record's key, made if it is new.
    pub(super) fn place<T>(&mut self, key_of: &impl KeyOf<T, Key = K>, record: &T) -> usize {
        self.place_hashed(key_of.hash(record), key_of, record)
    }

    /// The place of the record's key, which hashes to `hash`; made if it is new.
    pub(super) fn place_hashed<T>(
        &mut self,
        hash: u64,
        key_of: &impl KeyOf<T, Key = K>,
        record: &T,
    ) -> usize {
        let panes = &mut self.panes;
        let is_it = |place: &u32| {
            let pane = &panes[*place as usize];
            pane.hash == hash && key_of.is(record, &pane.key)
        };
        if let Some(place) = self.places.find(hash, is_it) {
            return *place as usize;
        }
        self.insert(hash, key_of.take(record))
    }

    /// The place of `key`, made if it is new.
    pub(super) fn place_of(&mut self, hash: u64, key: K) -> usize {
        match self.find(hash, &key) {
            Some(place) => place,
            None => self.insert(hash, key),
        }
    }

    /// The place of `key`, if it is there.
    pub(super) fn find(&self, hash: u64, key: &K) -> Option<usize> {
        let is_it = |place: &u32| {
            let pane = &self.panes[*place as usize];
            pane.hash == hash && pane.key == *key
        };
        self.places.find(hash, is_it).map(|place| *place as usize)
    }

    fn insert(&mut self, hash: u64, key: K) -> usize {
        let place =
            u32::try_from(self.panes.len()).expect("a piece on a worker has less than 2^32 keys");
        let panes = &self.panes;
        let vacant = self
            .places
            .entry(hash, |_| false, |place| panes[*place as usize].hash);
        let Entry::Vacant(vacant) = vacant else {
            unreachable!("nothing equals")
        };
        vacant.insert(place);
        self.panes.push(Pane {
            hash,
            key,
            state: S::default(),
            flags: Flags::NONE,
        });
        place as usize
    }
}

impl<K, S> Panes<K, S> {
    /// Notes that all that has changed needs not be shown.
    pub(super) fn forget_changes(&mut self) {
        for place in self.changed.drain(..) {
            self.panes[place as usize].flags.take(Flags::CHANGED);
        }
    }

    /// Notes that the pane at `place` changes, to be shown.
    pub(super) fn note_change(&mut self, place: usize) {
        note(
            &mut self.panes[place].flags,
            Flags::CHANGED,
            &mut self.changed,
            place,
        );
    }

    /// Notes that the pane at `place` changes, to be saved; `turn` is the flag that says so.
    pub(super) fn note_touch(&mut self, place: usize, turn: Flags) {
        note(&mut self.panes[place].flags, turn, &mut self.touched, place);
    }
}

/// Flags a pane, and lists its place if it was not flagged.
fn note(flags: &mut Flags, flag: Flags, places: &mut Vec<u32>, place: usize) {
    if !flags.has(flag) {
        flags.set(flag);
        places.push(u32::try_from(place).expect("places are counted in u32"));
    }
}

/// Folds the values of one piece, each after `before` was told the place of the pane that changes.
pub(super) fn fold<'a, T: 'a, K: KeyOf<T>, A: Aggregate<T>>(
    pieces: &mut Pieces<K::Key, A::State>,
    piece: Window,
    values: impl Iterator<Item = &'a T>,
    key: &K,
    aggregate: &A,
    mut before: impl FnMut(&mut Panes<K::Key, A::State>, usize),
) {
    let mut values = values.peekable();
    // A piece that only late records lie in is not begun.
    if values.peek().is_none() {
        return;
    }
    let panes = panes_of(pieces, piece);
    for value in values {
        let place = panes.place(key, value);
        before(panes, place);
        aggregate.add(&mut panes.panes[place].state, value);
    }
}

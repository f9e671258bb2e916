//! Keyed state: what a step keeps for each key, found by the hash of the key and saved when it has changed.
//!
//! ```text
//!  places, by hash:   ·  3  ·  0  2  ·  1            a table of 32-bit places
//!  slots:            [0][1][2][3] … │ … │ …          chunks of slots: none moves when others come
//!  a slot:            hash, key, state, flags
//! ```
//!
//! A key is hashed once per record, compared where it lies in the record, and copied when it is first seen. Slots lie in
//! chunks, so a state that grows is neither copied nor given twice the room it needs. What is kept for a key is changed
//! through [`KeyedState::change`] alone, which notes the change for the next snapshot: see [`saving`].
//!
//! *Invariants*: a key has one slot. A [`Place`] is good until what lies there is removed.

mod saving;
#[cfg(test)]
mod tests;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry as TableEntry;

use crate::chunked::Chunked;
use crate::content_bytes::content_bytes;
use crate::record::Data;
use saving::{Flags, Saved};

/// So many keys are looked at to estimate how much all of them keep on the heap.
const SAMPLES: usize = 128;

/// Where what is kept for a key lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place(u32);

/// What is kept for a key.
struct Slot<K, S> {
    hash: u64,
    key: K,
    state: S,
    flags: Flags,
}

/// Slots, some of them free.
type Slots<K, S> = Chunked<Option<Slot<K, S>>>;

/// What a step keeps, by key.
pub struct KeyedState<K, S> {
    places: HashTable<u32>,
    slots: Slots<K, S>,
    free: Vec<u32>,
    /// What snapshots are to take, if snapshots are taken.
    saved: Option<Saved<K>>,
    heap_bytes: usize,
    /// How many keys there were when it was last weighed.
    n_weighed: usize,
}

impl<K: Data + Eq, S: Data> KeyedState<K, S> {
    /// Nothing yet; with `snapshots`, changes are noted for them.
    #[must_use]
    pub fn new(snapshots: bool) -> Self {
        KeyedState {
            places: HashTable::new(),
            slots: Chunked::default(),
            free: Vec::new(),
            saved: snapshots.then(Saved::default),
            heap_bytes: 0,
            n_weighed: 0,
        }
    }

    /// How many keys there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Where the key is kept that hashes to `hash` and that `is` recognises.
    #[inline]
    pub fn find(&self, hash: u64, is: impl Fn(&K) -> bool) -> Option<Place> {
        let is_it = |place: &u32| {
            let slot = slot(&self.slots, *place);
            slot.hash == hash && is(&slot.key)
        };
        self.places.find(hash, is_it).copied().map(Place)
    }

    /// Keeps `state` for `key`, which has nothing yet.
    pub fn insert(&mut self, hash: u64, key: K, state: S) -> Place {
        let is_saved = self
            .saved
            .as_mut()
            .is_some_and(|saved| saved.comes_back(hash, &key));
        let place = self.place(hash, key, state);
        if is_saved {
            self.slot_mut(place).flags.set(Flags::SAVED);
        }
        self.touch(place);
        place
    }

    /// Where `key` is kept; if it has nothing yet, `state` is kept for it.
    pub fn find_or_insert(
        &mut self,
        hash: u64,
        is: impl Fn(&K) -> bool,
        key: impl FnOnce() -> K,
        state: impl FnOnce() -> S,
    ) -> Place {
        match self.find(hash, is) {
            Some(place) => place,
            None => self.insert(hash, key(), state()),
        }
    }

    /// Whether anything is kept at `place`: what was there may have been removed, and something else be there by now.
    #[must_use]
    pub fn contains(&self, place: Place) -> bool {
        self.slots[place.0 as usize].is_some()
    }

    /// The key at `place`.
    #[must_use]
    pub fn key(&self, place: Place) -> &K {
        &slot(&self.slots, place.0).key
    }

    /// The hash of the key at `place`.
    #[must_use]
    pub fn hash(&self, place: Place) -> u64 {
        slot(&self.slots, place.0).hash
    }

    /// What is kept at `place`.
    #[must_use]
    pub fn get(&self, place: Place) -> &S {
        &slot(&self.slots, place.0).state
    }

    /// What is kept at `place`, to be changed.
    #[inline]
    pub fn change(&mut self, place: Place) -> &mut S {
        self.touch(place);
        &mut self.slot_mut(place).state
    }

    /// What is kept at `place`, for marks in it that snapshots need not see.
    pub fn mark(&mut self, place: Place) -> &mut S {
        &mut self.slot_mut(place).state
    }

    /// Removes a key and what is kept for it.
    pub fn remove(&mut self, place: Place) -> (K, S) {
        self.write_if_frozen(place);
        let Slot {
            hash,
            key,
            state,
            flags,
        } = self.slots[place.0 as usize]
            .take()
            .expect("a place that is not empty");
        let entry = self.places.find_entry(hash, |other| *other == place.0);
        entry.expect("every slot has a place").remove();
        self.free.push(place.0);
        if let Some(saved) = self.saved.as_mut().filter(|_| flags.has(Flags::SAVED)) {
            saved.goes(hash, key.clone());
        }
        (key, state)
    }

    /// All keys, and where they are kept.
    pub fn iter(&self) -> impl Iterator<Item = (Place, &K, &S)> {
        let slots = self.slots.iter().enumerate();
        slots.filter_map(|(number, slot)| {
            let place = Place(u32::try_from(number).expect("places are counted in u32"));
            slot.as_ref().map(|slot| (place, &slot.key, &slot.state))
        })
    }

    /// [Weighs](Self::weigh) it, if there are a quarter more keys than when that was last done; or if it `is_time`.
    pub fn weigh_if(&mut self, is_time: bool) {
        if is_time || self.len() > self.n_weighed + self.n_weighed / 4 {
            self.weigh();
        }
    }

    /// Looks at some keys, to know about how much they keep on the heap: now and then, for it takes a while.
    pub fn weigh(&mut self) {
        self.n_weighed = self.len();
        let n_slots = self.slots.len();
        let step = n_slots.div_ceil(SAMPLES).max(1);
        let slots = (0..n_slots).step_by(step);
        let slots = slots.filter_map(|n| self.slots[n].as_ref());
        let (mut n, mut bytes) = (0, 0);
        for slot in slots {
            n += 1;
            bytes += content_bytes(&slot.key) + content_bytes(&slot.state);
        }
        self.heap_bytes = bytes / n.max(1);
    }

    /// About how many bytes are kept, as it was when it was last weighed; for the status.
    #[must_use]
    pub fn n_bytes(&self) -> usize {
        let saved = self.saved.as_ref().map_or(0, Saved::n_bytes);
        self.slots.capacity() * size_of::<Option<Slot<K, S>>>()
            + self.places.capacity() * (size_of::<u32>() + 1)
            + self.len() * self.heap_bytes
            + saved
    }

    /// Puts a key into a free slot, or into a new one.
    fn place(&mut self, hash: u64, key: K, state: S) -> Place {
        let slot = Slot {
            hash,
            key,
            state,
            flags: Flags::default(),
        };
        let place = match self.free.pop() {
            Some(place) => {
                self.slots[place as usize] = Some(slot);
                place
            }
            None => {
                let place = u32::try_from(self.slots.len());
                self.slots.push(Some(slot));
                place.expect("a step on a worker has less than 2^32 keys")
            }
        };
        let slots = &self.slots;
        let hasher = |place: &u32| self::slot(slots, *place).hash;
        let TableEntry::Vacant(vacant) = self.places.entry(hash, |_| false, hasher) else {
            unreachable!("nothing equals")
        };
        vacant.insert(place);
        Place(place)
    }

    fn slot_mut(&mut self, place: Place) -> &mut Slot<K, S> {
        let slot = &mut self.slots[place.0 as usize];
        slot.as_mut().expect("a place that is not empty")
    }
}

#[inline]
fn slot<K, S>(slots: &Slots<K, S>, place: u32) -> &Slot<K, S> {
    let slot = &slots[place as usize];
    slot.as_ref().expect("a place that is not empty")
}

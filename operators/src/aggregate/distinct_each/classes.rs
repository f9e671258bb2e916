//! The state of a distinct count by class: every value with its mask, and the counters.
//!
//! A snapshot is given the values whose mask has grown since the one before, with the mask they had then; loading adds
//! classes to masks, so what is given twice does no harm. They are noted only once the state has been saved for the first
//! time, which takes all values; a value is noted each time its mask grows, with a copy of its own.

use std::borrow::Borrow;
use std::hash::Hash;

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use millstream_engine::{Data, LoadError, Loading, Saving};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Mask;
use crate::aggregate::heap::heap_of;
use crate::aggregate::seeded::Seeded;

/// The different values seen so far, each with the classes it was seen in.
#[derive(Clone, Debug)]
pub struct DistinctClasses<K, const N: usize> {
    masks: HashMap<K, Mask, Seeded>,
    counts: [u64; N],
    // Those whose mask has grown since all were saved; none are noted before a first time.
    grown: Option<Vec<(K, Mask)>>,
    // What the values keep on the heap, summed as they come.
    heap_bytes: usize,
    // The same of the copies in `grown`.
    grown_heap_bytes: usize,
}

impl<K, const N: usize> Default for DistinctClasses<K, N> {
    fn default() -> Self {
        DistinctClasses {
            masks: HashMap::default(),
            counts: [0; N],
            grown: None,
            heap_bytes: 0,
            grown_heap_bytes: 0,
        }
    }
}

/// Counts the classes in `mask`, which is not empty.
fn count<const N: usize>(counts: &mut [u64; N], mut mask: Mask) {
    while mask != 0 {
        counts[mask.trailing_zeros() as usize] += 1;
        mask &= mask - 1;
    }
}

impl<K: Data + Hash + Eq, const N: usize> DistinctClasses<K, N> {
    /// Adds `value` to the classes of `mask`; it is cloned only when it has not had all of them.
    #[inline]
    pub(super) fn add<Q>(&mut self, value: &Q, mask: Mask)
    where
        Q: ?Sized + Hash + Eq + ToOwned<Owned = K>,
        K: Borrow<Q>,
    {
        match self.masks.get(value) {
            Some(had) if had | mask == *had => {}
            _ => self.insert(value.to_owned(), mask),
        }
    }

    #[inline(never)]
    fn insert(&mut self, value: K, mask: Mask) {
        let (new, entry) = match self.masks.entry(value) {
            Entry::Occupied(mut entry) => {
                let new = mask & !*entry.get();
                *entry.get_mut() |= mask;
                (new, entry)
            }
            Entry::Vacant(vacant) => {
                self.heap_bytes += heap_of(vacant.key());
                (mask, vacant.insert_entry(mask))
            }
        };
        count(&mut self.counts, new);
        if let Some(grown) = self.grown.as_mut().filter(|_| new != 0) {
            let key = entry.key().clone();
            self.grown_heap_bytes += heap_of(&key);
            grown.push((key, *entry.get()));
        }
    }

    /// Moves the smaller set into the larger, or the other into this if only this was saved before.
    pub(super) fn merge(&mut self, mut other: Self) {
        if self.grown.is_none() && other.masks.len() > self.masks.len() {
            other.grown = None;
            other.grown_heap_bytes = 0;
            std::mem::swap(self, &mut other);
        }
        for (value, mask) in other.masks {
            self.insert(value, mask);
        }
    }

    pub(super) fn counts(&self) -> [u64; N] {
        self.counts
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let grown = self.grown.as_ref().map_or(0, Vec::capacity);
        self.masks.allocation_size()
            + self.heap_bytes
            + grown * size_of::<(K, Mask)>()
            + self.grown_heap_bytes
    }

    /// Writes the values whose masks have grown since it was last called.
    pub(super) fn save(&mut self, to: &mut Saving<'_>) {
        self.grown_heap_bytes = 0;
        match self.grown.replace(Vec::new()) {
            Some(grown) => to.put(&grown),
            None => to.put(&self),
        }
    }

    /// Adds values that were saved.
    pub(super) fn load(&mut self, from: &mut Loading<'_>) -> Result<(), LoadError> {
        self.grown = None;
        self.grown_heap_bytes = 0;
        self.insert_all(from.take()?);
        self.grown = Some(Vec::new());
        Ok(())
    }

    fn insert_all(&mut self, values: Vec<(K, Mask)>) {
        // Classes that this has no counters for are none of its own.
        let all = Mask::MAX >> (Mask::BITS as usize - N);
        for (value, mask) in values {
            if mask & all != 0 {
                self.insert(value, mask & all);
            }
        }
    }
}

impl<K: Serialize, const N: usize> Serialize for DistinctClasses<K, N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(&self.masks)
    }
}

impl<'de, K: Data + Hash + Eq, const N: usize> Deserialize<'de> for DistinctClasses<K, N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut classes = Self::default();
        classes.insert_all(Vec::deserialize(deserializer)?);
        Ok(classes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes(values: &[(&str, Mask)]) -> DistinctClasses<String, 3> {
        let mut classes = DistinctClasses::default();
        for (value, mask) in values {
            classes.add(*value, *mask);
        }
        classes
    }

    #[test]
    fn a_class_counts_each_value_once() {
        let found = classes(&[("a", 1), ("b", 3), ("a", 1), ("a", 4), ("b", 2), ("c", 4)]);
        assert_eq!(found.counts(), [2, 1, 2]);
        assert_eq!(found.heap_bytes, 3);
    }

    #[test]
    fn a_merge_keeps_each_value_and_its_bytes_once() {
        let (few, many) = ([("bb", 4)], [("a", 1), ("bb", 3), ("bb", 3)]);
        for (a, b) in [(&few[..], &many[..]), (&many, &few)] {
            let mut merged = classes(a);
            merged.merge(classes(b));
            assert_eq!((merged.counts(), merged.heap_bytes), ([2, 1, 1], 3));
        }
    }

    #[test]
    fn what_grew_after_a_first_time_is_noted_with_its_mask() {
        let mut found = classes(&[("a", 1)]);
        assert_eq!(found.grown, None);
        found.grown = Some(Vec::new());
        for (value, mask) in [("a", 1), ("a", 2), ("b", 4), ("b", 4), ("a", 4)] {
            found.add(value, mask);
        }
        let grown = [("a", 3), ("b", 4), ("a", 7)].map(|(value, mask)| (value.into(), mask));
        assert_eq!(found.grown.as_deref(), Some(&grown[..]));
        assert_eq!((found.heap_bytes, found.grown_heap_bytes), (2, 3));
    }

    #[test]
    fn what_is_known_is_not_copied_again() {
        #[derive(Debug, PartialEq, Eq, Hash, Serialize, serde::Deserialize)]
        struct Copied(u8);
        thread_local! { static N_COPIES: std::cell::Cell<u32> = const { std::cell::Cell::new(0) }; }
        impl Clone for Copied {
            fn clone(&self) -> Self {
                N_COPIES.set(N_COPIES.get() + 1);
                Copied(self.0)
            }
        }
        let mut found = DistinctClasses::<Copied, 3> {
            grown: Some(Vec::new()),
            ..DistinctClasses::default()
        };
        found.insert(Copied(1), 3);
        assert_eq!(N_COPIES.get(), 1, "to be saved");
        found.insert(Copied(1), 2);
        assert_eq!(N_COPIES.get(), 1, "there is nothing new to save");
        found.insert(Copied(1), 6);
        assert_eq!(N_COPIES.get(), 2);
    }
}

//! A set of different values that grows, and knows what came to it since it was last saved.
//!
//! Beside each value stands its hash: a set that grows, or is merged into another, hashes nothing again and looks at values
//! only where hashes agree, which for text means not to follow a pointer. What came since the last save is known by hashes
//! too, so no value is kept twice; none are noted before a first save, which takes all values.
//!
//! *Invariants*: no two values are equal. `added`, if there is one, has the hash of every value that was not saved.

use std::borrow::Borrow;
use std::fmt;
use std::hash::{BuildHasher, Hash};

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use millstream_engine::{Data, LoadError, Loading, Saving};
use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};

use super::super::heap::heap_of;
use super::super::seeded::Seeded;

/// The different values seen so far.
#[derive(Clone)]
pub struct DistinctValues<K> {
    values: HashTable<Hashed<K>>,
    added: Option<Vec<u64>>,
    // What the values keep on the heap, summed as they come: asking each again would take as long as there are values.
    heap_bytes: usize,
}

#[derive(Clone)]
struct Hashed<K> {
    hash: u64,
    value: K,
}

fn hash_of<Q: ?Sized + Hash>(value: &Q) -> u64 {
    Seeded.hash_one(value)
}

impl<K> Default for DistinctValues<K> {
    fn default() -> Self {
        DistinctValues {
            values: HashTable::new(),
            added: None,
            heap_bytes: 0,
        }
    }
}

impl<K> DistinctValues<K> {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let added = self.added.as_ref().map_or(0, Vec::capacity);
        self.values.allocation_size() + self.heap_bytes + added * size_of::<u64>()
    }

    /// The values, in no order.
    fn iter(&self) -> impl ExactSizeIterator<Item = &K> {
        self.values.iter().map(|hashed| &hashed.value)
    }
}

impl<K: Data + Hash + Eq> DistinctValues<K> {
    /// Adds `value`, which is cloned only when it is new.
    pub(super) fn add<Q>(&mut self, value: &Q)
    where
        Q: ?Sized + Hash + Eq + ToOwned<Owned = K>,
        K: Borrow<Q>,
    {
        let hash = hash_of(value);
        let is_it = |known: &Hashed<K>| known.hash == hash && known.value.borrow() == value;
        if self.values.find(hash, is_it).is_none() {
            let value = value.to_owned();
            self.insert(Hashed { hash, value });
        }
    }

    fn insert(&mut self, hashed: Hashed<K>) {
        let is_it = |known: &Hashed<K>| known.hash == hashed.hash && known.value == hashed.value;
        let entry = self.values.entry(hashed.hash, is_it, |known| known.hash);
        if let Entry::Vacant(vacant) = entry {
            self.heap_bytes += heap_of(&hashed.value);
            if let Some(added) = &mut self.added {
                added.push(hashed.hash);
            }
            vacant.insert(hashed);
        }
    }

    /// Moves the smaller set into the larger, or the other into this if only this was saved before.
    pub(super) fn merge(&mut self, mut other: Self) {
        if self.added.is_none() && other.values.len() > self.values.len() {
            other.added = None;
            std::mem::swap(self, &mut other);
        }
        for hashed in other.values {
            self.insert(hashed);
        }
    }

    /// Writes the values that came since it was last called.
    pub(super) fn save(&mut self, to: &mut Saving<'_>) {
        match self.added.replace(Vec::new()) {
            None => to.put(&self.iter().collect::<Vec<_>>()),
            Some(mut added) => {
                // Two values of one hash are both found by it.
                added.sort_unstable();
                added.dedup();
                let values = added.iter().flat_map(|hash| {
                    let found = self.values.iter_hash(*hash);
                    found.filter(move |known| known.hash == *hash)
                });
                to.put(&values.map(|hashed| &hashed.value).collect::<Vec<_>>());
            }
        }
    }

    /// Adds values that were saved.
    pub(super) fn load(&mut self, from: &mut Loading<'_>) -> Result<(), LoadError> {
        self.added = None;
        self.take_all(from.take::<Vec<K>>()?);
        self.added = Some(Vec::new());
        Ok(())
    }

    fn take_all(&mut self, values: Vec<K>) {
        for value in values {
            let hash = hash_of(&value);
            self.insert(Hashed { hash, value });
        }
    }
}

impl<K: fmt::Debug> fmt::Debug for DistinctValues<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl<K: Serialize> Serialize for DistinctValues<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de, K: Data + Hash + Eq> Deserialize<'de> for DistinctValues<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut set = DistinctValues::default();
        set.take_all(Vec::deserialize(deserializer)?);
        Ok(set)
    }
}

#[cfg(test)]
mod tests {
    use millstream_engine::raw::{Log, Replayed, Shard};

    use super::*;

    #[test]
    fn a_merge_keeps_each_value_and_its_bytes_once() {
        let set = |values: &[&str]| {
            let mut set = DistinctValues::<String>::default();
            values.iter().for_each(|value| set.add(*value));
            set
        };
        for (a, b) in [
            (&["a", "bb", "bb"][..], &["bb"][..]),
            (&["bb"], &["a", "bb"]),
        ] {
            let mut merged = set(a);
            merged.merge(set(b));
            assert_eq!((merged.len(), merged.heap_bytes), (2, 3));
        }
    }

    #[test]
    fn values_of_one_hash_are_told_apart_and_all_saved() {
        #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        struct Alike(u32);
        impl Hash for Alike {
            fn hash<H: std::hash::Hasher>(&self, to: &mut H) {
                to.write_u32(7);
            }
        }
        let mut set = DistinctValues {
            added: Some(Vec::new()),
            ..DistinctValues::default()
        };
        [1, 2, 1, 3]
            .map(Alike)
            .iter()
            .for_each(|value| set.add(value));
        assert_eq!(set.len(), 3);
        let mut log = Log::default();
        let shard = Shard::from_number(0);
        log.add(shard, None, &(), |to| set.save(to));
        let mut read = DistinctValues::<Alike>::default();
        let loaded = log.replay(|replayed| match replayed {
            Replayed::Entry(_, entry) => read.load(&mut entry.value()),
            Replayed::Forgotten(_) => Ok(()),
        });
        loaded.unwrap();
        assert_eq!(read.len(), 3);
    }
}

//! How many different values there are, exactly: the values themselves are kept.

use std::borrow::Borrow;
use std::hash::Hash;
use std::marker::PhantomData;

use foldhash::fast::FixedState;
use hashbrown::HashSet;
use millstream_engine::Data;
use serde::{Deserialize, Serialize};

use super::Aggregate;
use super::heap::heap_of;

/// Keeps the set of different values; made by [`Of::count_distinct`](super::Of::count_distinct).
pub struct CountDistinct<Q: ?Sized, F> {
    name: String,
    value: F,
    given: PhantomData<fn() -> Box<Q>>,
}

impl<Q: ?Sized, F> CountDistinct<Q, F> {
    pub(super) fn new(name: &str, value: F) -> Self {
        CountDistinct {
            name: name.into(),
            value,
            given: PhantomData,
        }
    }
}

/// The different values seen so far.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound(serialize = "K: Data + Hash + Eq", deserialize = "K: Data + Hash + Eq"))]
pub struct DistinctValues<K> {
    values: HashSet<K, FixedState>,
    // What the values keep on the heap, summed as they come: asking each again would take as long as there are values.
    heap_bytes: usize,
}

impl<K> Default for DistinctValues<K> {
    fn default() -> Self {
        DistinctValues {
            values: HashSet::default(),
            heap_bytes: 0,
        }
    }
}

impl<K: Hash + Eq + 'static> DistinctValues<K> {
    /// Adds `value`, which is cloned only when it is new.
    fn add<Q>(&mut self, value: &Q)
    where
        Q: ?Sized + Hash + Eq + ToOwned<Owned = K>,
        K: Borrow<Q>,
    {
        if !self.values.contains(value) {
            self.insert(value.to_owned());
        }
    }

    fn insert(&mut self, value: K) {
        let bytes = heap_of(&value);
        if self.values.insert(value) {
            self.heap_bytes += bytes;
        }
    }

    /// Moves the smaller set into the larger.
    fn merge(&mut self, mut other: Self) {
        if other.values.len() > self.values.len() {
            std::mem::swap(self, &mut other);
        }
        other
            .values
            .into_iter()
            .for_each(|value| self.insert(value));
    }
}

impl<T, Q, F> Aggregate<T> for CountDistinct<Q, F>
where
    Q: ?Sized + Hash + Eq + ToOwned + 'static,
    Q::Owned: Data + Hash + Eq,
    F: for<'a> Fn(&'a T) -> Option<&'a Q> + 'static,
{
    type State = DistinctValues<Q::Owned>;
    type Output = u64;

    fn names(&self) -> Vec<String> {
        vec![self.name.clone()]
    }

    fn add(&self, state: &mut Self::State, record: &T) {
        if let Some(value) = (self.value)(record) {
            state.add(value);
        }
    }

    fn merge(&self, state: &mut Self::State, other: Self::State) {
        state.merge(other);
    }

    fn output(&self, state: &Self::State) -> u64 {
        state.values.len() as u64
    }

    fn heap_bytes(&self, state: &Self::State) -> usize {
        state.values.allocation_size() + state.heap_bytes
    }
}

#[cfg(test)]
mod tests {
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
            assert_eq!((merged.values.len(), merged.heap_bytes), (2, 3));
        }
    }
}

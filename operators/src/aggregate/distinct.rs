//! How many different values there are, exactly: the values themselves are kept.

mod values;

use std::hash::Hash;
use std::marker::PhantomData;

use millstream_engine::{Data, LoadError, Loading, Saving};

use super::Aggregate;
use values::DistinctValues;

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
        state.len() as u64
    }

    fn heap_bytes(&self, state: &Self::State) -> usize {
        state.heap_bytes()
    }

    fn save(&self, state: &mut Self::State, to: &mut Saving<'_>) {
        state.save(to);
    }

    fn load(&self, state: &mut Self::State, from: &mut Loading<'_>) -> Result<(), LoadError> {
        state.load(from)
    }

    fn grows(&self) -> bool {
        true
    }

    fn kind(&self) -> String {
        "count_distinct".into()
    }
}

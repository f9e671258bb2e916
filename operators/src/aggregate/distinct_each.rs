//! How many different values there are in each of several classes, exactly, over one set.
//!
//! A record's value is in the classes that a closure says it is in. Each value is kept once, with a mask of the classes in
//! which it was seen, and each class has a counter. So a record costs one look-up however many classes there are; and
//! nothing is written where the value had all its classes already, which is what most records find.
//!
//! What it says is what [`CountDistinct`](super::CountDistinct) would say of each class alone.
//!
//! *Invariants*: the counter of a class is the number of values whose mask has it. No value has an empty mask.

mod classes;

use std::hash::Hash;
use std::marker::PhantomData;

use millstream_engine::{Data, LoadError, Loading, Saving};

use super::Aggregate;
use classes::DistinctClasses;

/// A mask has a bit for each class.
type Mask = u32;

/// Counts different values by class; made by [`Of::count_distinct_each`](super::Of::count_distinct_each).
pub struct CountDistinctEach<Q: ?Sized, F, C, const N: usize> {
    names: [String; N],
    value: F,
    classes: C,
    given: PhantomData<fn() -> Box<Q>>,
}

impl<Q: ?Sized, F, C, const N: usize> CountDistinctEach<Q, F, C, N> {
    pub(super) fn new(names: [&str; N], value: F, classes: C) -> Self {
        const {
            assert!(
                1 <= N && N <= Mask::BITS as usize,
                "count_distinct_each takes 1 to 32 names, and as many classes"
            );
        }
        CountDistinctEach {
            names: names.map(Into::into),
            value,
            classes,
            given: PhantomData,
        }
    }
}

/// The classes that are true, as a mask.
fn mask_of<const N: usize>(classes: [bool; N]) -> Mask {
    let bits = classes.iter().enumerate();
    bits.fold(0, |mask, (class, is_in)| mask | Mask::from(*is_in) << class)
}

impl<T, Q, F, C, const N: usize> Aggregate<T> for CountDistinctEach<Q, F, C, N>
where
    Q: ?Sized + Hash + Eq + ToOwned + 'static,
    Q::Owned: Data + Hash + Eq,
    F: for<'a> Fn(&'a T) -> &'a Q + 'static,
    C: Fn(&T) -> [bool; N] + 'static,
    [u64; N]: Data,
{
    type State = DistinctClasses<Q::Owned, N>;
    type Output = [u64; N];

    fn names(&self) -> Vec<String> {
        self.names.to_vec()
    }

    fn add(&self, state: &mut Self::State, record: &T) {
        let mask = mask_of((self.classes)(record));
        if mask != 0 {
            state.add((self.value)(record), mask);
        }
    }

    fn merge(&self, state: &mut Self::State, other: Self::State) {
        state.merge(other);
    }

    fn output(&self, state: &Self::State) -> [u64; N] {
        state.counts()
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
        // The place of a class in the mask is its meaning, so their number alone does not tell them apart; nor do names,
        // which are in the columns.
        format!("count_distinct_each({N})")
    }
}

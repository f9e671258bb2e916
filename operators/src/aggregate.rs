//! Aggregates: what a window keeps of its records, and what it says of them.
//!
//! An aggregate folds records into a *state*, one at a time and in any order, merges states that were folded apart, and
//! reads an *output* off a state. It depends only on the multiset of the values it was given: not on their order, not on
//! how they fell into epochs, not on how states were merged. So a result is the same, bit for bit, on any number of
//! workers, and combining before an exchange is always right. Sums of floats are no exception: they are kept exactly and
//! rounded once, when they are read.
//!
//! Aggregates are made through the handle [`Of`] that `aggregate` passes to its closure, which knows the type of the
//! records: `|of| (of.count("views"), of.count_distinct("visitors", |e| &e.user_id))`.
//!
//! A state outlives the process: at a snapshot it is *saved*, and a run that goes on from there *loads* it. A state that
//! only grows saves what has come to it since it was last saved. All this is what `serde` says of the state, unless the
//! aggregate says otherwise: a field that is added with `#[serde(default)]` is filled in where an older state is loaded.
//!
//! *No value* is skipped everywhere: the `None` of a closure that returns an `Option`, and `NaN`. Where nothing else came,
//! a closure that returns `Option` gives null; one that does not gives `NaN` for a float. See [`Optional`].

mod approx_distinct;
mod count;
mod distinct;
mod distinct_each;
mod heap;
mod mean;
mod min_max;
mod number;
mod of;
mod optional;
mod quantile;
mod seeded;
mod sum;
mod tuple;

use millstream_engine::{Columns, Data, LoadError, Loading, Saving};

pub use approx_distinct::ApproxCountDistinct;
pub use count::{Count, CountIf};
pub use distinct::CountDistinct;
pub use distinct_each::CountDistinctEach;
pub use mean::Mean;
pub use min_max::{Extreme, Ranked};
pub use number::{Number, Tally};
pub use of::Of;
pub use optional::Optional;
pub use quantile::{Measure, Quantile};
pub use sum::Sum;

/// Folds records of type `T`.
pub trait Aggregate<T>: 'static {
    /// What is kept.
    type State: Default + Data;
    /// What is said: one value per column.
    type Output: Columns + Data;

    /// The names of the output's columns, in order.
    fn names(&self) -> Vec<String>;
    /// Folds `record` into `state`.
    fn add(&self, state: &mut Self::State, record: &T);
    /// Folds `record` into `state`, and may keep it: as [`add`](Self::add), where the record is wanted for nothing else.
    fn take(&self, state: &mut Self::State, record: T) {
        self.add(state, &record);
    }
    /// Whether it may keep records as they are: then it is better given them than shown.
    fn keeps_records(&self) -> bool {
        false
    }
    /// Folds all that was folded into `other` into `state`.
    fn merge(&self, state: &mut Self::State, other: Self::State);
    /// About how many records `state` is as large as: combining ahead of an exchange is worth it where that makes less of
    /// them.
    fn n_records(&self, _state: &Self::State) -> usize {
        1
    }
    /// What `state` says.
    fn output(&self, state: &Self::State) -> Self::Output;
    /// About how many bytes `state` keeps on the heap.
    fn heap_bytes(&self, state: &Self::State) -> usize;

    /// Writes `state`, or if it [`grows`](Self::grows) what has come to it since it was last saved.
    ///
    /// Called at snapshots, for each state that has changed since the one before.
    fn save(&self, state: &mut Self::State, to: &mut Saving<'_>) {
        to.put(&*state);
    }

    /// Reads what [`save`](Self::save) wrote: into a state that is new, or if it grows into what was loaded before.
    ///
    /// # Errors
    /// If something else was written.
    fn load(&self, state: &mut Self::State, from: &mut Loading<'_>) -> Result<(), LoadError> {
        *state = from.take()?;
        Ok(())
    }

    /// Whether what is saved adds to what was saved before; else it takes its place.
    fn grows(&self) -> bool {
        false
    }

    /// What it makes of its records, in a word: state that was kept by another kind cannot be used.
    fn kind(&self) -> String {
        "custom".into()
    }
}

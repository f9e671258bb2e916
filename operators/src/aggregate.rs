//! Aggregates: what a window keeps of its records, and what it says of them.
//!
//! An aggregate folds records into a *state*, one at a time and in any order, merges states that were folded apart, and
//! reads an *output* off a state. It depends only on the multiset of the values it was given: not on their order, not on
//! how they fell into epochs, not on how states were merged. So a result is the same, bit for bit, on any number of
//! workers, and combining before an exchange is always right. (Sums of `f64` are the one exception: they may differ in
//! the last bits.)
//!
//! Aggregates are made through the handle that `aggregate` passes to its closure, which knows the type of the records:
//! `|of| (of.count("views"), of.count_distinct("visitors", |e| &e.user_id))`.

use millstream_engine::{Columns, Data};

/// Folds records of type `T`.
pub trait Aggregate<T>: 'static {
    /// What is kept.
    type State: Default + Data;
    /// What is said: one value per column.
    type Output: Columns + Data + PartialEq;

    /// The names of the output's columns, in order.
    fn names(&self) -> Vec<String>;
    /// Folds `record` into `state`.
    fn add(&self, state: &mut Self::State, record: &T);
    /// Folds all that was folded into `other` into `state`.
    fn merge(&self, state: &mut Self::State, other: Self::State);
    /// What `state` says.
    fn output(&self, state: &Self::State) -> Self::Output;
    /// About how many bytes `state` keeps on the heap.
    fn heap_bytes(&self, state: &Self::State) -> usize;
}

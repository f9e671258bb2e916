//! Diffs: what comes to a collection of rows and what leaves it, on the way through differential dataflow.
//!
//! ```text
//!  changes of a table ─▶ root: the row that was, −1; the row that is, +1 ─▶ join, reduce, … ─▶ shown: the changes of a table
//!                          └── kept in snapshots                            kept in memory alone
//! ```
//!
//! A [`Table`](crate::Table) tells the new value of a row. Who joins, groups or ranks rows must know the old one, too: a diff
//! is a row with how many times it comes (+1) or goes (−1). Of diffs the machine makes any other diffs, and at the end the
//! changes of a table again. Only what the *roots* hold is in snapshots. What the steps in between hold follows from it: a
//! run that goes on tells them all rows of its roots at once, at an epoch before its first.
//!
//! Collections lie at a depth: outside of loops, or inside of one, where the timestamp says the round as well.
//!
//! *Invariants*: outside of loops no row is there twice, nor fewer than no times, at the end of an epoch. The diffs of an
//! epoch are complete when the frontier has passed it, never before.
//!
//! Source: McSherry, Murray, Isaacs, Isard, *Differential dataflow*, CIDR 2013.

mod by_key;
mod depth;
mod derived;
mod fixpoint;
mod in_order;
mod of_stream;
mod root;
mod rows_of;
mod shown;

use std::hash::Hash;

use differential_dataflow::VecCollection;
use differential_dataflow::collection::AsCollection;

use crate::row::Row;

pub use by_key::ByKey;
pub use depth::{Depth, Inside, Outside};
pub use derived::{Derived, TableAsked};
pub use fixpoint::Loop;
pub use of_stream::RowsAsked;
pub use root::Diff;
pub(crate) use rows_of::RowsOf;

/// A collection of rows, known by its diffs.
pub struct Diffs<'s, D: 'static, P: Depth = Outside> {
    pub(crate) rows: VecCollection<'s, P::Time, D, isize>,
}

impl<D: Clone, P: Depth> Clone for Diffs<'_, D, P> {
    fn clone(&self) -> Self {
        Diffs {
            rows: self.rows.clone(),
        }
    }
}

impl<'s, D: Clone + 'static, P: Depth> Diffs<'s, D, P> {
    pub(crate) fn new(rows: VecCollection<'s, P::Time, D, isize>) -> Self {
        Diffs { rows }
    }

    /// What `f` makes of each row.
    pub fn map<E: Clone + 'static>(self, f: impl FnMut(D) -> E + 'static) -> Diffs<'s, E, P> {
        Diffs::new(self.rows.map(f))
    }

    /// All that `f` makes of each row.
    pub fn flat_map<I>(self, f: impl FnMut(D) -> I + 'static) -> Diffs<'s, I::Item, P>
    where
        I: IntoIterator<Item: Clone + 'static>,
    {
        Diffs::new(self.rows.flat_map(f))
    }

    /// The rows for which `holds` gives true.
    #[must_use]
    pub fn filter(self, holds: impl FnMut(&D) -> bool + 'static) -> Self {
        Diffs::new(self.rows.filter(holds))
    }

    /// The rows of both, as often as they are in either.
    #[must_use]
    pub fn concat(self, other: Self) -> Self {
        Diffs::new(self.rows.concat(other.rows))
    }

    /// What comes goes, and the other way round.
    #[must_use]
    pub fn negate(self) -> Self {
        Diffs::new(self.rows.negate())
    }

    /// Each row once, however often it is there.
    #[must_use]
    pub fn distinct(self) -> Self
    where
        D: Row + Hash,
    {
        Diffs::new(self.rows.distinct())
    }

    /// What `f` makes of each row, and how many times it is there.
    pub fn explode<E: Clone + 'static>(
        self,
        f: impl Fn(D) -> Vec<(E, isize)> + 'static,
    ) -> Diffs<'s, E, P> {
        use timely::dataflow::operators::vec::Map;
        let each = move |(row, time, diff): (D, P::Time, isize)| {
            let made = f(row).into_iter();
            made.map(move |(made, times)| (made, time.clone(), diff * times))
        };
        Diffs::new(self.rows.inner.flat_map(each).as_collection())
    }
}

/// Sums diffs of the same row up; those that come to nothing are gone.
pub fn sum_up<D: Ord>(diffs: &mut Vec<Diff<D>>) {
    differential_dataflow::consolidation::consolidate(diffs);
}

//! Loops: rows that are made of themselves, round after round, until nothing changes any more.
//!
//! ```text
//!  start ──enter──▶ ⊕ ─▶ rows@(e, round) ─▶ the user's closure ─▶ of each key the least ──┬──leave──▶ rows@e
//!                   ▲                                                                     │
//!                   └──────────── − start ◀────────────── round + 1 ◀─────────────────────┘
//! ```
//!
//! *Frontiers*: the loop is a scope of its own, in which a timestamp is an epoch and a round. An epoch leaves it once no round
//! of it can have a diff.
//!
//! *Invariants*: what goes round is summed up in each round, so a loop whose rows do not change any more ends. What comes out
//! has one row for each key.

use std::hash::Hash;

use differential_dataflow::operators::iterate::Variable;
use timely::dataflow::scope::Scope;
use timely::order::Product;

use super::{Depth, Diffs, Inside, Outside};
use crate::row::Row;

/// The inside of a loop, into which other collections can be brought.
#[derive(Clone, Copy)]
pub struct Loop<'i> {
    scope: Scope<'i, <Inside as Depth>::Time>,
}

impl<'i> Loop<'i> {
    /// The rows of a collection outside, the same in every round.
    pub fn enter<D: Clone + 'static>(&self, outside: Diffs<'_, D>) -> Diffs<'i, D, Inside> {
        Diffs::new(outside.rows.enter(self.scope))
    }
}

impl<'s, K: Row + Hash, V: Row> Diffs<'s, (K, V), Outside> {
    /// The rows for which `body` makes of them the same again, beginning with these; of each key the one with the least value.
    pub fn fixpoint<F>(self, name: &str, body: F) -> Self
    where
        F: for<'i> FnOnce(&Loop<'i>, Diffs<'i, (K, V), Inside>) -> Diffs<'i, (K, V), Inside>,
    {
        let outer = self.rows.scope();
        let rows = outer.scoped::<Product<u64, u64>, _, _>(name, |scope| {
            let start = self.rows.enter(scope);
            let (round, rows) = Variable::new_from(start, Product::new(0, 1));
            let made = body(&Loop { scope }, Diffs::new(rows));
            let made = made
                .by_key("rows of a round")
                .least("of each key the least");
            round.set(made.rows.clone());
            made.rows.leave(outer)
        });
        Diffs::new(rows)
    }
}

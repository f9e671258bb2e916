//! Tables that are kept by a step over a stream, which is their root.
//!
//! The step says itself what its rows were before they changed, and tells all of them to whoever is new.

use std::panic::Location;

use timely::dataflow::channels::pact::Exchange;

use super::Diffs;
use super::derived::{Derived, TableAsked};
use super::root::Diff;
use crate::key::Key;
use crate::keyed_step::{Hashed, Routed};
use crate::logic::Logic;
use crate::record::Data;
use crate::row::Row;
use crate::scalar::Columns;
use crate::shard::Shard;
use crate::stateful::{Fed, stateful};
use crate::stream::{Stream, named_columns};
use crate::table::Table;

/// What the user said about a table that a step keeps.
pub struct RowsAsked {
    /// What kind of a step it is, in a word.
    pub kind: &'static str,
    /// The name of the step.
    pub name: String,
    /// Where it stands in the user's code.
    pub location: &'static Location<'static>,
    /// How it is made, in words.
    pub made_by: String,
    /// The names of the key's columns.
    pub key_names: Vec<String>,
}

impl<'f, T: Data> Routed<'f, T> {
    /// The table whose rows `logic` keeps, told whether snapshots are taken; and the records it found late. Its values fill
    /// no columns.
    pub fn rows<K: Key, V: Row + Columns, L>(
        self,
        asked: RowsAsked,
        logic: impl FnOnce(bool) -> L,
    ) -> (Table<'f, K, V>, Stream<'f, T>)
    where
        L: Logic<In = Vec<Hashed<T>>, Out = Diff<(K, V)>, Late = T>,
    {
        let build = &self.flow.build;
        let snapshots = build.setup.place.is_kept();
        let asked = TableAsked {
            kind: asked.kind,
            key_columns: named_columns::<K>(&asked.key_names, asked.location, build).to_vec(),
            value_columns: named_columns::<V>(&[], asked.location, build).to_vec(),
            name: asked.name,
            location: asked.location,
            made_by: asked.made_by,
        };
        let derived = Derived {
            flow: self.flow,
            marks: self.marks,
            origins: self.origins,
            reads: self.reads,
        };
        let step = derived.step(&asked);
        let fed = Fed {
            batches: self.batches,
            marks: derived.marks.clone(),
            n_origins: derived.origins.len(),
        };
        let by_shard = Exchange::new(|hashed: &Hashed<T>| Shard::of_hash(hashed.hash).number());
        let (counted, logic) = (derived.counted(&step, true), logic(snapshots));
        let built = stateful(&derived.flow, counted, fed, by_shard, None, logic);
        let late = Stream {
            flow: derived.flow.clone(),
            batches: built.late,
            marks: derived.marks.clone(),
            origins: derived.origins.clone(),
            reads: vec![asked.name.clone()].into(),
        };
        let rows = Diffs::of_step(built.out);
        (derived.with_rows(&step, false, asked, rows), late)
    }
}

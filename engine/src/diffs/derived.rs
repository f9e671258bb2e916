//! Derived tables: those that are made of other tables.
//!
//! A derived table has the marks of all that it is made of, as streams have that are merged. It is a step with a name, of
//! which snapshots keep what it was made as: a step that is made in another way has other rows, and those who read it have not
//! seen them.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;

use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::Exchange;
use timely::dataflow::operators::Concat;
use timely::dataflow::operators::generic::operator::empty;

use super::root::Diff;
use super::shown::{Recall, Shown};
use super::{ByKey, Diffs, RowsOf};
use crate::flow::Flow;
use crate::key::Key;
use crate::lazily::Lazily;
use crate::logic::Logic;
use crate::mark::Origin;
use crate::record::Data;
use crate::row::Row;
use crate::shard::{Shard, hash_key};
use crate::stateful::{Counted, Fed, Speaks, stateful};
use crate::step::Step;
use crate::stream::Marks;
use crate::table::{Change, Demand, Table};
use crate::value::{Column, in_words};

/// What the user said about a derived table.
pub struct TableAsked {
    /// What kind of a step it is, in a word.
    pub kind: &'static str,
    /// The name of the step.
    pub name: String,
    /// Where it stands in the user's code.
    pub location: &'static Location<'static>,
    /// How it is made, in words.
    pub made_by: String,
    /// The columns of the key.
    pub key_columns: Vec<Column>,
    /// The columns of the values.
    pub value_columns: Vec<Column>,
}

/// What a table is derived from.
pub struct Derived<'f> {
    pub(super) flow: Flow<'f>,
    pub(super) marks: Marks<'f>,
    pub(super) origins: BTreeSet<Origin>,
    pub(super) reads: Vec<String>,
}

impl<'f> Derived<'f> {
    /// From a table, and this one.
    #[must_use]
    pub fn and<K, V>(mut self, other: &Table<'f, K, V>) -> Self {
        // Marks of origins that both have are the same marks; who hears them twice learns nothing new.
        if !other.origins.is_subset(&self.origins) {
            self.marks = self.marks.concat(other.marks.clone());
        }
        self.origins.extend(&other.origins);
        let name = other.name.to_string();
        if !self.reads.contains(&name) {
            self.reads.push(name);
        }
        self
    }

    /// The table with these rows, one a key.
    pub fn table<K: Key, V: Row>(
        self,
        asked: TableAsked,
        rows: Diffs<'f, (K, V)>,
    ) -> Table<'f, K, V> {
        let step = self.step(&asked);
        self.with_rows(&step, true, asked, rows)
    }

    /// The table with the rows that `logic` makes of others in the order of epochs, those of one `hash` on one worker.
    pub fn stepped<D: Data, K: Key, V: Row>(
        self,
        asked: TableAsked,
        rows: Diffs<'f, D>,
        hash: impl Fn(&D) -> u64 + 'static,
        logic: impl Logic<In = Vec<Diff<D>>, Out = Diff<(K, V)>>,
    ) -> Table<'f, K, V> {
        let step = self.step(&asked);
        let counted = self.counted(&step, true);
        let fed = Fed {
            batches: rows.by_epoch(),
            marks: self.marks.clone(),
            n_origins: self.origins.len(),
        };
        let by_shard = Exchange::new(move |(row, _): &Diff<D>| Shard::of_hash(hash(row)).number());
        let built = stateful(&self.flow, counted, fed, by_shard, None, logic);
        let rows = Diffs::of_step(built.out);
        self.with_rows(&step, false, asked, rows)
    }

    pub(super) fn step(&self, asked: &TableAsked) -> Arc<Step> {
        let TableAsked { kind, name, .. } = asked;
        let build = &self.flow.build;
        build.claim("step", name, asked.location);
        let columns = asked.key_columns.iter().chain(&asked.value_columns);
        let definition = format!("{}; {}", asked.made_by, in_words(columns));
        build.step(kind, name, self.reads.clone(), None, definition)
    }

    pub(super) fn counted(&self, step: &Arc<Step>, counts_state: bool) -> Counted {
        Counted {
            step: Arc::clone(step),
            worker: self.flow.build.worker,
            counts_state,
        }
    }

    /// The table of `step` with these rows; what it shows is counted if nothing else counts for the step.
    pub(crate) fn with_rows<K: Key, V: Row>(
        self,
        step: &Arc<Step>,
        is_counted: bool,
        asked: TableAsked,
        rows: Diffs<'f, (K, V)>,
    ) -> Table<'f, K, V> {
        let build = &self.flow.build;
        let demand = Demand {
            snapshots: build.setup.place.is_kept(),
            ..Demand::default()
        };
        let counted = self.counted(step, is_counted);
        let (flow, marks, n_origins) = (self.flow.clone(), self.marks.clone(), self.origins.len());
        let (shown, closed) = (rows.clone(), Rc::clone(&demand.closed));
        let changes = Lazily::made_by(move || {
            let fed = Fed {
                batches: shown.by_epoch(),
                marks,
                n_origins,
            };
            show(&flow, counted, fed, closed)
        });
        let name: Rc<str> = asked.name.as_str().into();
        let table = Table {
            name,
            step: Arc::clone(step),
            changes,
            marks: self.marks,
            origins: self.origins,
            key_columns: asked.key_columns.into(),
            value_columns: asked.value_columns.into(),
            demand,
            spacing: None,
            own_marks: empty(self.flow.scope),
            speaks: Speaks {
                origin: build.new_origin(),
                by: std::time::Duration::ZERO,
                wanted: Rc::default(),
            },
            rows: RowsOf::made_by(move || rows.clone()),
            flow: self.flow.clone(),
        };
        let columns = [&*table.key_columns, &*table.value_columns].concat();
        build.check_columns(&table.name, &columns, asked.location);
        table
    }
}

/// The changes of a collection.
fn show<'f, K: Key, V: Row>(
    flow: &Flow<'f>,
    counted: Counted,
    fed: Fed<'f, Vec<Diff<(K, V)>>>,
    closed: Rc<Cell<bool>>,
) -> StreamVec<'f, u64, Change<K, V>> {
    let live = flow.build.live.as_ref();
    let recall = Recall {
        epoch: live.map(|live| live.shared.epochs.recall()),
        is_silent: live.is_some_and(|live| !live.shared.has_new_steps()),
    };
    let by_shard =
        Exchange::new(|((key, _), _): &Diff<(K, V)>| Shard::of_hash(hash_key(key)).number());
    let logic = Shown::new(closed, recall);
    stateful(flow, counted, fed, by_shard, None, logic).out
}

/// What operators make of tables; not for users.
impl<'f, K: Key, V: Data> Table<'f, K, V> {
    /// What is made of this table.
    #[doc(hidden)]
    #[must_use]
    pub fn derived(&self) -> Derived<'f> {
        Derived {
            flow: self.flow.clone(),
            marks: self.marks.clone(),
            origins: self.origins.clone(),
            reads: vec![self.name.to_string()],
        }
    }

    /// The rows.
    #[doc(hidden)]
    pub fn diffs(&self) -> Diffs<'f, (K, V)> {
        self.rows.get(|| self.root())
    }

    /// The rows by key.
    #[doc(hidden)]
    pub fn by_key(&self) -> ByKey<'f, K, V>
    where
        V: Row,
    {
        self.rows.by_key(&self.name, || self.root())
    }

    /// The same table with other rows: under the same keys, and with the same columns.
    #[doc(hidden)]
    #[must_use]
    pub fn with_rows(&self, rows: Diffs<'f, (K, V)>) -> Table<'f, K, V>
    where
        V: Row,
    {
        let asked = TableAsked {
            kind: self.step.kind,
            name: self.name.to_string(),
            location: Location::caller(),
            made_by: String::new(),
            key_columns: self.key_columns.to_vec(),
            value_columns: self.value_columns.to_vec(),
        };
        self.derived().with_rows(&self.step, false, asked, rows)
    }
}

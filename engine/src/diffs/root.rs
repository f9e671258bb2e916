//! The root: the rows of a table as they are, so that a change can be told as a row that goes and a row that comes.
//!
//! A change says what a row is from now on. The root has kept what it was, by key, and snapshots keep it, too: of all that
//! steps over tables hold only the rows of their roots.
//!
//! *Invariants*: a row has come before it goes, in this run or in the one that the run goes on from.

use std::marker::PhantomData;
use std::panic::Location;

use timely::dataflow::channels::pact::Exchange;

use super::Diffs;
use crate::key::Key;
use crate::keyed_state::KeyedState;
use crate::logic::{At, Emitted, Logic, Publish, Size};
use crate::record::Data;
use crate::shard::{Shard, hash_key};
use crate::snapshot::entry::{Entry, LoadError};
use crate::snapshot::log::Log;
use crate::stateful::{Counted, Fed, stateful};
use crate::table::{Change, Stage, Table};
use crate::time::EventTime;
use crate::value::in_words;

/// A diff as it leaves a step with state: it is of the epoch at which it leaves.
pub type Diff<D> = (D, isize);

/// Keeps the rows of a table.
pub(super) struct Root<K, V> {
    rows: KeyedState<K, V>,
    n_batches: u64,
    table: PhantomData<fn(K, V)>,
}

impl<'f, K: Key, V: Data> Table<'f, K, V> {
    /// The rows of this table as they change, kept by a step of its own.
    pub(crate) fn root(&self) -> Diffs<'f, (K, V)> {
        self.demand.partial.set(true);
        let build = &self.flow.build;
        build.claim("rows", &self.name, Location::caller());
        let columns = self.key_columns.iter().chain(&*self.value_columns);
        let reads = vec![self.name.to_string()];
        let step = build.step("rows", &self.name, reads, None, in_words(columns));
        let counted = Counted {
            step,
            worker: build.worker,
            counts_state: true,
        };
        let fed = Fed {
            batches: self.changes.get(),
            marks: self.marks.clone(),
            n_origins: self.origins.len(),
        };
        let by_shard =
            Exchange::new(|change: &Change<K, V>| Shard::of_hash(hash_key(&change.key)).number());
        let logic = Root::new(build.setup.place.is_kept());
        let built = stateful(&self.flow, counted, fed, by_shard, None, logic);
        Diffs::of_step(built.out)
    }
}

/// So many batches come between two looks at how much the rows keep.
const WEIGH_EVERY: u64 = 256;

impl<K: Key, V: Data> Root<K, V> {
    pub(super) fn new(snapshots: bool) -> Self {
        Root {
            rows: KeyedState::new(snapshots),
            n_batches: 0,
            table: PhantomData,
        }
    }

    fn apply(&mut self, key: K, value: Option<V>, out: &mut Vec<Diff<(K, V)>>) {
        let hash = hash_key(&key);
        let place = self.rows.find(hash, |other| *other == key);
        match (place, value) {
            (Some(place), Some(value)) => {
                let row = self.rows.change(place);
                let old = std::mem::replace(row, value.clone());
                out.push(((key.clone(), old), -1));
                out.push(((key, value), 1));
            }
            (None, Some(value)) => {
                self.rows.insert(hash, key.clone(), value.clone());
                out.push(((key, value), 1));
            }
            (Some(place), None) => out.push((self.rows.remove(place), -1)),
            (None, None) => {}
        }
    }
}

impl<K: Key, V: Data> Logic for Root<K, V> {
    type In = Vec<Change<K, V>>;
    type Out = Diff<(K, V)>;
    type Late = ();

    fn on_batch(&mut self, batch: Self::In, _at: At, out: &mut Emitted<Self::Out, ()>) {
        out.n_records += batch.len() as u64;
        if self.n_batches.is_multiple_of(WEIGH_EVERY) {
            self.rows.weigh();
        }
        self.n_batches += 1;
        for change in batch {
            // A row that is final is told once more, and has been told before.
            if change.stage != Stage::Final {
                self.apply(change.key, change.value, &mut out.out);
            }
        }
    }

    fn on_watermark(&mut self, _at: At, _out: &mut Emitted<Self::Out, ()>) {}

    fn on_publish(&mut self, _at: At, _publish: Publish, _out: &mut Emitted<Self::Out, ()>) {}

    fn freeze(&mut self) {
        self.rows.freeze();
    }

    fn save(&mut self, log: &mut Log, n_bytes: usize) -> bool {
        self.rows.save(log, n_bytes)
    }

    fn restore(&mut self, entry: &Entry<'_>) -> Result<(), LoadError> {
        self.rows.restore(entry)
    }

    fn recall(&mut self, out: &mut Emitted<Self::Out, ()>) {
        self.rows.weigh();
        let rows = self.rows.iter();
        out.out
            .extend(rows.map(|(_, key, value)| ((key.clone(), value.clone()), 1)));
    }

    fn size(&mut self) -> Size {
        Size {
            keys: self.rows.len() as u64,
            open_windows: 0,
            bytes: self.rows.n_bytes() as u64,
            next_close: EventTime::MAX,
        }
    }
}

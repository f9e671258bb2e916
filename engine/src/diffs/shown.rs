//! Shown: what becomes of a collection outside of differential dataflow, as the changes of a table.
//!
//! ```text
//!  diffs@e ═▶ by shard of the key ─▶ of each key what is left of the diffs of e ─▶ changes@e, into views and streams
//! ```
//!
//! Views keep rows in the shard of their key, so that is where changes go. Diffs come at publish epochs, because that is when
//! the roots give them; of those of an epoch what cancels out is not a change.
//!
//! *Invariants*: a key has one change in an epoch at most. At the epoch of what was kept all rows are told, unless no step of
//! the pipeline is new: then nobody would hear it.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;

use differential_dataflow::consolidation::consolidate;

use super::root::Diff;
use crate::key::Key;
use crate::logic::{At, Emitted, Logic, Publish, Size};
use crate::row::Row;
use crate::snapshot::entry::LoadError;
use crate::table::{Change, Stage};
use crate::time::EventTime;

/// What a snapshot notes of a table whose final rows were told.
const TOLD: &str = "final rows are told";

/// Makes changes of diffs.
pub(super) struct Shown<K, V> {
    diffs: Vec<Diff<(K, V)>>,
    n_rows: i64,
    /// All rows, if they are wanted once the input has ended; and whether they were told then.
    rows: BTreeMap<K, (V, bool)>,
    closed: Rc<Cell<bool>>,
    recall: Recall,
    /// All rows were told when the input had ended, and none has changed since.
    all_told: bool,
}

/// The epoch of what was kept.
#[derive(Clone, Copy, Default)]
pub(super) struct Recall {
    pub(super) epoch: Option<u64>,
    /// Nobody is new and is to hear of it.
    pub(super) is_silent: bool,
}

impl<K: Key, V: Row> Shown<K, V> {
    pub(super) fn new(closed: Rc<Cell<bool>>, recall: Recall) -> Self {
        Shown {
            diffs: Vec::new(),
            n_rows: 0,
            rows: BTreeMap::new(),
            closed,
            recall,
            all_told: false,
        }
    }

    /// Keeps the rows that have changed, to tell them when the input has ended.
    fn keep(&mut self, changes: &[Change<K, V>], is_recalled: bool) {
        let is_told = is_recalled && self.all_told;
        self.all_told = is_told;
        for Change { key, value, .. } in changes.iter().cloned() {
            match value {
                Some(value) => drop(self.rows.insert(key, (value, is_told))),
                None => drop(self.rows.remove(&key)),
            }
        }
    }

    /// The changes that the diffs of an epoch come to.
    fn changes(&mut self) -> Vec<Change<K, V>> {
        consolidate(&mut self.diffs);
        let mut changes: Vec<Change<K, V>> = Vec::new();
        for ((key, value), diff) in self.diffs.drain(..) {
            self.n_rows += diff as i64;
            let value = (diff > 0).then_some(value);
            match changes.last_mut().filter(|last| last.key == key) {
                Some(last) => last.value = value.or(last.value.take()),
                None => changes.push(Change {
                    key,
                    value,
                    stage: Stage::Open,
                }),
            }
        }
        changes
    }
}

impl<K: Key, V: Row> Logic for Shown<K, V> {
    type In = Vec<Diff<(K, V)>>;
    type Out = Change<K, V>;
    type Late = ();

    fn on_batch(&mut self, mut batch: Self::In, _at: At, out: &mut Emitted<Self::Out, ()>) {
        out.n_records += batch.len() as u64;
        self.diffs.append(&mut batch);
    }

    fn on_epoch(&mut self, at: At, out: &mut Emitted<Self::Out, ()>) {
        if self.diffs.is_empty() {
            return;
        }
        let changes = self.changes();
        self.diffs.shrink_to(1 << 16);
        let is_recalled = self.recall.epoch == Some(at.epoch.as_u64());
        if self.closed.get() {
            self.keep(&changes, is_recalled);
        }
        if !(is_recalled && self.recall.is_silent) {
            out.out.extend(changes);
        }
    }

    fn on_watermark(&mut self, _at: At, _out: &mut Emitted<Self::Out, ()>) {}

    fn on_publish(&mut self, at: At, publish: Publish, out: &mut Emitted<Self::Out, ()>) {
        // With the last commit, which tells of the end of the input: a run that goes on from the one before tells them again.
        if publish.last && at.watermark == EventTime::MAX && self.closed.get() {
            let rows = self.rows.iter_mut();
            let untold = rows.filter(|(_, (_, is_told))| !is_told);
            out.out.extend(untold.map(|(key, (value, is_told))| {
                *is_told = true;
                Change {
                    key: key.clone(),
                    value: Some(value.clone()),
                    stage: Stage::Final,
                }
            }));
            self.all_told = true;
        }
    }

    fn note(&mut self) -> Option<String> {
        self.all_told.then(|| TOLD.into())
    }

    fn restore_note(&mut self, note: &str) -> Result<(), LoadError> {
        self.all_told |= note == TOLD;
        Ok(())
    }

    fn starts_empty(&self) -> bool {
        true
    }

    fn size(&mut self) -> Size {
        Size {
            keys: u64::try_from(self.n_rows).unwrap_or(0),
            open_windows: 0,
            bytes: 0,
            next_close: EventTime::MAX,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(diffs: &[(u8, u8, isize)], expected: &[(u8, Option<u8>)]) {
        let mut shown = Shown::new(Rc::default(), Recall::default());
        let diffs = diffs
            .iter()
            .map(|(key, value, diff)| ((*key, *value), *diff));
        shown.diffs = diffs.collect();
        let changes = shown.changes().into_iter();
        let found: Vec<_> = changes.map(|change| (change.key, change.value)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn what_is_left_of_an_epoch() {
        check(&[(1, 7, 1)], &[(1, Some(7))]);
        check(&[(1, 7, -1)], &[(1, None)]);
        check(&[(1, 7, -1), (1, 7, 1)], &[]);
        // The old value may come before or after the new one in their order.
        check(&[(1, 7, -1), (1, 8, 1)], &[(1, Some(8))]);
        check(&[(1, 7, 1), (1, 8, -1)], &[(1, Some(7))]);
        check(
            &[(2, 1, 1), (1, 7, -1), (1, 8, 1), (1, 8, -1), (1, 9, 1)],
            &[(1, Some(9)), (2, Some(1))],
        );
    }
}

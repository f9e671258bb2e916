//! The ranks of the rows of all groups: the pure part of the step.

use std::hash::Hash;

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use millstream_engine::raw::{At, Diff, Emitted, Logic, Publish, Size, content_bytes};
use millstream_engine::{EventTime, Key, Row};

use super::group::Group;
use crate::top_k::InRank;

/// A row in its group.
type InGroup<G, K, V> = (G, (K, V));

/// Ranks rows by `order`.
pub(super) struct Ranking<G, K, V, O, F> {
    k: usize,
    order: F,
    groups: HashMap<G, Group<O, K, V>, FixedState>,
    /// What came of the epoch that is being applied.
    diffs: Vec<Diff<InGroup<G, K, V>>>,
    touched: Vec<G>,
    n_rows: usize,
    /// About how many bytes a row keeps on the heap.
    row_bytes: usize,
}

impl<G, K, V, O, F> Ranking<G, K, V, O, F> {
    pub(super) fn new(k: usize, order: F) -> Self {
        Ranking {
            k,
            order,
            groups: HashMap::default(),
            diffs: Vec::new(),
            touched: Vec::new(),
            n_rows: 0,
            row_bytes: 0,
        }
    }
}

impl<G, K, V, O, F> Ranking<G, K, V, O, F>
where
    G: Key,
    K: Key,
    V: Row,
    O: Ord + Clone,
    F: Fn(&K, &V) -> O,
{
    /// Applies the diffs of an epoch: what goes before what comes, for both may lie in one place.
    fn apply(&mut self) {
        let mut diffs = std::mem::take(&mut self.diffs);
        millstream_engine::raw::sum_up(&mut diffs);
        for goes in [true, false] {
            for ((group, row), diff) in diffs.iter().filter(|(_, diff)| (*diff < 0) == goes) {
                self.apply_one(group, row, *diff);
            }
        }
        diffs.clear();
        diffs.shrink_to(1 << 16);
        self.diffs = diffs;
    }

    fn apply_one(&mut self, group: &G, (key, value): &(K, V), diff: isize) {
        let order = (self.order)(key, value);
        let rows = self.groups.entry_ref(group).or_default();
        let before = (rows.len(), rows.is_touched);
        rows.apply(order, key.clone(), value.clone(), diff);
        self.n_rows = self.n_rows + rows.len() - before.0;
        if rows.is_touched && !before.1 {
            self.touched.push(group.clone());
        }
    }

    /// Says what has changed among the first of each group.
    fn show(&mut self, out: &mut Vec<Diff<(InRank<G>, (K, V))>>) {
        for group in self.touched.drain(..) {
            let rows = self.groups.get_mut(&group).expect("it was touched");
            rows.show(self.k, |rank, was, is| {
                let in_rank = |row| {
                    let rank = u32::try_from(rank + 1).expect("ranks are below 2^32");
                    let group = group.clone();
                    (InRank { key: group, rank }, row)
                };
                out.extend(was.map(|row| (in_rank(row), -1)));
                out.extend(is.map(|row| (in_rank(row), 1)));
            });
            if rows.len() == 0 {
                self.groups.remove(&group);
            }
        }
    }
}

impl<G, K, V, O, F> Logic for Ranking<G, K, V, O, F>
where
    G: Key + Hash,
    K: Key,
    V: Row,
    O: Ord + Clone + 'static,
    F: Fn(&K, &V) -> O + 'static,
{
    type In = Vec<Diff<InGroup<G, K, V>>>;
    type Out = Diff<(InRank<G>, (K, V))>;
    type Late = ();

    fn on_batch(&mut self, mut batch: Self::In, _at: At, out: &mut Emitted<Self::Out, ()>) {
        out.n_records += batch.len() as u64;
        if let Some((row, _)) = batch.first() {
            self.row_bytes = content_bytes(row);
        }
        self.diffs.append(&mut batch);
    }

    fn on_epoch(&mut self, _at: At, out: &mut Emitted<Self::Out, ()>) {
        if !self.diffs.is_empty() {
            self.apply();
            self.show(&mut out.out);
        }
    }

    fn on_watermark(&mut self, _at: At, _out: &mut Emitted<Self::Out, ()>) {}

    fn on_publish(&mut self, _at: At, _publish: Publish, _out: &mut Emitted<Self::Out, ()>) {}

    fn starts_empty(&self) -> bool {
        true
    }

    fn size(&mut self) -> Size {
        // A node of a tree is two thirds full.
        let row_bytes = (size_of::<O>() + size_of::<K>() + size_of::<V>()) * 3 / 2 + self.row_bytes;
        Size {
            keys: self.n_rows as u64,
            open_windows: 0,
            bytes: (self.n_rows * row_bytes) as u64,
            next_close: EventTime::MAX,
        }
    }
}

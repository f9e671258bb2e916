//! Views: tables published under a name, for readers outside the dataflow.
//!
//! ```text
//!  worker 0 ─ part of every view ─┐
//!  worker 1 ─ part of every view ─┼─ all parts of epoch e are in ──▶ one Snapshot, swapped in atomically ──▶ readers
//!  worker 2 ─ part of every view ─┘
//! ```
//!
//! Each worker keeps its part of a view in a persistent ordered map, whose copies share what did not change. When an
//! epoch is complete on every worker, one [`Snapshot`] of *all* views takes the place of the last. A reader never sees
//! half an epoch, never blocks a worker, and can hold an old snapshot for as long as it likes.
//!
//! *Invariants*: two views of one snapshot have seen exactly the same input. Epochs of successive snapshots grow.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use imbl::OrdMap;

use crate::epoch::Epoch;
use crate::time::EventTime;
use crate::value::{Column, Value};
use crate::window::Window;

/// What a row of a view is kept and ordered by: the newest window first, which is the one that ends last, then the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowKey {
    /// The window, for a windowed table.
    pub window: Option<Window>,
    /// The key's columns.
    pub key: Box<[Value]>,
}

impl Ord for RowKey {
    fn cmp(&self, other: &Self) -> Ordering {
        // By the end, because that is by which rows leave a view: windows of different length are not in order by their
        // start.
        let newest = |key: &Self| key.window.map(|window| (window.end, window.start));
        newest(other)
            .cmp(&newest(self))
            .then_with(|| self.key.cmp(&other.key))
    }
}

impl PartialOrd for RowKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The rows that one worker keeps of a view; a copy is cheap and shares what is the same.
pub type Rows = OrdMap<RowKey, Arc<[Value]>>;

/// One view as of one epoch.
#[derive(Clone, Debug)]
pub struct ViewSnapshot {
    /// Names and types of a row's values.
    pub columns: Arc<[Column]>,
    /// The event time up to which the view's input is complete; [`EventTime::MIN`] while nothing was promised.
    pub watermark: EventTime,
    /// Windows that ended before this are no longer kept; `None` while nothing has left the view.
    pub retained_from: Option<EventTime>,
    /// The rows, one map per worker; a key is in one of them only.
    pub parts: Vec<Rows>,
}

impl ViewSnapshot {
    /// How many rows there are.
    #[must_use]
    pub fn n_rows(&self) -> usize {
        self.parts.iter().map(OrdMap::len).sum()
    }

    /// All rows, newest window first and then by key.
    pub fn rows(&self) -> impl Iterator<Item = (&RowKey, &Arc<[Value]>)> {
        let mut parts: Vec<_> = self
            .parts
            .iter()
            .map(|part| part.iter().peekable())
            .collect();
        std::iter::from_fn(move || {
            let heads = parts
                .iter_mut()
                .enumerate()
                .filter_map(|(i, part)| part.peek().map(|head| (head.0, i)));
            let (_, least) = heads.min()?;
            parts[least].next()
        })
    }
}

/// All views as of one epoch.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Everything up to the end of this epoch is in, and nothing after.
    pub epoch: Epoch,
    /// The views by name. Empty until the first epoch is complete.
    pub views: BTreeMap<String, ViewSnapshot>,
}

type Watcher = Box<dyn Fn(&Arc<Snapshot>) + Send + Sync>;

/// Where readers find the views of a run.
pub struct Catalog {
    current: ArcSwap<Snapshot>,
    gathering: Mutex<Gathering>,
    watchers: Mutex<Vec<Watcher>>,
}

/// Parts that wait for those of the other workers.
#[derive(Default)]
struct Gathering {
    workers: usize,
    views: BTreeMap<String, Arc<[Column]>>,
    parts: BTreeMap<Epoch, HashMap<(String, usize), Part>>,
}

/// What one worker has of one view at one epoch.
pub(crate) struct Part {
    pub(crate) rows: Rows,
    pub(crate) watermark: EventTime,
    pub(crate) retained_from: Option<EventTime>,
}

impl Catalog {
    pub(crate) fn new(workers: usize, views: BTreeMap<String, Arc<[Column]>>) -> Self {
        let empty = |columns: &Arc<[Column]>| ViewSnapshot {
            columns: Arc::clone(columns),
            watermark: EventTime::MIN,
            retained_from: None,
            parts: Vec::new(),
        };
        let first = Snapshot {
            epoch: Epoch::default(),
            views: views
                .iter()
                .map(|(name, columns)| (name.clone(), empty(columns)))
                .collect(),
        };
        Catalog {
            current: ArcSwap::from_pointee(first),
            gathering: Mutex::new(Gathering {
                workers,
                views,
                parts: BTreeMap::new(),
            }),
            watchers: Mutex::default(),
        }
    }

    /// All views as of the newest complete epoch; before there is one, all views without rows.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.current.load_full()
    }

    /// Has `watcher` called with every snapshot from now on, in order, by the worker that completed it: it must be quick.
    pub fn watch(&self, watcher: impl Fn(&Arc<Snapshot>) + Send + Sync + 'static) {
        self.watchers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Box::new(watcher));
    }

    /// Takes a worker's part of a view; swaps in the snapshot of `epoch` when this was the last part missing.
    pub(crate) fn offer(&self, view: &str, worker: usize, epoch: Epoch, part: Part) {
        let mut gathering = self
            .gathering
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let parts = gathering.parts.entry(epoch).or_default();
        let again = parts.insert((view.into(), worker), part).is_some();
        assert!(!again, "worker {worker} offers view {view} at {epoch} once");
        if gathering.parts[&epoch].len() < gathering.workers * gathering.views.len() {
            return;
        }
        let mut parts = gathering.parts.remove(&epoch).expect("just completed");
        let views = gathering.views.iter().map(|(name, columns)| {
            let of_workers: Vec<Part> = (0..gathering.workers)
                .map(|worker| {
                    parts
                        .remove(&(name.clone(), worker))
                        .expect("every worker offered every view")
                })
                .collect();
            (name.clone(), assemble(Arc::clone(columns), of_workers))
        });
        let snapshot = Arc::new(Snapshot {
            epoch,
            views: views.collect(),
        });
        assert!(
            snapshot.epoch > self.current.load().epoch,
            "epochs of snapshots grow"
        );
        self.current.store(Arc::clone(&snapshot));
        // Still under the lock, so that watchers see the snapshots in order.
        for watcher in self
            .watchers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
        {
            watcher(&snapshot);
        }
    }
}

fn assemble(columns: Arc<[Column]>, parts: Vec<Part>) -> ViewSnapshot {
    ViewSnapshot {
        columns,
        watermark: parts
            .iter()
            .map(|part| part.watermark)
            .min()
            .unwrap_or(EventTime::MIN),
        retained_from: parts.iter().filter_map(|part| part.retained_from).max(),
        parts: parts.into_iter().map(|part| part.rows).collect(),
    }
}

//! The view step: keeps this worker's rows of a view, and offers them to the catalog at publish epochs.
//!
//! *Invariants*: rows are those after the epoch at which they are offered. A row leaves the view when its window ended
//! longer ago than the view keeps; that is not a change of the table, and the view says from when on it has everything.
//!
//! The rows are part of snapshots. A copy of the map is cheap, so what is frozen is a copy, and the keys that have changed
//! are looked up in it. A row is kept in the shard of its key, for it is there that its changes will come.

use std::collections::{BTreeMap, btree_map};
use std::marker::PhantomData;
use std::mem::size_of;
use std::sync::Arc;
use std::time::Duration;

use crate::logic::{At, Emitted, Logic, Publish, Size};
use crate::record::Data;
use crate::run::Run;
use crate::scalar::Columns;
use crate::shard::Shard;
use crate::snapshot::entry::{Entry, LoadError};
use crate::snapshot::log::{Kind, Log};
use crate::table::{Change, Stage};
use crate::table_key::{TableKey, row_key, row_values};
use crate::time::EventTime;
use crate::value::Value;
use crate::view::{Part, RowKey, Rows};
use crate::window::Window;

pub(crate) struct ViewLogic<K, V> {
    name: String,
    worker: usize,
    /// `None` when the pipeline is built dry.
    run: Option<Run>,
    keep: Duration,
    rows: Rows,
    retained_from: Option<EventTime>,
    /// What has changed since the last snapshot; `None` if none are taken.
    touched: Option<Touched>,
    frozen: Option<Frozen>,
    table: PhantomData<fn(K, V)>,
}

/// What a snapshot must say.
#[derive(Default)]
struct Touched {
    keys: BTreeMap<RowKey, Shard>,
    /// Windows that have left the view with all their rows.
    left: Vec<Window>,
}

/// What a snapshot is to say, as it was at its epoch.
struct Frozen {
    rows: Rows,
    keys: btree_map::IntoIter<RowKey, Shard>,
    left: Vec<Window>,
}

impl<K, V> ViewLogic<K, V> {
    pub(crate) fn new(
        name: &str,
        worker: usize,
        run: Option<Run>,
        keep: Duration,
        snapshots: bool,
    ) -> Self {
        let rows = Rows::new();
        ViewLogic {
            name: name.into(),
            worker,
            run,
            keep,
            rows,
            retained_from: None,
            touched: snapshots.then(Touched::default),
            frozen: None,
            table: PhantomData,
        }
    }

    /// Drops the rows of windows that ended before `from`; the oldest are last.
    fn drop_before(&mut self, from: EventTime) {
        while let Some((key, _)) = self.rows.get_max() {
            if key.window.is_none_or(|window| window.end >= from) {
                break;
            }
            let key: RowKey = key.clone();
            self.rows.remove(&key);
            self.retained_from = Some(from);
            if let Some(touched) = &mut self.touched {
                touched.keys.remove(&key);
                let window = key.window.expect("rows of no window are kept");
                if touched.left.last() != Some(&window) {
                    touched.left.push(window);
                }
            }
        }
    }

    /// Shows the rows as of `at`.
    fn offer(&self, at: At) {
        let part = Part {
            rows: self.rows.clone(),
            watermark: at.watermark,
            retained_from: self.retained_from,
        };
        if let Some(run) = &self.run {
            run.catalog().offer(&self.name, self.worker, at.epoch, part);
        }
    }
}

impl<K, V> Logic for ViewLogic<K, V>
where
    K: TableKey,
    V: Columns + Data,
{
    type In = Vec<Change<K, V>>;
    type Out = ();
    type Late = ();

    fn on_batch(&mut self, batch: Vec<Change<K, V>>, at: At, out: &mut Emitted<(), ()>) {
        out.n_records += batch.len() as u64;
        // What has left the view does not come back, though it may still be corrected.
        let from = at
            .watermark
            .finite()
            .map(|watermark| watermark.minus(self.keep));
        let from = from.max(self.retained_from);
        for change in batch {
            let key = row_key(&change.key);
            if from.is_some_and(|from| key.window.is_some_and(|window| window.end < from)) {
                continue;
            }
            if let Some(touched) = &mut self.touched {
                touched.keys.insert(key.clone(), change.key.shard());
            }
            match change.value {
                Some(value) => {
                    let mut values = row_values(&change.key, &value);
                    if K::WINDOWED {
                        values.push(Value::Bool(change.stage == Stage::Final));
                    }
                    self.rows.insert(key, values.into());
                }
                None => drop(self.rows.remove(&key)),
            }
        }
    }

    fn on_watermark(&mut self, at: At, _out: &mut Emitted<(), ()>) {
        // The end of the input is no reason to forget what it gave.
        if let Some(watermark) = at.watermark.finite() {
            self.drop_before(watermark.minus(self.keep));
        }
    }

    fn on_publish(&mut self, at: At, _publish: Publish, _out: &mut Emitted<(), ()>) {
        self.offer(at);
    }

    fn freeze(&mut self) {
        if let Some(touched) = &mut self.touched {
            let Touched { keys, left } = std::mem::take(touched);
            self.frozen = Some(Frozen {
                rows: self.rows.clone(),
                keys: keys.into_iter(),
                left,
            });
        }
    }

    fn save(&mut self, log: &mut Log, n_bytes: usize) -> bool {
        let Some(frozen) = &mut self.frozen else {
            return true;
        };
        let before = log.n_bytes();
        frozen.left.drain(..).for_each(|window| log.forget(window));
        for (key, shard) in frozen.keys.by_ref() {
            match frozen.rows.get(&key) {
                Some(values) => log.put(shard, key.window, &key.key, |to| to.put(&values[..])),
                None => log.remove(shard, key.window, &key.key),
            }
            if log.n_bytes() - before >= n_bytes {
                return false;
            }
        }
        self.frozen = None;
        true
    }

    fn note(&mut self) -> Option<String> {
        self.retained_from.map(|from| from.micros().to_string())
    }

    fn forget(&mut self, window: Window) {
        let first = RowKey {
            window: Some(window),
            key: Box::default(),
        };
        let of_window = |(key, _): &(&RowKey, _)| key.window == Some(window);
        let gone = self.rows.range(first..).take_while(of_window);
        let gone: Vec<RowKey> = gone.map(|(key, _)| key.clone()).collect();
        gone.iter().for_each(|key| drop(self.rows.remove(key)));
    }

    fn restore(&mut self, entry: &Entry<'_>) -> Result<(), LoadError> {
        let key = RowKey {
            window: entry.window,
            key: entry.key()?,
        };
        match entry.kind {
            Kind::Put => drop(
                self.rows
                    .insert(key, entry.value().take::<Vec<Value>>()?.into()),
            ),
            Kind::Remove => drop(self.rows.remove(&key)),
            Kind::Add => return Err(LoadError::Unexpected),
        }
        Ok(())
    }

    fn restore_note(&mut self, note: &str) -> Result<(), LoadError> {
        let micros = note.parse().map_err(|_| LoadError::Unexpected)?;
        self.retained_from = self.retained_from.max(Some(EventTime::from_micros(micros)));
        Ok(())
    }

    fn resume(&mut self, at: At) {
        self.offer(at);
    }

    fn size(&mut self) -> Size {
        let row_bytes = self.rows.iter().next().map_or(0, |(key, values)| {
            size_of::<RowKey>()
                + size_of::<Arc<[Value]>>()
                + (key.key.len() + values.len()) * (size_of::<Value>() + 16)
        });
        Size {
            keys: self.rows.len() as u64,
            open_windows: 0,
            bytes: (self.rows.len() * row_bytes) as u64,
            next_close: EventTime::MAX,
        }
    }
}

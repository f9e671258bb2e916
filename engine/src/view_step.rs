//! The view step: keeps this worker's rows of a view, and offers them to the catalog at publish epochs.
//!
//! *Invariants*: rows are those after the epoch at which they are offered. A row leaves the view when its window ended
//! longer ago than the view keeps; that is not a change of the table, and the view says from when on it has everything.

use std::marker::PhantomData;
use std::mem::size_of;
use std::sync::Arc;
use std::time::Duration;

use crate::logic::{At, Emitted, Logic, Publish, Size};
use crate::record::Data;
use crate::run::Run;
use crate::scalar::Columns;
use crate::table::{Change, Stage};
use crate::table_key::{TableKey, row_key, row_values};
use crate::time::EventTime;
use crate::value::Value;
use crate::view::{Part, RowKey, Rows};

pub(crate) struct ViewLogic<K, V> {
    name: String,
    worker: usize,
    /// `None` when the pipeline is built dry.
    run: Option<Run>,
    keep: Duration,
    rows: Rows,
    retained_from: Option<EventTime>,
    table: PhantomData<fn(K, V)>,
}

impl<K, V> ViewLogic<K, V> {
    pub(crate) fn new(name: &str, worker: usize, run: Option<Run>, keep: Duration) -> Self {
        let rows = Rows::new();
        ViewLogic {
            name: name.into(),
            worker,
            run,
            keep,
            rows,
            retained_from: None,
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

    fn on_batch(&mut self, batch: Vec<Change<K, V>>, _at: At, out: &mut Emitted<(), ()>) {
        out.n_records += batch.len() as u64;
        for change in batch {
            let key = row_key(&change.key);
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
        let part = Part {
            rows: self.rows.clone(),
            watermark: at.watermark,
            retained_from: self.retained_from,
        };
        if let Some(run) = &self.run {
            run.catalog().offer(&self.name, self.worker, at.epoch, part);
        }
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

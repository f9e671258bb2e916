//! What the sink operator does: it hands rows to the part, has it stage, and keeps in snapshots what is not staged.
//!
//! The rows of a bucket are kept in as many entries as there were snapshots while it grew, by whichever worker wrote them;
//! when the part says that the bucket was emptied all of them are removed.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::error::{BoxError, Error};
use crate::flow::Live;
use crate::logic::{At, Emitted, Logic, Publish, Size};
use crate::record::{Data, Record};
use crate::shard::{N_SHARDS, Shard};
use crate::sink::{SinkRow, StageAt, Unpublished};
use crate::snapshot::entry::{Entry, LoadError};
use crate::snapshot::follow::CommitStep;
use crate::snapshot::log::{Kind, Log};
use crate::snapshot::publish::Outlet;
use crate::stream::Batch;
use crate::time::EventTime;
use crate::window::Spacing;

pub(super) struct OutputLogic<T> {
    name: String,
    worker: usize,
    live: Option<(Live, Rc<RefCell<Outlet>>)>,
    row: Rc<dyn Fn(&Record<T>) -> SinkRow>,
    /// Of rows that are timed at the start of their window: how these follow one another.
    windows: Option<Spacing>,
    /// Room for the rows of a batch.
    pending: Vec<SinkRow>,
    /// Whether the epoch clock knows that rows are held.
    holds_rows: bool,
    /// What is frozen and not saved yet.
    unpublished: Unpublished,
    /// By bucket: the entries that keep its rows in the snapshots.
    buckets: BTreeMap<String, Vec<EntryKey>>,
    /// The number of the next entry; runs have numbers of their own.
    next_entry: u64,
    /// What was kept, until all of it is known.
    restored: BTreeMap<EntryKey, Vec<SinkRow>>,
    restored_notes: Vec<String>,
}

/// What keeps rows in the snapshots: the bucket, the worker that wrote it, which is its shard too, and a number.
type EntryKey = (String, u8, u64);

impl<T: Data> OutputLogic<T> {
    /// The logic of the part on `worker`; there is none in a dry building.
    pub(super) fn new(
        name: &str,
        worker: usize,
        live: Option<(Live, Rc<RefCell<Outlet>>)>,
        row: Rc<dyn Fn(&Record<T>) -> SinkRow>,
        windows: Option<Spacing>,
    ) -> Self {
        OutputLogic {
            name: name.into(),
            worker,
            next_entry: live
                .as_ref()
                .map_or(0, |(live, _)| live.shared.epochs.first),
            live,
            row,
            windows,
            pending: Vec::new(),
            holds_rows: false,
            unpublished: Unpublished::default(),
            buckets: BTreeMap::new(),
            restored: BTreeMap::new(),
            restored_notes: Vec::new(),
        }
    }

    /// A run that has failed asks nothing more of its sinks: what they are given next may build on what failed.
    fn has_failed(&self) -> bool {
        self.live
            .as_ref()
            .is_some_and(|(live, _)| live.shared.failed())
    }

    /// No row that is timed before this will follow, after no record that is before `watermark`.
    fn rows_from(&self, watermark: EventTime) -> EventTime {
        match self.windows {
            // A row to come is of a window that ends after the watermark, and that may have begun long before it.
            Some(windows) if watermark.is_finite() => windows.first_after(watermark),
            _ => watermark,
        }
    }

    fn write(&mut self, batch: &[Record<T>], at: At) -> Result<(), BoxError> {
        if self.has_failed() {
            return Ok(());
        }
        let Some((_, outlet)) = &self.live else {
            return Ok(());
        };
        self.pending
            .extend(batch.iter().map(|record| (self.row)(record)));
        outlet
            .borrow_mut()
            .part
            .write(at.epoch, &mut self.pending)?;
        assert!(self.pending.is_empty(), "sink {} took all rows", self.name);
        Ok(())
    }

    fn stage(&mut self, at: At, last: bool, out: &mut Vec<String>) -> Result<(), BoxError> {
        if self.has_failed() {
            return Ok(());
        }
        let watermark = self.rows_from(at.watermark);
        let Some((live, outlet)) = &self.live else {
            return Ok(());
        };
        let mut outlet = outlet.borrow_mut();
        let staged = outlet.part.stage(StageAt {
            epoch: at.epoch,
            watermark,
            now: live.shared.setup.clock.now(),
            last,
        })?;
        out.extend(staged.iter().map(|staged| staged.0.clone()));
        if !staged.is_empty() {
            outlet.staged.insert(at.epoch, staged);
        }
        let holds = outlet.part.holds_rows();
        if std::mem::replace(&mut self.holds_rows, holds) != holds {
            live.shared.epochs.holds_rows(holds);
        }
        let shared = &live.shared;
        shared
            .state
            .step_is_taken(CommitStep::Staged, at.epoch, shared);
        Ok(())
    }

    fn check(&self, result: Result<(), BoxError>) {
        if let (Err(source), Some((live, _))) = (result, &self.live) {
            live.shared.fail(Error::Sink {
                name: self.name.clone(),
                source,
            });
        }
    }

    /// Removes what kept the rows of a bucket, whoever wrote it.
    fn remove_bucket(&mut self, bucket: &str, log: &mut Log) {
        for key in self.buckets.remove(bucket).unwrap_or_default() {
            log.remove(Shard::from_number(key.1), None, &key);
        }
    }

    /// Gives the part back what was kept.
    fn give_back(&mut self) -> Result<(), BoxError> {
        let restored = std::mem::take(&mut self.restored);
        let notes = std::mem::take(&mut self.restored_notes);
        let Some((live, outlet)) = &self.live else {
            return Ok(());
        };
        let part = &mut outlet.borrow_mut().part;
        for (key, rows) in restored {
            part.restore(&key.0, rows)?;
            self.buckets.entry(key.0.clone()).or_default().push(key);
        }
        notes.iter().try_for_each(|note| part.restore_note(note))?;
        self.holds_rows = part.holds_rows();
        if self.holds_rows {
            live.shared.epochs.holds_rows(true);
        }
        Ok(())
    }
}

impl<T: Data> Logic for OutputLogic<T> {
    type In = Batch<T>;
    type Out = String;
    type Late = ();

    fn on_batch(&mut self, batch: Batch<T>, at: At, out: &mut Emitted<String, ()>) {
        out.n_records += batch.len() as u64;
        let written = self.write(&batch, at);
        self.check(written);
    }

    fn on_watermark(&mut self, _at: At, _out: &mut Emitted<String, ()>) {}

    fn on_publish(&mut self, at: At, publish: Publish, out: &mut Emitted<String, ()>) {
        if publish.snapshot {
            let staged = self.stage(at, publish.last, &mut out.out);
            self.check(staged);
        }
    }

    fn freeze(&mut self) {
        if let Some((_, outlet)) = &self.live {
            outlet.borrow_mut().part.save(&mut self.unpublished);
        }
    }

    fn save(&mut self, log: &mut Log, n_bytes: usize) -> bool {
        for bucket in std::mem::take(&mut self.unpublished.emptied) {
            self.remove_bucket(&bucket, log);
        }
        let before = log.n_bytes();
        let shard = (self.worker % N_SHARDS as usize) as u8;
        while let Some((bucket, rows)) = self.unpublished.rows.pop() {
            let key = (bucket.clone(), shard, self.next_entry);
            self.next_entry += 1;
            log.put(Shard::from_number(shard), None, &key, |saving| {
                saving.put(&rows)
            });
            self.buckets.entry(bucket).or_default().push(key);
            if log.n_bytes() - before >= n_bytes {
                break;
            }
        }
        self.unpublished.rows.is_empty()
    }

    fn note(&mut self) -> Option<String> {
        let (_, outlet) = self.live.as_ref()?;
        outlet.borrow_mut().part.note()
    }

    fn restore(&mut self, entry: &Entry<'_>) -> Result<(), LoadError> {
        // Rows may have been staged in a later snapshot: which are left is known when all is restored.
        let key: EntryKey = entry.key()?;
        match entry.kind {
            Kind::Put => drop(self.restored.insert(key, entry.value().take()?)),
            Kind::Remove => drop(self.restored.remove(&key)),
            Kind::Add => return Err(LoadError::Unexpected),
        }
        Ok(())
    }

    fn restore_note(&mut self, note: &str) -> Result<(), LoadError> {
        self.restored_notes.push(note.into());
        Ok(())
    }

    fn resume(&mut self, _at: At) {
        let resumed = self.give_back();
        self.check(resumed);
    }

    fn size(&mut self) -> Size {
        Size {
            keys: 0,
            open_windows: 0,
            bytes: 0,
            next_close: EventTime::MAX,
        }
    }
}

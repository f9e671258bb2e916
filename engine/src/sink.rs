//! Sinks: where rows go, in two steps, so that nothing half-written is ever seen.
//!
//! ```text
//!  rows@e ──▶ SinkPart::write ─ … ─▶ stage(e): durable, invisible ──▶ publish: visible
//! ```
//!
//! A part of a sink runs on every worker. It is given the rows of each epoch in order, then asked to *stage* what its
//! roll policy says is due, and then to *publish* what was staged. What lies between is the engine's affair: the commit
//! of the epoch, on all workers. Rows that are written and not staged are kept in the engine's snapshots: a part hands
//! them over with `save` and takes them back with `restore`.
//!
//! *Invariants*: `write` of an epoch comes after everything of the epochs before; `stage` is repeatable and invisible;
//! `publish` is idempotent.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::epoch::Epoch;
use crate::error::BoxError;
use crate::registry::Registry;
use crate::state_place::StatePlace;
use crate::time::EventTime;
use crate::value::{Column, Value};

/// A row on its way out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SinkRow {
    /// Its event time; for a row of a window, the window's start.
    pub time: EventTime,
    /// One value for each column.
    pub values: Vec<Value>,
}

/// Something staged: durable, not yet visible. The string is the sink's own and says how to publish it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Staged(pub String);

/// What a sink promises of rows that are published around a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Delivery {
    /// None is missing; some may be there twice.
    AtLeastOnce,
    /// None is missing, and what is published again takes the place of what was published before.
    Idempotent,
    /// Each is there once: what was staged becomes visible by the commit or not at all.
    Transactional,
}

/// Rows that a part has taken and not staged, on their way into a snapshot.
///
/// They are kept in *buckets*, which are the part's own. A bucket grows from snapshot to snapshot until the part says
/// that it was emptied; so each row is handed over once.
#[derive(Debug, Default)]
pub struct Unpublished {
    pub(crate) emptied: Vec<String>,
    pub(crate) rows: Vec<(String, Vec<SinkRow>)>,
}

impl Unpublished {
    /// What was in `bucket` at the last snapshot is staged now. To be said before [`rows`](Self::rows) that came since.
    pub fn emptied(&mut self, bucket: impl Into<String>) {
        self.emptied.push(bucket.into());
    }

    /// The buckets that were said to be emptied: for tests of sinks.
    #[must_use]
    pub fn buckets_emptied(&self) -> &[String] {
        &self.emptied
    }

    /// The rows that were handed over, by bucket: for tests of sinks.
    #[must_use]
    pub fn rows_by_bucket(&self) -> &[(String, Vec<SinkRow>)] {
        &self.rows
    }

    /// These came into `bucket` since the last snapshot.
    pub fn rows(&mut self, bucket: impl Into<String>, rows: Vec<SinkRow>) {
        self.rows.push((bucket.into(), rows));
    }
}

/// Something that was made visible, as it is told to the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// What: a path, mostly.
    pub name: String,
    /// How many rows it has.
    pub rows: u64,
}

/// Something that rows go to.
pub trait Sink: 'static {
    /// Looks whether the sink can work at all, before anything starts and on one thread.
    ///
    /// # Errors
    /// What is in the way.
    fn check(&self, cx: &SinkContext) -> Result<(), BoxError>;

    /// Opens the part of worker `cx.worker`.
    ///
    /// # Errors
    /// What went wrong; ends the run.
    fn open(&self, cx: &SinkContext) -> Result<Box<dyn SinkPart>, BoxError>;

    /// What it is, in a word or two: rows that another kind of sink holds cannot be taken over by this one.
    fn kind(&self) -> String {
        "custom".into()
    }

    /// What it promises of rows that are published around a crash. At least once, if not said otherwise.
    fn delivery(&self) -> Delivery {
        Delivery::AtLeastOnce
    }

    /// Undoes what an earlier run did after its last commit, at the end of `committed`: removes what it published of later
    /// epochs, and what it staged that is not among `staged`. Called once, before any part is opened, if an earlier run
    /// has left state, though it may have committed nothing; what is `staged` is published afterwards, again if need be.
    ///
    /// # Errors
    /// What went wrong; the run does not start.
    fn recover(
        &self,
        _cx: &SinkContext,
        _committed: Epoch,
        _staged: &[Staged],
    ) -> Result<(), BoxError> {
        Ok(())
    }
}

/// The part of a sink on one worker.
pub trait SinkPart {
    /// Takes the rows of `epoch`, in no order; leaves `rows` empty.
    ///
    /// # Errors
    /// What went wrong; ends the run.
    fn write(&mut self, epoch: Epoch, rows: &mut Vec<SinkRow>) -> Result<(), BoxError>;

    /// Stages what is due now that all of `at.epoch` has been written. What it gives has a text of its own each time.
    ///
    /// # Errors
    /// What went wrong; ends the run.
    fn stage(&mut self, at: StageAt) -> Result<Vec<Staged>, BoxError>;

    /// Makes `staged` visible; does nothing for what is visible already.
    ///
    /// # Errors
    /// What went wrong; ends the run.
    fn publish(&mut self, staged: &[Staged]) -> Result<Vec<Published>, BoxError>;

    /// Whether it holds rows that it will stage later though no more come.
    fn holds_rows(&self) -> bool {
        false
    }

    /// Hands over what a snapshot must keep that it was not handed before; called after `stage`, at the same epoch.
    ///
    /// A part that stages all it was given each time has nothing to hand over.
    fn save(&mut self, _unpublished: &mut Unpublished) {}

    /// Takes rows back that it, or the part of another worker, has handed over; before anything else.
    ///
    /// # Errors
    /// What went wrong; the run does not start.
    fn restore(&mut self, _bucket: &str, _rows: Vec<SinkRow>) -> Result<(), BoxError> {
        Ok(())
    }

    /// A few words for the parts of the next run, all of which are given the words of all: how far it has come, say.
    fn note(&mut self) -> Option<String> {
        None
    }

    /// Takes back what some part noted; after [`restore`](Self::restore).
    ///
    /// # Errors
    /// What went wrong; the run does not start.
    fn restore_note(&mut self, _note: &str) -> Result<(), BoxError> {
        Ok(())
    }
}

/// What [`SinkPart::stage`] may decide on.
#[derive(Clone, Copy, Debug)]
pub struct StageAt {
    /// Everything up to here has been written.
    pub epoch: Epoch,
    /// No row of an earlier event time will follow; [`EventTime::MAX`] when the input has ended.
    pub watermark: EventTime,
    /// The wall clock.
    pub now: EventTime,
    /// Nothing more will be written in this run: stage all there is.
    pub last: bool,
}

/// What a sink may know of the run.
#[derive(Clone)]
pub struct SinkContext {
    /// The name the user gave the sink.
    pub name: String,
    /// This worker, from 0.
    pub worker: usize,
    /// How many workers the run has.
    pub workers: usize,
    /// What tells the files of this run from those of others: part of every name it publishes. A run that goes on from a
    /// snapshot has that of the run which took it; their epochs tell the two apart.
    pub run: String,
    /// Where the run keeps its state; if it does, what is staged may be published by a later one.
    pub place: StatePlace,
    /// The columns of its rows.
    pub columns: Arc<[Column]>,
    /// What the workers share.
    pub registry: Arc<Registry>,
}

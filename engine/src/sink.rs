//! Sinks: where rows go, in two steps, so that nothing half-written is ever seen.
//!
//! ```text
//!  rows@e ──▶ SinkPart::write ─ … ─▶ stage(e): durable, invisible ──▶ publish: visible
//! ```
//!
//! A part of a sink runs on every worker. It is given the rows of each epoch in order, then asked to *stage* what its
//! roll policy says is due, and then to *publish* what was staged. What lies between is the engine's affair.
//!
//! *Invariants*: `write` of an epoch comes after everything of the epochs before; `stage` is repeatable and invisible;
//! `publish` is idempotent.

use std::sync::Arc;

use crate::epoch::Epoch;
use crate::error::BoxError;
use crate::registry::Registry;
use crate::time::EventTime;
use crate::value::{Column, Value};

/// A row on its way out.
#[derive(Clone, Debug, PartialEq)]
pub struct SinkRow {
    /// Its event time; for a row of a window, the window's start.
    pub time: EventTime,
    /// One value for each column.
    pub values: Vec<Value>,
}

/// Something staged: durable, not yet visible. The string is the sink's own and says how to publish it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Staged(pub String);

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
}

/// The part of a sink on one worker.
pub trait SinkPart {
    /// Takes the rows of `epoch`, in no order; leaves `rows` empty.
    ///
    /// # Errors
    /// What went wrong; ends the run.
    fn write(&mut self, epoch: Epoch, rows: &mut Vec<SinkRow>) -> Result<(), BoxError>;

    /// Stages what is due now that all of `at.epoch` has been written.
    ///
    /// # Errors
    /// What went wrong; ends the run.
    fn stage(&mut self, at: StageAt) -> Result<Vec<Staged>, BoxError>;

    /// Makes `staged` visible; does nothing for what is visible already.
    ///
    /// # Errors
    /// What went wrong; ends the run.
    fn publish(&mut self, staged: &[Staged]) -> Result<Vec<Published>, BoxError>;
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
    /// What tells the files of this run from those of others: part of every name it publishes.
    pub run: String,
    /// The columns of its rows.
    pub columns: Arc<[Column]>,
    /// What the workers share.
    pub registry: Arc<Registry>,
}

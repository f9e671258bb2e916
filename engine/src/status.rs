//! What a running pipeline says of itself: its graph, its counters, and why its watermarks stand where they stand.

use serde::Serialize;

use crate::epoch::Epoch;
use crate::guarantee::Guarantee;
use crate::time::EventTime;

/// A pipeline at one moment.
#[derive(Clone, Debug, Serialize)]
pub struct PipelineStatus {
    /// The application's name.
    pub name: String,
    /// How many workers drive it.
    pub workers: usize,
    /// How it is: `starting`, `running`, `stopping`, `ended` or `failed`.
    pub state: &'static str,
    /// The epoch the views are of, as text.
    pub epoch: String,
    /// The last epoch that is committed, as text; `None` if none is, or if no state is kept.
    pub committed: Option<String>,
    /// What holds if the process dies and is started again.
    pub guarantee: Guarantee,
    /// The longest that a snapshot has held up a worker at a time, in microseconds.
    pub snapshot_stall_us: u64,
    /// How long publishing waits at most for the next publish epoch, in milliseconds.
    pub publish_interval_ms: u64,
    /// The wall clock.
    pub now: EventTime,
    /// The sources with their partitions.
    pub sources: Vec<SourceStatus>,
    /// The steps, in the order they were built.
    pub steps: Vec<StepStatus>,
}

/// A source at one moment.
#[derive(Clone, Debug, Serialize)]
pub struct SourceStatus {
    /// The name the user gave it.
    pub name: String,
    /// Records taken in.
    pub events: u64,
    /// Records refused: they are dead letters.
    pub rejected: u64,
    /// Records that wait to be read, if that is known.
    pub lag: Option<u64>,
    /// The partitions in order.
    pub partitions: Vec<PartitionStatus>,
}

/// A partition of a source at one moment.
#[derive(Clone, Debug, Serialize)]
pub struct PartitionStatus {
    /// Its number.
    pub partition: u32,
    /// The worker that drives it.
    pub worker: usize,
    /// `active`, `idle`, `held` or `ended`.
    pub state: &'static str,
    /// Its own watermark, if it has promised anything.
    pub watermark: Option<EventTime>,
    /// Why its watermark stands where it stands, in a sentence.
    pub reason: String,
    /// Records taken in.
    pub events: u64,
    /// Records refused.
    pub rejected: u64,
    /// Bytes gone through.
    pub bytes: u64,
    /// Bytes there are, if that is known.
    pub bytes_total: Option<u64>,
    /// Records that wait to be read, if that is known.
    pub lag: Option<u64>,
}

/// A step at one moment; numbers are sums over the workers.
#[derive(Clone, Debug, Serialize)]
pub struct StepStatus {
    /// The name the user gave it.
    pub name: String,
    /// What it does: `window`, `view`, `sink`, …
    pub kind: &'static str,
    /// The names of the sources and steps it reads from.
    pub inputs: Vec<String>,
    /// Records that came in.
    pub records_in: u64,
    /// Records that went out.
    pub records_out: u64,
    /// Records that came too late.
    pub late: u64,
    /// Keys, windows or rows it keeps.
    pub keys: u64,
    /// Windows that are open.
    pub open_windows: u64,
    /// Bytes of state, estimated.
    pub state_bytes: u64,
    /// The event time up to which its input is complete.
    pub watermark: Option<EventTime>,
    /// Why its oldest window is still open, in a sentence, if one is.
    pub waits_for: Option<String>,
}

/// What a run did, once it is over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// Records taken in, by this run and by those it goes on from.
    pub events: u64,
    /// Records refused: they are dead letters.
    pub rejected: u64,
    /// Records that came too late: the largest number that any one step counted.
    pub late: u64,
    /// Files, or whatever else sinks published.
    pub published: u64,
    /// Epochs that were complete at the end.
    pub epochs: u64,
    /// Whether the run was stopped before its sources had ended.
    pub stopped: bool,
    /// The last epoch.
    pub last_epoch: Epoch,
    /// The last epoch that is committed; `None` if none is, or if no state is kept.
    pub committed: Option<Epoch>,
}

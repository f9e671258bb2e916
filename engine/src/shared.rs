//! What the workers of a run share: its clock, its graph, and whether it is to go on.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::dead_letter::DeadLetters;
use crate::epoch::Epoch;
use crate::epoch_clock::EpochClock;
use crate::error::Error;
use crate::guarantee::Guarantee;
use crate::registry::Registry;
use crate::snapshot::state::RunState;
use crate::source::Rewind;
use crate::status::{PartitionStatus, PipelineStatus, Report, SourceStatus};
use crate::step::Step;
use crate::time::EventTime;
use crate::wall::WallClock;

/// What is known before the graph is.
pub(crate) struct Setup {
    pub(crate) name: String,
    pub(crate) workers: usize,
    pub(crate) clock: Arc<dyn WallClock>,
    /// When the pipeline first started: that of the run whose snapshot this one goes on from.
    pub(crate) started: EventTime,
    /// When this run started.
    pub(crate) resumed: EventTime,
    /// What tells this run's files from others'.
    pub(crate) run_stamp: String,
    /// Whether snapshots are taken.
    pub(crate) durable: bool,
    pub(crate) registry: Arc<Registry>,
    pub(crate) dead_letters: Arc<dyn DeadLetters>,
}

/// What is known once the graph is.
pub(crate) struct Shared {
    pub(crate) setup: Arc<Setup>,
    pub(crate) epochs: EpochClock,
    pub(crate) state: RunState,
    pub(crate) guarantee: Guarantee,
    /// In the order in which they were built.
    pub(crate) steps: Vec<Arc<Step>>,
    pub(crate) sources: Vec<Arc<SourceMeter>>,
    pub(crate) stopping: AtomicBool,
    /// A source was stopped before it had ended.
    pub(crate) interrupted: AtomicBool,
    pub(crate) workers_built: AtomicUsize,
    pub(crate) workers_ended: AtomicUsize,
    pub(crate) published: AtomicU64,
    failed: AtomicBool,
    failure: Mutex<Option<Error>>,
}

/// What is counted of a source.
pub(crate) struct SourceMeter {
    pub(crate) name: Arc<str>,
    /// What it reads.
    pub(crate) identity: String,
    pub(crate) rewind: Rewind,
    pub(crate) partitions: Vec<PartitionMeter>,
}

/// What is counted of a partition, written by the worker that drives it.
pub(crate) struct PartitionMeter {
    pub(crate) events: AtomicU64,
    pub(crate) rejected: AtomicU64,
    pub(crate) bytes: AtomicU64,
    pub(crate) bytes_total: AtomicU64,
    pub(crate) watermark: AtomicI64,
    pub(crate) state: AtomicU8,
    pub(crate) reason: Mutex<String>,
}

/// How a partition stands, for the status.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Shown {
    Active,
    Idle,
    Held,
    Ended,
}

impl PartitionMeter {
    fn new() -> Self {
        PartitionMeter {
            events: AtomicU64::new(0),
            rejected: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            bytes_total: AtomicU64::new(u64::MAX),
            watermark: AtomicI64::new(EventTime::MIN.micros()),
            state: AtomicU8::new(Shown::Active as u8),
            reason: Mutex::new("it was not polled yet".into()),
        }
    }
}

impl SourceMeter {
    pub(crate) fn new(name: &str, n_partitions: u32, identity: String, rewind: Rewind) -> Self {
        SourceMeter {
            name: name.into(),
            identity,
            rewind,
            partitions: (0..n_partitions).map(|_| PartitionMeter::new()).collect(),
        }
    }

    fn events(&self) -> u64 {
        self.partitions
            .iter()
            .map(|p| p.events.load(Ordering::Relaxed))
            .sum()
    }

    fn rejected(&self) -> u64 {
        self.partitions
            .iter()
            .map(|p| p.rejected.load(Ordering::Relaxed))
            .sum()
    }

    fn status(&self, workers: usize) -> SourceStatus {
        let partition = |(number, meter): (usize, &PartitionMeter)| PartitionStatus {
            partition: u32::try_from(number).expect("partitions are counted in u32"),
            worker: number % workers,
            state: ["active", "idle", "held", "ended"]
                [usize::from(meter.state.load(Ordering::Relaxed))],
            watermark: EventTime::from_micros(meter.watermark.load(Ordering::Relaxed)).finite(),
            reason: meter
                .reason
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
            events: meter.events.load(Ordering::Relaxed),
            rejected: meter.rejected.load(Ordering::Relaxed),
            bytes: meter.bytes.load(Ordering::Relaxed),
            bytes_total: Some(meter.bytes_total.load(Ordering::Relaxed))
                .filter(|total| *total != u64::MAX),
        };
        SourceStatus {
            name: self.name.to_string(),
            events: self.events(),
            rejected: self.rejected(),
            partitions: self.partitions.iter().enumerate().map(partition).collect(),
        }
    }
}

impl Shared {
    pub(crate) fn new(
        setup: Arc<Setup>,
        epochs: EpochClock,
        state: RunState,
        guarantee: Guarantee,
        steps: Vec<Arc<Step>>,
        sources: Vec<Arc<SourceMeter>>,
    ) -> Self {
        Shared {
            setup,
            epochs,
            state,
            guarantee,
            steps,
            sources,
            stopping: AtomicBool::new(false),
            interrupted: AtomicBool::new(false),
            workers_built: AtomicUsize::new(0),
            workers_ended: AtomicUsize::new(0),
            published: AtomicU64::new(0),
            failed: AtomicBool::new(false),
            failure: Mutex::new(None),
        }
    }

    /// The step of this kind and name.
    pub(crate) fn step(&self, kind: &str, name: &str) -> &Arc<Step> {
        let found = self
            .steps
            .iter()
            .find(|step| step.kind == kind && step.name == name);
        found.expect("every building of a pipeline has the same steps")
    }

    /// Ends the run with `error`, unless it has failed already: the first error is the one that is told.
    pub(crate) fn fail(&self, error: Error) {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        if failure.is_none() {
            tracing::error!(%error, "the run ends");
            *failure = Some(error);
        }
        self.failed.store(true, Ordering::SeqCst);
        drop(failure);
        self.epochs.activate_all();
    }

    pub(crate) fn failed(&self) -> bool {
        self.failed.load(Ordering::SeqCst)
    }

    pub(crate) fn take_failure(&self) -> Option<Error> {
        self.failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    /// Whether a source was stopped before it had ended.
    pub(crate) fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::SeqCst)
    }

    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.epochs.activate_all();
    }

    pub(crate) fn stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    fn state(&self) -> &'static str {
        if self.failed() {
            "failed"
        } else if self.workers_ended.load(Ordering::SeqCst) == self.setup.workers {
            "ended"
        } else if self.stopping() {
            "stopping"
        } else if self.workers_built.load(Ordering::SeqCst) < self.setup.workers {
            "starting"
        } else {
            "running"
        }
    }

    pub(crate) fn status(&self, epoch: Epoch) -> PipelineStatus {
        PipelineStatus {
            name: self.setup.name.clone(),
            workers: self.setup.workers,
            state: self.state(),
            epoch: epoch.to_string(),
            committed: self.state.last_commit().map(|epoch| epoch.to_string()),
            guarantee: self.guarantee.clone(),
            snapshot_stall_us: u64::try_from(self.state.longest_stall().as_micros())
                .unwrap_or(u64::MAX),
            publish_interval_ms: u64::try_from(self.epochs.publish_interval().as_millis())
                .unwrap_or(u64::MAX),
            now: self.setup.clock.now(),
            sources: self
                .sources
                .iter()
                .map(|source| source.status(self.setup.workers))
                .collect(),
            steps: self.steps.iter().map(|step| step.status()).collect(),
        }
    }

    pub(crate) fn report(&self) -> Report {
        let last_epoch = Epoch::from_u64(self.epochs.current());
        Report {
            events: self.sources.iter().map(|source| source.events()).sum(),
            rejected: self.sources.iter().map(|source| source.rejected()).sum(),
            late: self.steps.iter().map(|step| step.late()).max().unwrap_or(0),
            published: self.published.load(Ordering::SeqCst),
            epochs: last_epoch.count() + 1,
            stopped: self.is_interrupted(),
            last_epoch,
            committed: self.state.last_commit(),
        }
    }
}

//! What the workers of a run share: its clock, its graph, and whether it is to go on.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::dead_letter::RecentLetters;
use crate::dead_letters::LetterSink;
use crate::epoch::Epoch;
use crate::epoch_clock::EpochClock;
use crate::error::Error;
use crate::guarantee::Guarantee;
use crate::registry::Registry;
use crate::snapshot::state::RunState;
use crate::source::{Ack, Rewind};
use crate::source_meter::SourceMeter;
use crate::state_place::StatePlace;
use crate::status::{PipelineStatus, Report};
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
    /// Whether snapshots are taken, and where.
    pub(crate) place: StatePlace,
    pub(crate) registry: Arc<Registry>,
    /// Leads dead letters to their sink, if there is one.
    pub(crate) dead_letters: Option<Arc<LetterSink>>,
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
    /// Who is told how far a source was read for good, by its name.
    pub(crate) acks: BTreeMap<String, Arc<dyn Ack>>,
    pub(crate) stopping: AtomicBool,
    /// A source was stopped before it had ended.
    pub(crate) interrupted: AtomicBool,
    pub(crate) workers_built: AtomicUsize,
    pub(crate) workers_ended: AtomicUsize,
    pub(crate) published: AtomicU64,
    pub(crate) recent_letters: RecentLetters,
    failed: AtomicBool,
    failure: Mutex<Option<Error>>,
}

/// Steps, sources, and who is told how far these were read for good.
pub(crate) type Known = (
    Vec<Arc<Step>>,
    Vec<Arc<SourceMeter>>,
    BTreeMap<String, Arc<dyn Ack>>,
);

impl Shared {
    pub(crate) fn new(
        setup: Arc<Setup>,
        epochs: EpochClock,
        state: RunState,
        guarantee: Guarantee,
        (steps, sources, acks): Known,
    ) -> Self {
        Shared {
            setup,
            epochs,
            state,
            guarantee,
            steps,
            sources,
            acks,
            stopping: AtomicBool::new(false),
            interrupted: AtomicBool::new(false),
            workers_built: AtomicUsize::new(0),
            workers_ended: AtomicUsize::new(0),
            published: AtomicU64::new(0),
            recent_letters: RecentLetters::default(),
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

    /// Whether a step has not been there before: it will want to know what the others have kept.
    pub(crate) fn has_new_steps(&self) -> bool {
        let mut steps = self.steps.iter();
        steps.any(|step| !self.state.goes_on(step))
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

    /// Whether the end of all sources is the end of what there is to read: one that cannot be read again may have more.
    pub(crate) fn ends_for_good(&self) -> bool {
        let mut sources = self.sources.iter();
        sources.all(|source| source.rewind != Rewind::Nothing)
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
            epochs: last_epoch.as_u64() - self.epochs.recall(),
            stopped: self.is_interrupted(),
            last_epoch,
            committed: self.state.last_commit(),
        }
    }
}

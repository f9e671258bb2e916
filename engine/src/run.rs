//! A running pipeline, as seen from outside its workers.
//!
//! A [`Run`] is what services beside the pipeline (the HTTP server, a progress bar, a test) hold: they read its views and
//! its status, push events into its inlets, and ask it to stop. It can be cloned and shared between threads.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use crate::dead_letter::DeadLetter;
use crate::epoch::Epoch;
use crate::error::BoxError;
use crate::inlet::Inlet;
use crate::registry::Registry;
use crate::sink::Published;
use crate::status::PipelineStatus;
use crate::time::EventTime;
use crate::view::{Catalog, Snapshot};
use crate::wall::WallClock;

type PublishedWatcher = Box<dyn Fn(&str, &Published) + Send + Sync>;

/// A handle to a running pipeline.
#[derive(Clone)]
pub struct Run(pub(crate) Arc<RunInner>);

pub(crate) struct RunInner {
    pub(crate) name: String,
    pub(crate) catalog: Catalog,
    pub(crate) clock: Arc<dyn WallClock>,
    pub(crate) inlets: BTreeMap<String, Arc<dyn Inlet>>,
    pub(crate) status: OnceLock<Box<dyn Fn() -> PipelineStatus + Send + Sync>>,
    pub(crate) letters: OnceLock<Box<dyn Fn() -> Vec<DeadLetter> + Send + Sync>>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) ready: AtomicBool,
    pub(crate) stop: Box<dyn Fn() + Send + Sync>,
    pub(crate) published: Mutex<Vec<PublishedWatcher>>,
    pub(crate) resumed_from: Option<Epoch>,
    pub(crate) events_before: u64,
    pub(crate) resuming: OnceLock<Duration>,
}

/// That a run goes on from a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resumed {
    /// The epoch that was committed last.
    pub from: Epoch,
    /// How many records the runs before had taken in.
    pub events: u64,
    /// How long it took from the start until all was restored.
    pub took: Duration,
}

impl Run {
    /// The application's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The views.
    #[must_use]
    pub fn catalog(&self) -> &Catalog {
        &self.0.catalog
    }

    /// All views as of the newest complete epoch.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.0.catalog.snapshot()
    }

    /// Graph, counters and watermarks at this moment.
    #[must_use]
    pub fn status(&self) -> PipelineStatus {
        (self.0.status.get().expect("set before anyone holds a run"))()
    }

    /// The inlet of source `name`, if it is a pushed one.
    #[must_use]
    pub fn inlet(&self, name: &str) -> Option<Arc<dyn Inlet>> {
        self.0.inlets.get(name).cloned()
    }

    /// The names of all sources that events can be pushed into.
    #[must_use]
    pub fn inlet_names(&self) -> Vec<String> {
        self.0.inlets.keys().cloned().collect()
    }

    /// Whether every worker has been built and its state is there.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.0.ready.load(Ordering::SeqCst)
    }

    /// From where the run goes on, once it is ready; `None` before, and if it begins anew.
    #[must_use]
    pub fn resumed(&self) -> Option<Resumed> {
        Some(Resumed {
            from: self.0.resumed_from?,
            events: self.0.events_before,
            took: *self.0.resuming.get()?,
        })
    }

    /// The last thousand dead letters of this run, oldest first, of epochs that may not be committed.
    #[must_use]
    pub fn dead_letters(&self) -> Vec<DeadLetter> {
        (self.0.letters.get().expect("set before anyone holds a run"))()
    }

    /// What the workers share, by name.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.0.registry
    }

    /// The run's clock.
    #[must_use]
    pub fn now(&self) -> EventTime {
        self.0.clock.now()
    }

    /// Has `watcher` called with the sink's name whenever a sink published something.
    pub fn on_published(&self, watcher: impl Fn(&str, &Published) + Send + Sync + 'static) {
        self.0
            .published
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Box::new(watcher));
    }

    /// Asks the run to stop: takes nothing more in, finishes the epochs in flight, publishes what is final. If state is
    /// kept, all of it is committed, and windows that are open go on in the next run.
    pub fn stop(&self) {
        (self.0.stop)();
    }
}

/// Something that runs beside a pipeline, such as an HTTP server.
pub trait Service: Send {
    /// What it is called in errors.
    fn name(&self) -> String;

    /// Starts on threads of its own; called before the workers start, when views and inlets are known.
    ///
    /// # Errors
    /// What is in the way; the pipeline does not start then.
    fn start(&mut self, run: &Run) -> Result<(), BoxError>;

    /// Ends; called after the workers have ended.
    fn stop(&mut self);
}

//! Applications: a pipeline with its settings, run from start to end.
//!
//! ```text
//!  build dry ─▶ every mistake is told here ─▶ services start ─▶ workers start ─▶ … ─▶ all sources have ended, or a stop
//! ```

use std::num::NonZeroUsize;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::Duration;

use crate::dead_letter::{DeadLetters, RecentDeadLetters};
use crate::epoch::Epoch;
use crate::epoch_clock::EpochClock;
use crate::epoch_settings::EpochSettings;
use crate::error::{Error, Result};
use crate::flow::{Flow, Live};
use crate::registry::Registry;
use crate::run::{Run, RunInner, Service};
use crate::running::{Running, Services};
use crate::shared::{Setup, Shared};
use crate::signals::Signals;
use crate::status::Report;
use crate::view::Catalog;
use crate::wall::{SystemClock, WallClock};
use crate::worker::{self, Pipeline};

/// An application: a name, settings, and what runs beside its pipeline.
///
/// # Examples
/// ```
/// # use millstream_connectors::{Clickstream, Memory, Rate};
/// # use millstream_engine::{App, Watermarks, seconds};
/// let memory = Memory::new();
/// let sink = memory.clone();
/// let report = App::new("urls").workers(2).run(move |flow| {
///     flow.source("views", Clickstream::new().rate(Rate::Max).events(100))
///         .event_time(|e| e.timestamp, Watermarks::bounded(seconds(5)))
///         .columns("url", |e| e.data.url.clone())
///         .sink("memory", sink.clone())
/// })?;
/// assert_eq!((report.events, memory.rows().len()), (100, 100));
/// # Ok::<(), millstream_engine::Error>(())
/// ```
pub struct App {
    name: String,
    workers: usize,
    clock: Arc<dyn WallClock>,
    dead_letters: Arc<dyn DeadLetters>,
    services: Vec<Box<dyn Service>>,
    watchers: Vec<Box<dyn FnOnce(&Run) + Send>>,
    epochs: EpochSettings,
}

impl App {
    /// An application called `name`, on one worker for each core, with the system's clock.
    #[must_use]
    pub fn new(name: &str) -> Self {
        App {
            name: name.into(),
            workers: std::thread::available_parallelism().map_or(1, NonZeroUsize::get),
            clock: Arc::new(SystemClock::new()),
            dead_letters: Arc::new(RecentDeadLetters::default()),
            services: Vec::new(),
            watchers: Vec::new(),
            epochs: EpochSettings::default(),
        }
    }

    /// Runs on `workers` worker threads. The result does not depend on how many.
    #[must_use]
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = workers;
        self
    }

    /// Takes the time from `clock`, for tests.
    #[must_use]
    pub fn clock(mut self, clock: impl WallClock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Keeps dead letters in `dead_letters` instead of the last thousand in memory.
    #[must_use]
    pub fn dead_letters(mut self, dead_letters: impl DeadLetters) -> Self {
        self.dead_letters = Arc::new(dead_letters);
        self
    }

    /// Runs `service` beside the pipeline.
    #[must_use]
    pub fn service(mut self, service: impl Service + 'static) -> Self {
        self.services.push(Box::new(service));
        self
    }

    /// Calls `watcher` with the run before its workers start, for whoever wants to follow it.
    #[must_use]
    pub fn watch(mut self, watcher: impl FnOnce(&Run) + Send + 'static) -> Self {
        self.watchers.push(Box::new(watcher));
        self
    }

    /// An epoch with news is closed after `interval` (default 10 ms) or when a source has taken `records` into it on one
    /// worker (default 65,536; at least one), whichever comes first. The result does not depend on it; latency does.
    #[must_use]
    pub fn epochs(mut self, interval: Duration, records: usize) -> Self {
        self.epochs = EpochSettings {
            interval,
            fill: records,
            ..self.epochs
        };
        self
    }

    /// Runs `pipeline` until all its sources have ended, or until Ctrl-C or SIGTERM: then it takes nothing more in,
    /// finishes the epochs in flight and publishes what is final. A second Ctrl-C exits the process at once with 130.
    ///
    /// # Errors
    /// The first mistake in the pipeline, before anything starts; or what ended the run before its input did.
    ///
    /// # Examples
    /// ```
    /// # use millstream_connectors::{Clickstream, Memory, Rate};
    /// # use millstream_engine::{App, Flow, Result, Watermarks, seconds};
    /// fn pipeline(flow: &mut Flow<'_>) -> Result<()> {
    ///     let _views = flow
    ///         .source("views", Clickstream::new().rate(Rate::Max).events(100))
    ///         .event_time(|e| e.timestamp, Watermarks::bounded(seconds(5)));
    ///     Ok(())
    /// }
    /// let error = App::new("idle").run(pipeline).unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "pipeline \"idle\" has no view, sink or inspect: nothing would come out of it"
    /// );
    /// ```
    pub fn run(
        self,
        pipeline: impl for<'f> Fn(&mut Flow<'f>) -> Result<()> + Send + Sync + 'static,
    ) -> Result<Report> {
        let running = self.start(pipeline)?;
        let run = running.run().clone();
        let _signals = Signals::stop(move || run.stop())?;
        running.wait()
    }

    /// Builds `pipeline` as [`run`](Self::run) would, and starts nothing.
    ///
    /// # Errors
    /// The first mistake in the pipeline, or what a source or a sink lacks.
    pub fn check(
        &self,
        pipeline: impl for<'f> Fn(&mut Flow<'f>) -> Result<()> + Send + Sync + 'static,
    ) -> Result<()> {
        self.prepare(&pipeline).map(drop)
    }

    /// Starts `pipeline` and returns at once. Signals are left to the caller.
    ///
    /// # Errors
    /// The first mistake in the pipeline, or what a service or a worker lacked to start.
    ///
    /// # Examples
    /// ```
    /// # use millstream_connectors::{Clickstream, Memory, Rate};
    /// # use millstream_engine::{App, Watermarks, seconds};
    /// let running = App::new("live").workers(1).start(|flow| {
    ///     flow.source("views", Clickstream::new().rate(Rate::PerSecond(1_000)))
    ///         .event_time(|e| e.timestamp, Watermarks::bounded(seconds(5)))
    ///         .columns("url", |e| e.data.url.clone())
    ///         .sink("memory", Memory::new())
    /// })?;
    /// assert_eq!(running.run().status().sources[0].name, "views");
    /// running.run().stop();
    /// assert!(running.wait()?.stopped);
    /// # Ok::<(), millstream_engine::Error>(())
    /// ```
    pub fn start(
        mut self,
        pipeline: impl for<'f> Fn(&mut Flow<'f>) -> Result<()> + Send + Sync + 'static,
    ) -> Result<Running> {
        if self.workers == 0 || self.workers > 1024 {
            let reason = format!("{} is not between 1 and 1024", self.workers);
            return Err(Error::BadSetting {
                what: "workers".into(),
                reason,
            });
        }
        if self.epochs.fill == 0 {
            return Err(Error::BadSetting {
                what: "epochs".into(),
                reason: "an epoch of no records takes nothing in: let it take at least one".into(),
            });
        }
        let pipeline: Arc<Pipeline> = Arc::new(pipeline);
        let live = self.prepare(&*pipeline)?;
        let shared = Arc::downgrade(&live.shared);
        self.clock.on_jump(Box::new(move || {
            if let Some(shared) = Weak::upgrade(&shared) {
                shared.epochs.activate_all();
            }
        }));
        self.watchers
            .drain(..)
            .for_each(|watcher| watcher(&live.run));
        let mut services = Services(Vec::new());
        for mut service in self.services {
            let name = service.name();
            service.start(&live.run).map_err(|source| Error::Service {
                service: name,
                source,
            })?;
            services.0.push(service);
        }
        let guards = worker::start(&live, &pipeline)?;
        Ok(Running {
            live,
            guards: Some(guards),
            services,
        })
    }

    /// Builds dry and makes what the workers share.
    fn prepare(&self, pipeline: &Pipeline) -> Result<Live> {
        let started = self.clock.now();
        let setup = Arc::new(Setup {
            name: self.name.clone(),
            workers: self.workers,
            clock: Arc::clone(&self.clock),
            started,
            run_stamp: format!("{:013x}", started.micros()),
            durable: false,
            registry: Arc::new(Registry::default()),
            dead_letters: Arc::clone(&self.dead_letters),
        });
        let build = worker::build_dry(&setup, pipeline)?;
        let graph = build.graph.take();
        let n_inputs = graph.sources.len() * self.workers;
        let epochs = EpochClock::new(self.epochs, Epoch::first_of_run(1), started, n_inputs);
        let shared = Arc::new(Shared::new(setup, epochs, graph.steps, graph.sources));
        let (stopping, inlets) = (Arc::clone(&shared), graph.inlets.clone());
        let run = Run(Arc::new(RunInner {
            name: self.name.clone(),
            catalog: Catalog::new(self.workers, graph.views),
            clock: Arc::clone(&self.clock),
            inlets: graph.inlets,
            status: OnceLock::new(),
            ready: AtomicBool::new(false),
            stop: Box::new(move || {
                inlets.values().for_each(|inlet| inlet.close());
                stopping.stop();
            }),
            published: Mutex::default(),
        }));
        let (asked, catalog) = (Arc::clone(&shared), Arc::downgrade(&run.0));
        let status = move || {
            let epoch = catalog
                .upgrade()
                .map_or(Epoch::default(), |run| run.catalog.snapshot().epoch);
            asked.status(epoch)
        };
        assert!(run.0.status.set(Box::new(status)).is_ok(), "set once");
        Ok(Live { shared, run })
    }
}

//! Applications: a pipeline with its settings, run from start to end.
//!
//! ```text
//!  build dry ─▶ every mistake is told here ─▶ services start ─▶ workers start ─▶ … ─▶ all sources have ended, or a stop
//! ```

use std::num::NonZeroUsize;
use std::sync::{Arc, Weak};
use std::time::Duration;

#[cfg(doc)]
use crate::dead_letter::DeadLetter;
use crate::dead_letters::{DEAD_LETTERS, LetterSink};
use crate::epoch::Epoch;
use crate::epoch_settings::EpochSettings;
use crate::error::{BoxError, Error, Result};
use crate::flow::Flow;
use crate::run::{Run, Service};
use crate::running::{Running, Services};
use crate::signals::Signals;
use crate::sink::Sink;
use crate::snapshot::follow::{CommitStep, Follower};
use crate::snapshot::load;
use crate::state_settings::State;
use crate::status::Report;
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
    pub(crate) name: String,
    pub(crate) workers: usize,
    pub(crate) clock: Arc<dyn WallClock>,
    pub(crate) dead_letters: Option<Arc<LetterSink>>,
    pub(crate) services: Vec<Box<dyn Service>>,
    pub(crate) watchers: Vec<Box<dyn FnOnce(&Run) + Send>>,
    pub(crate) epochs: EpochSettings,
    pub(crate) state: Option<State>,
    pub(crate) follower: Option<Follower>,
}

impl App {
    /// An application called `name`, on one worker for each core, with the system's clock.
    #[must_use]
    pub fn new(name: &str) -> Self {
        App {
            name: name.into(),
            workers: std::thread::available_parallelism().map_or(1, NonZeroUsize::get),
            clock: Arc::new(SystemClock::new()),
            dead_letters: None,
            services: Vec::new(),
            watchers: Vec::new(),
            epochs: EpochSettings::default(),
            state: None,
            follower: None,
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

    /// Sends dead letters to `sink`, as rows with the columns of [`DeadLetter::columns`], once with the epoch that
    /// rejected them. Without, [`Run::dead_letters`] has the last thousand and the others are only counted.
    #[must_use]
    pub fn dead_letters(mut self, sink: impl Sink + Clone + Send + Sync) -> Self {
        self.dead_letters = Some(Arc::new(move |letters| {
            letters.sink(DEAD_LETTERS, sink.clone())
        }));
        self
    }

    /// Whether dead letters have a sink.
    #[must_use]
    pub fn keeps_dead_letters(&self) -> bool {
        self.dead_letters.is_some()
    }

    /// Keeps state, so that the pipeline can be stopped or killed at any moment and goes on where it was, on as many
    /// workers as one likes. Without, a run begins anew.
    #[must_use]
    pub fn state(mut self, state: State) -> Self {
        self.state = Some(state);
        self
    }

    /// Calls `follower` at each step of each commit, on whatever thread takes it; an error ends the run there and then,
    /// as a crash would. For tests.
    #[must_use]
    pub fn follow_commits(
        mut self,
        follower: impl Fn(CommitStep, Epoch) -> Result<(), BoxError> + Send + Sync + 'static,
    ) -> Self {
        self.follower = Some(Arc::new(follower));
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

    /// Builds `pipeline` as [`run`](Self::run) would, looks whether it can go on from its state, and starts nothing.
    ///
    /// # Errors
    /// The first mistake in the pipeline, or what a source or a sink lacks.
    pub fn check(
        &self,
        pipeline: impl for<'f> Fn(&mut Flow<'f>) -> Result<()> + Send + Sync + 'static,
    ) -> Result<()> {
        let existing = self.existing()?;
        let _lock = existing.as_deref().map(load::lock).transpose()?;
        self.look(&pipeline, existing.as_ref()).map(drop)
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
        let (live, lock) = self.prepare(&*pipeline)?;
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
            lock,
        })
    }
}

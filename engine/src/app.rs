//! Applications: a pipeline with its settings, run from start to end.
//!
//! ```text
//!  build dry ─▶ every mistake is told here ─▶ services start ─▶ workers start ─▶ … ─▶ all sources have ended, or a stop
//! ```

use std::any::Any;
use std::num::NonZeroUsize;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::{Duration, Instant};

use crate::dead_letter::{DeadLetters, RecentDeadLetters};
use crate::epoch::Epoch;
use crate::epoch_clock::EpochClock;
use crate::epoch_settings::EpochSettings;
use crate::error::{BoxError, Error, Result};
use crate::flow::{Flow, Graph, Live};
use crate::guarantee::Guarantee;
use crate::registry::Registry;
use crate::run::{Run, RunInner, Service};
use crate::running::{Running, Services};
use crate::shared::{Setup, Shared};
use crate::signals::Signals;
use crate::sink::Staged;
use crate::snapshot::collect;
use crate::snapshot::follow::{CommitStep, Follower};
use crate::snapshot::load::{self, Asked, Fresh};
use crate::snapshot::manifest::Manifest;
use crate::snapshot::state::{Durable, RunState};
use crate::snapshot::store::Store;
use crate::state_settings::State;
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
    state: Option<State>,
    follower: Option<Follower>,
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

    /// Keeps dead letters in `dead_letters` instead of the last thousand in memory.
    #[must_use]
    pub fn dead_letters(mut self, dead_letters: impl DeadLetters) -> Self {
        self.dead_letters = Arc::new(dead_letters);
        self
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

    /// Where an earlier run may have left state.
    fn existing(&self) -> Result<Option<Arc<dyn Store>>> {
        let existing = self.state.as_ref().map(State::existing).transpose()?;
        Ok(existing.flatten())
    }

    /// Reads what an earlier run has left, and builds dry: so every mistake is told before anything is changed.
    fn look(&self, pipeline: &Pipeline, existing: Option<&Arc<dyn Store>>) -> Result<Looked> {
        let now = self.clock.now();
        let is_fresh = self.state.as_ref().is_some_and(|state| state.fresh);
        let found = match existing {
            Some(store) if !is_fresh => Manifest::read(&**store)?,
            _ => None,
        };
        let fresh = Fresh {
            lineage: format!("{:013x}", now.micros()),
            started: now,
        };
        let kept = found.as_ref();
        let setup = Arc::new(Setup {
            name: self.name.clone(),
            workers: self.workers,
            clock: Arc::clone(&self.clock),
            started: kept.map_or(now, |kept| kept.started),
            resumed: now,
            run_stamp: kept.map_or(&fresh.lineage, |kept| &kept.lineage).clone(),
            durable: self.state.is_some(),
            registry: Arc::new(Registry::default()),
            dead_letters: Arc::clone(&self.dead_letters),
        });
        let build = worker::build_dry(&setup, pipeline)?;
        let graph = build.graph.take();
        let manifest = match &self.state {
            None => None,
            Some(state) => {
                let asked = Asked {
                    steps: &graph.steps,
                    sources: &graph.sources,
                    drop: &state.drop,
                };
                let place = existing.map(|store| store.place("")).unwrap_or_default();
                Some(load::fit(found.as_ref(), &place, &fresh, &asked)?)
            }
        };
        Ok(Looked {
            setup,
            graph,
            manifest,
            goes_on: found.is_some(),
        })
    }

    /// Locks the state, looks, and makes what the workers share.
    fn prepare(&self, pipeline: &Pipeline) -> Result<(Live, Option<Lock>)> {
        let started = Instant::now();
        let existing = self.existing()?;
        let mut lock = existing.as_deref().map(load::lock).transpose()?;
        let mut looked = self.look(pipeline, existing.as_ref())?;
        let store = match (existing, &self.state) {
            (Some(store), Some(state)) => {
                if state.fresh {
                    collect::remove_all(&*store)?;
                }
                Some(store)
            }
            (None, Some(state)) => {
                let store = state.open()?;
                lock = Some(load::lock(&*store)?);
                Some(store)
            }
            (_, None) => None,
        };
        let durable = match store {
            Some(store) => Some(looked.begin(store)?),
            None => None,
        };
        let Looked { setup, graph, .. } = looked;
        let first = Epoch::first_of_run(durable.as_ref().map_or(1, |durable| durable.resumed.run));
        let resumed_from = durable.as_ref().map(|durable| durable.resumed.epoch);
        let guarantee = Guarantee::of(
            setup.durable,
            graph.sources.iter().map(|source| &**source),
            graph.sinks.iter().map(|sink| (&*sink.name, sink.delivery)),
        );
        tracing::info!(%guarantee, "if the process dies and is started again, events count");
        let snapshots = self.state.as_ref().map(|state| state.every);
        let n_inputs = graph.sources.len() * self.workers;
        let epochs = EpochClock::new(self.epochs, first, setup.resumed, n_inputs, snapshots);
        let state = RunState::new(durable, self.follower.clone());
        let (steps, sources) = (graph.steps, graph.sources);
        let shared = Arc::new(Shared::new(setup, epochs, state, guarantee, steps, sources));
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
            resumed_from: resumed_from.filter(|epoch| *epoch > Epoch::default()),
            resuming: OnceLock::new(),
        }));
        let (asked, catalog) = (Arc::clone(&shared), Arc::downgrade(&run.0));
        let status = move || {
            let epoch = catalog
                .upgrade()
                .map_or(Epoch::default(), |run| run.catalog.snapshot().epoch);
            asked.status(epoch)
        };
        assert!(run.0.status.set(Box::new(status)).is_ok(), "set once");
        let live = Live {
            shared,
            run,
            started,
        };
        Ok((live, lock))
    }
}

/// Keeps other runs away from the state until it is dropped.
type Lock = Box<dyn Any + Send + Sync>;

/// What is known before anything is changed.
struct Looked {
    setup: Arc<Setup>,
    graph: Graph,
    /// The manifest to begin with, if state is kept.
    manifest: Option<Manifest>,
    /// An earlier run has left state.
    goes_on: bool,
}

impl Looked {
    /// Writes down that the run begins; undoes what earlier ones did after their last commit.
    fn begin(&mut self, store: Arc<dyn Store>) -> Result<Durable> {
        let manifest = self.manifest.take().expect("state is kept");
        let durable = load::begin(store, manifest, !self.goes_on)?;
        if !self.goes_on {
            return Ok(durable);
        }
        let (committed, staged) = (durable.resumed.epoch, &durable.resumed.staged);
        for sink in &mut self.graph.sinks {
            let of_sink = staged.iter().filter(|entry| entry.sink == sink.name);
            let entries: Vec<_> = of_sink.map(|entry| Staged(entry.entry.clone())).collect();
            let recover = sink.recover.take().expect("a sink recovers once");
            recover(committed, &entries).map_err(|source| Error::Sink {
                name: sink.name.clone(),
                source,
            })?;
        }
        Ok(durable)
    }
}

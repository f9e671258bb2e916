//! Preparing a run: what an earlier one has left is looked at, the pipeline is built dry, and only then is anything changed.
//!
//! ```text
//!  lock the state ─▶ newest manifest ─▶ build dry, fit the two together ─▶ write down that the run begins
//!                                       (every mistake is told here)       ─▶ remove what died with earlier runs
//! ```

use std::any::Any;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Instant;

use crate::app::App;
use crate::epoch::Epoch;
use crate::epoch_clock::EpochClock;
use crate::error::{Error, Result};
use crate::flow::Live;
use crate::graph::Graph;
use crate::guarantee::Guarantee;
use crate::registry::Registry;
use crate::run::{Run, RunInner};
use crate::shared::{Setup, Shared};
use crate::sink::Staged;
use crate::snapshot::collect;
use crate::snapshot::error::StateError;
use crate::snapshot::load::{self, Asked, Fresh};
use crate::snapshot::manifest::Manifest;
use crate::snapshot::state::{Durable, RunState};
use crate::snapshot::store::Store;
use crate::state_place::StatePlace;
use crate::state_settings::State;
use crate::view::Catalog;
use crate::worker::{self, Pipeline};

impl App {
    /// Where an earlier run may have left state.
    pub(crate) fn existing(&self) -> Result<Option<Arc<dyn Store>>> {
        let existing = self.state.as_ref().map(State::existing).transpose()?;
        Ok(existing.flatten())
    }

    /// Reads what an earlier run has left, and builds dry: so every mistake is told before anything is changed.
    pub(crate) fn look(
        &self,
        pipeline: &Pipeline,
        existing: Option<&Arc<dyn Store>>,
    ) -> Result<Looked> {
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
            place: StatePlace::not_open(self.state.is_some()),
            registry: Arc::new(Registry::default()),
            dead_letters: self.dead_letters.clone(),
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

    /// Locks the state, looks, and begins the run in it.
    fn begin(&self, pipeline: &Pipeline) -> Result<Begun> {
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
                // There was nothing when it was looked at; now somebody has come and gone.
                if Manifest::read(&*store)?.is_some() {
                    let place = store.place("");
                    return Err(StateError::InUse { place }.into());
                }
                Some(store)
            }
            (_, None) => None,
        };
        let durable = store.map(|store| looked.begin(store)).transpose()?;
        let Looked { setup, graph, .. } = looked;
        Ok(Begun {
            setup,
            graph,
            durable,
            lock,
        })
    }

    /// Begins the run, and makes what its workers share.
    pub(crate) fn prepare(&self, pipeline: &Pipeline) -> Result<(Live, Option<Lock>)> {
        let started = Instant::now();
        let Begun {
            setup,
            graph,
            durable,
            lock,
        } = self.begin(pipeline)?;
        // The very first epoch of a run is that of what earlier ones have kept: see `EpochClock::recall`.
        let run = durable.as_ref().map_or(1, |durable| durable.resumed.run);
        let first = Epoch::first_of_run(run).next();
        let resumed_from = durable.as_ref().map(|durable| durable.resumed.epoch);
        let events_before = durable
            .as_ref()
            .map_or(0, |durable| durable.resumed.events());
        let guarantee = Guarantee::of(
            setup.place.is_kept(),
            graph.sources.iter().map(|source| &**source),
            graph.sinks.iter().map(|sink| (&*sink.name, sink.delivery)),
        );
        tracing::info!(%guarantee, "if the process dies and is started again, events count");
        let snapshots = self.state.as_ref().map(|state| state.every);
        let n_inputs = graph.sources.len() * self.workers;
        let epochs = EpochClock::new(self.epochs, first, setup.resumed, n_inputs, snapshots);
        let state = RunState::new(durable, self.follower.clone());
        let known = (graph.steps, graph.sources, graph.acks);
        let shared = Arc::new(Shared::new(setup, epochs, state, guarantee, known));
        let (stopping, inlets) = (Arc::clone(&shared), graph.inlets.clone());
        let run = Run(Arc::new(RunInner {
            name: self.name.clone(),
            catalog: Catalog::new(self.workers, graph.views),
            clock: Arc::clone(&self.clock),
            inlets: graph.inlets,
            status: OnceLock::new(),
            letters: OnceLock::new(),
            registry: Arc::clone(&shared.setup.registry),
            ready: AtomicBool::new(false),
            stop: Box::new(move || {
                inlets.values().for_each(|inlet| inlet.close());
                stopping.stop();
            }),
            published: Mutex::default(),
            resumed_from: resumed_from.filter(|epoch| *epoch > Epoch::default()),
            events_before,
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
        let asked = Arc::clone(&shared);
        let letters = move || asked.recent_letters.letters();
        assert!(run.0.letters.set(Box::new(letters)).is_ok(), "set once");
        let live = Live {
            shared,
            run,
            started,
        };
        Ok((live, lock))
    }
}

/// Keeps other runs away from the state until it is dropped.
pub(crate) type Lock = Box<dyn Any + Send + Sync>;

/// A run that has begun, without workers yet.
struct Begun {
    setup: Arc<Setup>,
    graph: Graph,
    durable: Option<Durable>,
    lock: Option<Lock>,
}

/// What is known before anything is changed.
pub(crate) struct Looked {
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
        let durable = load::begin(Arc::clone(&store), manifest, !self.goes_on)?;
        self.setup.place.open(store);
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

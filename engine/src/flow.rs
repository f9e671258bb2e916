//! Flows: a pipeline while it is being built.
//!
//! A pipeline function is called once *dry*, on a worker without threads, so that names, columns and the graph are known
//! and every mistake is told before anything starts; and then once per worker, timely's way. A [`Flow`] is what it is
//! given: the place to which sources are added, and from which streams, tables, views and sinks follow.

use std::cell::{Cell, RefCell};
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use timely::dataflow::operators::{Probe, probe};
use timely::dataflow::scope::Scope;

use crate::dead_letters::{self, Rejected};
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::mark::Origin;
use crate::pulse::pulse;
use crate::run::Run;
use crate::shared::{Setup, Shared};
use crate::snapshot::change::Changes;
use crate::snapshot::commit::commit;
use crate::snapshot::publish::publish;
use crate::snapshot::write::write;
use crate::source::{Source, SourceContext};
use crate::step::Step;
use crate::stream::Marks;
use crate::timers::Timers;
use crate::unclocked::Unclocked;
use crate::value::Column;

/// A pipeline while it is being built.
#[derive(Clone)]
pub struct Flow<'f> {
    pub(crate) scope: Scope<'f, u64>,
    pub(crate) build: Rc<Build>,
    pub(crate) pulse: Marks<'f>,
    /// What goes into snapshots, step by step.
    changes: Rc<RefCell<Vec<Changes<'f>>>>,
    /// What the sources reject.
    rejected: Rc<RefCell<Vec<Rejected<'f>>>>,
}

/// What one building of the pipeline on one worker needs and gathers.
pub(crate) struct Build {
    pub(crate) setup: Arc<Setup>,
    pub(crate) worker: usize,
    /// What runs; `None` when built dry.
    pub(crate) live: Option<Live>,
    pub(crate) timers: Timers,
    /// Follows the frontier at views, sinks and whatever else is seen from outside.
    pub(crate) probe: probe::Handle<u64>,
    pub(crate) graph: RefCell<Graph>,
    next_origin: Cell<u32>,
}

/// What a worker needs of the run.
#[derive(Clone)]
pub(crate) struct Live {
    pub(crate) shared: Arc<Shared>,
    pub(crate) run: Run,
    /// When the run was asked for, to say how long it took to be ready.
    pub(crate) started: Instant,
}

impl<'f> Flow<'f> {
    pub(crate) fn new(scope: Scope<'f, u64>, build: Rc<Build>) -> Self {
        let pulse = pulse(scope, &build);
        Flow {
            scope,
            build,
            pulse,
            changes: Rc::default(),
            rejected: Rc::default(),
        }
    }

    /// Adds a source, known as `name` in the status, in metrics, in dead letters and, if it is a pushed one, in its path.
    ///
    /// Its records flow once [`Unclocked::event_time`] has said when they happened.
    ///
    /// # Examples
    /// ```
    /// # use millstream_connectors::{Clickstream, Memory, Rate};
    /// # use millstream_engine::{App, Watermarks, seconds};
    /// let report = App::new("two").workers(1).run(|flow| {
    ///     for (name, seed) in [("old_shop", 1), ("new_shop", 2)] {
    ///         flow.source(name, Clickstream::new().rate(Rate::Max).events(100).seed(seed))
    ///             .event_time(|e| e.timestamp, Watermarks::bounded(seconds(5)))
    ///             .columns("url", |e| e.data.url.clone())
    ///             .sink(name, Memory::new())?;
    ///     }
    ///     Ok(())
    /// })?;
    /// assert_eq!(report.events, 200);
    /// # Ok::<(), millstream_engine::Error>(())
    /// ```
    #[track_caller]
    pub fn source<S: Source>(&mut self, name: &str, source: S) -> Unclocked<'f, S> {
        self.build.claim("source", name, Location::caller());
        Unclocked {
            flow: self.clone(),
            name: name.into(),
            source,
        }
    }

    /// What a step, a source or a sink contributes to snapshots.
    pub(crate) fn keeps(&self, changes: Changes<'f>) {
        self.changes.borrow_mut().push(changes);
    }

    /// What a source rejects.
    pub(crate) fn rejects(&self, rejected: Rejected<'f>) {
        self.rejected.borrow_mut().push(rejected);
    }

    /// Ends the building: dead letters get to their sink; all that is contributed to snapshots meets, is written,
    /// committed and published.
    pub(crate) fn finish(&self) -> Result<()> {
        let something_comes_out = self.build.graph.borrow().something_comes_out;
        dead_letters::to_sink(self, std::mem::take(&mut *self.rejected.borrow_mut()))?;
        self.build.graph.borrow_mut().something_comes_out = something_comes_out;
        let changes = std::mem::take(&mut *self.changes.borrow_mut());
        let votes = write(self, changes);
        let committed = commit(self, votes);
        publish(self, committed);
        Ok(())
    }

    /// How many workers the graph is built for.
    pub(crate) fn peers(&self) -> usize {
        self.scope.peers()
    }
}

impl Build {
    pub(crate) fn new(setup: Arc<Setup>, worker: usize, live: Option<Live>) -> Self {
        Build {
            setup,
            worker,
            live,
            timers: Timers::default(),
            probe: probe::Handle::new(),
            graph: RefCell::default(),
            next_origin: Cell::new(0),
        }
    }

    /// Takes a name for a source, step, view or sink; a name taken twice or unfit is an error of the building.
    pub(crate) fn claim(
        &self,
        what: &'static str,
        name: &str,
        location: &'static Location<'static>,
    ) {
        let mut graph = self.graph.borrow_mut();
        if !fit_for_a_path(name) {
            graph.errors.push(Error::BadName {
                what,
                name: name.into(),
                location,
            });
        }
        if let Some(first) = graph.names.insert((what, name.into()), location) {
            graph.errors.push(Error::DuplicateName {
                what,
                name: name.into(),
                first,
                second: location,
            });
        }
    }

    /// Checks the names of the columns of a row.
    pub(crate) fn check_columns(
        &self,
        step: &str,
        columns: &[Column],
        location: &'static Location<'static>,
    ) {
        let mut graph = self.graph.borrow_mut();
        for (i, column) in columns.iter().enumerate() {
            if !fit_for_a_path(&column.name) {
                graph.errors.push(Error::BadName {
                    what: "column",
                    name: column.name.clone(),
                    location,
                });
            }
            if columns[..i]
                .iter()
                .any(|earlier| earlier.name == column.name)
            {
                let (step, column) = (step.into(), column.name.clone());
                graph.errors.push(Error::DuplicateColumn {
                    step,
                    column,
                    location,
                });
            }
        }
    }

    pub(crate) fn error(&self, error: Error) {
        self.graph.borrow_mut().errors.push(error);
    }

    /// The step of this name and kind, shared with the other workers.
    pub(crate) fn step(
        &self,
        kind: &'static str,
        name: &str,
        inputs: Vec<String>,
        closes: Option<String>,
        definition: String,
    ) -> Arc<Step> {
        let step = match &self.live {
            Some(live) => Arc::clone(live.shared.step(kind, name)),
            None => Arc::new(Step::new(
                name.into(),
                kind,
                inputs,
                closes,
                definition,
                self.setup.workers,
            )),
        };
        self.graph.borrow_mut().steps.push(Arc::clone(&step));
        step
    }

    pub(crate) fn new_origin(&self) -> Origin {
        Origin(self.next_origin.replace(self.next_origin.get() + 1))
    }

    /// Counts a stream as seen from outside: epochs in flight are measured there.
    pub(crate) fn comes_out<C: timely::Container>(
        &self,
        stream: timely::dataflow::Stream<'_, u64, C>,
    ) {
        self.graph.borrow_mut().something_comes_out = true;
        stream.probe_with(&self.probe);
    }

    pub(crate) fn source_context(&self, name: &str) -> SourceContext {
        SourceContext {
            app: self.setup.name.clone(),
            name: name.into(),
            run: self.setup.run_stamp.clone(),
            workers: self.setup.workers,
            started: self.setup.started,
            clock: Arc::clone(&self.setup.clock),
            registry: Arc::clone(&self.setup.registry),
            place: self.setup.place.clone(),
        }
    }
}

fn fit_for_a_path(name: &str) -> bool {
    let first = name
        .bytes()
        .next()
        .is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    let rest = name
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'));
    first && rest && name.len() <= 64
}

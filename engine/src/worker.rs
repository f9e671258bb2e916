//! A worker: builds the pipeline, steps it, parks while there is nothing to do.
//!
//! A worker that sees the run fail leaves at once and lets go of nothing: capabilities that are dropped would tell the
//! others that epochs are complete which never were. So a failed dataflow is forgotten, not dropped, and its memory is
//! the system's to take back.

use std::mem::forget;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use timely::communication::Allocator;
use timely::worker::Worker;
use timely::{Config, WorkerConfig};

use crate::error::{Error, Result};
use crate::flow::{Build, Flow, Live};
use crate::shared::Setup;
use crate::step;
use crate::wall::WallClock;

/// What a user's pipeline function is.
pub(crate) type Pipeline = dyn for<'f> Fn(&mut Flow<'f>) -> Result<()> + Send + Sync;

/// Builds the pipeline on a worker without threads, to learn its graph; nothing is opened and nothing runs.
pub(crate) fn build_dry(setup: &Arc<Setup>, pipeline: &Pipeline) -> Result<Rc<Build>> {
    let allocator = Allocator::Thread(timely::communication::allocator::thread::Thread::default());
    let mut worker = Worker::new(WorkerConfig::default(), allocator, None);
    let build = Rc::new(Build::new(Arc::clone(setup), 0, None));
    build_on(&mut worker, &build, pipeline)?;
    let mut graph = build.graph.borrow_mut();
    if let Some(error) = (!graph.errors.is_empty()).then(|| graph.errors.remove(0)) {
        return Err(error);
    }
    if !graph.something_comes_out {
        return Err(Error::NothingComesOut {
            pipeline: setup.name.clone(),
        });
    }
    drop(graph);
    Ok(build)
}

fn build_on(worker: &mut Worker, build: &Rc<Build>, pipeline: &Pipeline) -> Result<()> {
    worker.dataflow::<u64, _, _>(|scope| {
        let mut flow = Flow::new(scope, Rc::clone(build));
        pipeline(&mut flow)?;
        // What is missing on one worker would not fit together with what is there on the others.
        if build.graph.borrow().errors.is_empty() {
            flow.finish()?;
        }
        Ok(())
    })
}

/// Starts all workers, each on a thread of its own; they end when all sources have, or the run fails.
pub(crate) fn start(
    live: &Live,
    pipeline: &Arc<Pipeline>,
) -> Result<timely::communication::WorkerGuards<()>> {
    let workers = live.shared.setup.workers;
    let cannot = |reason| Error::Workers { workers, reason };
    let config = if workers == 1 {
        Config::thread()
    } else {
        Config::process(workers)
    };
    let (builders, others) = config.communication.try_build().map_err(cannot)?;
    let (starting, live, pipeline) = (live, live.clone(), Arc::clone(pipeline));
    timely::communication::initialize_from(builders, others, move |allocator| {
        let mut worker = Worker::new(
            WorkerConfig::default(),
            allocator,
            Some(std::time::Instant::now()),
        );
        let ran = catch_unwind(AssertUnwindSafe(|| run(&mut worker, &live, &*pipeline)));
        match ran {
            Ok(Ok(())) => {}
            Ok(Err(error)) => live.shared.fail(error),
            Err(panic) => live.shared.fail(Error::Panicked {
                step: step::at_work(),
                message: message_of(&*panic),
            }),
        }
        if live.shared.failed() {
            forget(worker);
        }
        live.shared.workers_ended.fetch_add(1, SeqCst);
    })
    .map_err(|reason| {
        // Those that did start would wait for the others for good.
        starting.shared.fail(cannot(reason.clone()));
        cannot(reason)
    })
}

fn run(worker: &mut Worker, live: &Live, pipeline: &Pipeline) -> Result<()> {
    let shared = &live.shared;
    let build = Rc::new(Build::new(
        Arc::clone(&shared.setup),
        worker.index(),
        Some(live.clone()),
    ));
    build_on(worker, &build, pipeline)?;
    if let Some(error) = build.graph.borrow_mut().errors.drain(..).next() {
        return Err(error);
    }
    if shared.workers_built.fetch_add(1, SeqCst) + 1 == shared.setup.workers {
        let took = live.started.elapsed();
        // Set once, by the worker that was built last.
        let _ = live.run.0.resuming.set(took);
        live.run.0.ready.store(true, SeqCst);
    }
    let clock = &*shared.setup.clock;
    let mut completed = 0;
    while worker.has_dataflows() && !shared.failed() {
        build.timers.fire(clock.now());
        worker.step_or_park(park_for(&build, clock));
        build.probe.with_frontier(|frontier| {
            if let Some(epoch) = frontier.first().filter(|epoch| **epoch > completed) {
                completed = *epoch;
                shared.epochs.completed(completed);
            }
        });
    }
    Ok(())
}

/// How long the worker may park; `None` until someone wakes it.
fn park_for(build: &Build, clock: &dyn WallClock) -> Option<Duration> {
    let next = build.timers.next()?;
    clock.is_real().then(|| next.since(clock.now()))
}

/// What a panic said.
pub(crate) fn message_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".into())
}

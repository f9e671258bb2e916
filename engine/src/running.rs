//! A pipeline that runs, for whoever started it.
//!
//! ```text
//!  the workers are joined ─▶ what they wrote last is durable ─▶ what they shared is closed
//!                         ─▶ services stop, the last that started first ─▶ report
//! ```
//!
//! *Invariants*: the workers and services of a run do not outlive its [`Running`]: waiting ends them, and so does dropping.

use std::any::Any;

use timely::communication::WorkerGuards;

use crate::error::Result;
use crate::flow::Live;
use crate::run::{Run, Service};
use crate::status::Report;

/// Services that have started; stopped, the last first, when they are dropped.
pub(crate) struct Services(pub(crate) Vec<Box<dyn Service>>);

impl Drop for Services {
    fn drop(&mut self) {
        while let Some(mut service) = self.0.pop() {
            service.stop();
        }
    }
}

/// A pipeline that runs. Dropped without [`wait`](Running::wait), it is stopped and waited for.
#[must_use = "a pipeline that nobody waits for is stopped"]
pub struct Running {
    pub(crate) live: Live,
    pub(crate) guards: Option<WorkerGuards<()>>,
    pub(crate) services: Services,
    /// Keeps other runs away from the state.
    pub(crate) lock: Option<Box<dyn Any + Send + Sync>>,
}

impl Running {
    /// The handle to it.
    #[must_use]
    pub fn run(&self) -> &Run {
        &self.live.run
    }

    /// Waits until it has ended.
    ///
    /// # Errors
    /// What ended it before its input did.
    pub fn wait(mut self) -> Result<Report> {
        self.join();
        match self.live.shared.take_failure() {
            Some(error) => Err(error),
            None => Ok(self.live.shared.report()),
        }
    }

    fn join(&mut self) {
        let Some(guards) = self.guards.take() else {
            return;
        };
        for joined in guards.join() {
            joined.expect("a worker catches its panics");
        }
        let shared = &self.live.shared;
        // Those of a run that failed are still open.
        let inlets = self.live.run.0.inlets.values();
        inlets.for_each(|inlet| inlet.close());
        shared.state.end_threads();
        if !shared.failed()
            && let Err(error) = shared.state.close()
        {
            shared.fail(error.into());
        }
        shared.setup.registry.end();
        self.services
            .0
            .drain(..)
            .rev()
            .for_each(|mut service| service.stop());
        self.lock = None;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.live.run.stop();
        self.join();
    }
}

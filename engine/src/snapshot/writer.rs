//! Writers: threads that wait for the disk, so that workers do not.
//!
//! A writer is given jobs and gives back what came of them, in order; for each it wakes the worker that asked. It ends
//! with the run: also with one that failed, whose dataflow is forgotten and lets go of nothing.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use timely::scheduling::SyncActivator;

use super::error::StateError;
use crate::worker::message_of;

/// The end at which an operator asks.
pub(crate) struct Writer<J, T> {
    jobs: Sender<Option<J>>,
    done: Arc<Mutex<VecDeque<Result<T, StateError>>>>,
}

/// The end at which the run ends it.
pub(crate) struct Ending {
    stop: Box<dyn FnOnce() + Send>,
    thread: JoinHandle<()>,
}

impl<J: Send + 'static, T: Send + 'static> Writer<J, T> {
    /// Starts a thread called `name`, which does jobs by `work`; what that gives is done.
    pub(crate) fn start(
        name: String,
        wake: SyncActivator,
        work: impl FnMut(J) -> Option<Result<T, StateError>> + Send + 'static,
    ) -> std::io::Result<(Self, Ending)> {
        let (jobs, queue) = channel();
        let done = Arc::new(Mutex::new(VecDeque::new()));
        let told = Arc::clone(&done);
        let run = move || write(&queue, &told, &wake, work);
        let thread = std::thread::Builder::new().name(name).spawn(run)?;
        let stopping = jobs.clone();
        let stop = Box::new(move || {
            // A writer that is gone needs no stopping.
            let _ = stopping.send(None);
        });
        Ok((Writer { jobs, done }, Ending { stop, thread }))
    }

    /// Has `job` done, after those that were asked for before.
    pub(crate) fn ask(&self, job: J) {
        // Once the run has ended nobody waits for an answer.
        let _ = self.jobs.send(Some(job));
    }

    /// What was done next, if it is done.
    pub(crate) fn done(&self) -> Option<Result<T, StateError>> {
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        done.pop_front()
    }
}

impl Ending {
    /// Ends the thread, after the jobs it was given, and waits for it.
    pub(crate) fn end(self) {
        (self.stop)();
        self.thread.join().expect("a writer does not panic");
    }
}

fn write<J, T>(
    queue: &Receiver<Option<J>>,
    told: &Mutex<VecDeque<Result<T, StateError>>>,
    wake: &SyncActivator,
    mut work: impl FnMut(J) -> Option<Result<T, StateError>>,
) {
    while let Ok(Some(job)) = queue.recv() {
        // Whoever waits for an answer would wait for good.
        let done = catch_unwind(AssertUnwindSafe(|| work(job))).unwrap_or_else(|panic| {
            let message = message_of(&*panic);
            Some(Err(StateError::Panicked { message }))
        });
        if let Some(done) = done {
            let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
            told.push_back(done);
            drop(told);
            // A worker that is gone needs no waking.
            let _ = wake.activate();
        }
    }
}

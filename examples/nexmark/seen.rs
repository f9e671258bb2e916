//! What is seen of a run while it goes on, for the summary at its end.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use millstream::engine::CommitStep;
use millstream::prelude::*;

/// What is seen of a run.
#[derive(Default)]
pub(crate) struct Seen {
    run: Mutex<Option<Run>>,
    /// How many snapshots were committed.
    pub(crate) n_snapshots: AtomicU64,
}

impl Seen {
    /// `run` begins.
    pub(crate) fn runs(&self, run: &Run) {
        *self.run.lock().unwrap_or_else(PoisonError::into_inner) = Some(run.clone());
    }

    /// A step of a commit is taken.
    pub(crate) fn takes(&self, step: CommitStep) {
        if step == CommitStep::Committed {
            self.n_snapshots.fetch_add(1, Relaxed);
        }
    }

    /// The run, if it has begun.
    pub(crate) fn run(&self) -> Option<Run> {
        let run = self.run.lock().unwrap_or_else(PoisonError::into_inner);
        run.clone()
    }
}

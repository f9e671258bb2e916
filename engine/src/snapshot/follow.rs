//! Following commits, step by step: for tests that end a run, or a process, at any of them.

use std::fmt;
use std::sync::Arc;

use crate::epoch::Epoch;
use crate::error::BoxError;

/// The steps of a commit, in the order in which they come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum CommitStep {
    /// A worker's part of a sink has staged what is due: it is durable and invisible. Once for each sink and worker.
    Staged,
    /// A worker's file of state is durable. Once for each worker.
    Written,
    /// Every worker has voted; the manifest is about to be written.
    Voted,
    /// The manifest is durable; nothing is published yet.
    Committed,
    /// A worker's part of a sink has published what was staged. Once for each sink and worker.
    Published,
    /// Files of state are about to be merged.
    Merging,
    /// Merged files are durable; no manifest names them yet.
    Merged,
    /// Files that no manifest names any more are removed.
    Collected,
}

impl fmt::Display for CommitStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// Called at each step of each commit, on whatever thread; an error ends the run there and then.
pub(crate) type Follower = Arc<dyn Fn(CommitStep, Epoch) -> Result<(), BoxError> + Send + Sync>;

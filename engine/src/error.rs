//! What can go wrong with a pipeline.

use std::panic::Location;

use crate::epoch::Epoch;
use crate::snapshot::error::StateError;

/// Any error, as sources and sinks give them.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A result with this crate's error.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a pipeline could not be built, or ended before its input did.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Two steps, sources, sinks or views have the same name.
    #[error(
        "{what} {name:?} at {second} has the name of another one at {first}: give it a name of its own"
    )]
    DuplicateName {
        /// Step, source, sink or view.
        what: &'static str,
        /// The name.
        name: String,
        /// Where it was given first.
        first: &'static Location<'static>,
        /// Where it was given again.
        second: &'static Location<'static>,
    },
    /// A name that cannot stand in a path or a metric.
    #[error(
        "{what} name {name:?} at {location} cannot be used: take 1 to 64 letters, digits, '_', '-' or '.', \
         beginning with a letter or '_'"
    )]
    BadName {
        /// Step, source, sink, view or column.
        what: &'static str,
        /// The name.
        name: String,
        /// Where it was given.
        location: &'static Location<'static>,
    },
    /// Two columns of a row have the same name.
    #[error("column {column:?} of {step:?} at {location} is there twice: rename one of them")]
    DuplicateColumn {
        /// The step that makes the row.
        step: String,
        /// The name.
        column: String,
        /// Where the step is.
        location: &'static Location<'static>,
    },
    /// A pipeline from which nothing can be seen.
    #[error("pipeline {pipeline:?} has no view, sink or inspect: nothing would come out of it")]
    NothingComesOut {
        /// The pipeline.
        pipeline: String,
    },
    /// A setting that makes no sense.
    #[error("{what}: {reason}")]
    BadSetting {
        /// The setting.
        what: String,
        /// What is wrong with it and what to do.
        reason: String,
    },
    /// A source could not be opened or read.
    #[error("source {name:?}: {source}")]
    Source {
        /// The source.
        name: String,
        /// What it said.
        source: BoxError,
    },
    /// A sink could not be opened or written.
    #[error("sink {name:?}: {source}")]
    Sink {
        /// The sink.
        name: String,
        /// What it said.
        source: BoxError,
    },
    /// A service beside the pipeline, such as the HTTP server, could not be started.
    #[error("{service}: {source}")]
    Service {
        /// The service.
        service: String,
        /// What it said.
        source: BoxError,
    },
    /// A closure of the user's, or an operator, panicked.
    #[error("step {step:?} panicked: {message}")]
    Panicked {
        /// The step.
        step: String,
        /// What the panic said.
        message: String,
    },
    /// Snapshots could not be read, written or used.
    #[error(transparent)]
    State(#[from] StateError),
    /// A worker has nothing to say to a commit, so it failed: nothing is committed without it.
    #[error("worker {worker} has not voted for epoch {epoch}: the run ends at the commit before")]
    NoVote {
        /// The worker.
        worker: usize,
        /// The snapshot epoch.
        epoch: Epoch,
    },
    /// The workers could not be started.
    #[error("cannot start {workers} workers: {reason}")]
    Workers {
        /// How many were asked for.
        workers: usize,
        /// What the system said.
        reason: String,
    },
}

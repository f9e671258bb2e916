//! What a reader needs of a pipeline: its views, its status, its inlets.
//!
//! The HTTP server does not care that views come from workers. It reads through [`Reading`], which a
//! [`Run`] is, and so is anything else that can name its views: a recording, or what a test makes up.

use std::sync::Arc;

use millstream_connectors::{LetterBook, LetterError, Topic};
use millstream_engine::{DEAD_LETTERS, Inlet, PipelineStatus, Run, Snapshot};

/// Called with every new snapshot, in order; must be quick, since a worker may be calling.
pub type SnapshotWatcher = Box<dyn Fn(&Arc<Snapshot>) + Send + Sync>;

/// A pipeline as its readers see it.
pub trait Reading: Send + Sync + 'static {
    /// All views as of the newest complete epoch.
    fn snapshot(&self) -> Arc<Snapshot>;

    /// Has `watcher` called with every snapshot from now on, after [`snapshot`](Self::snapshot) gives it.
    fn watch(&self, watcher: SnapshotWatcher);

    /// Graph, counters and watermarks at this moment.
    fn status(&self) -> PipelineStatus;

    /// The inlet of source `name`, if events can be pushed into it.
    fn inlet(&self, name: &str) -> Option<Arc<dyn Inlet>>;

    /// The names of all sources that events can be pushed into.
    fn inlet_names(&self) -> Vec<String>;

    /// The dead letters, if they are kept where they can be read, and once the pipeline is up.
    ///
    /// # Errors
    /// If they cannot be read.
    fn letters(&self) -> Result<Option<Arc<LetterBook>>, LetterError> {
        Ok(None)
    }

    /// Whether the pipeline is up: every worker built, its state there.
    fn is_ready(&self) -> bool;
}

impl Reading for Run {
    fn snapshot(&self) -> Arc<Snapshot> {
        Run::snapshot(self)
    }

    fn watch(&self, watcher: SnapshotWatcher) {
        self.catalog().watch(watcher);
    }

    fn status(&self) -> PipelineStatus {
        Run::status(self)
    }

    fn inlet(&self, name: &str) -> Option<Arc<dyn Inlet>> {
        Run::inlet(self, name)
    }

    fn inlet_names(&self) -> Vec<String> {
        Run::inlet_names(self)
    }

    fn letters(&self) -> Result<Option<Arc<LetterBook>>, LetterError> {
        let registry = self.registry();
        let Some(topic) = registry.get::<Topic>(&format!("topic:{DEAD_LETTERS}")) else {
            return Ok(None);
        };
        let open = || LetterBook::open((*topic).clone());
        registry.get_or_make("letters", open).map(Some)
    }

    fn is_ready(&self) -> bool {
        Run::is_ready(self)
    }
}

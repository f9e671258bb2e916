//! Where a run keeps its state, and how.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::snapshot::collect;
use crate::snapshot::error::StateError;
use crate::snapshot::load;
use crate::snapshot::local::LocalStore;
use crate::snapshot::manifest::Manifest;
use crate::snapshot::store::Store;
use crate::time::seconds;

/// Where a run keeps its state, how often, and what of an earlier run it does without.
///
/// # Examples
/// ```
/// # use millstream_connectors::{Clickstream, Memory, Rate};
/// # use millstream_engine::{App, State, Watermarks, seconds};
/// let directory = tempfile::tempdir()?;
/// let run = |events| {
///     let app = App::new("doc").workers(1).state(State::in_directory(directory.path()));
///     app.run(move |flow| {
///         flow.source("views", Clickstream::new().rate(Rate::Max).events(events))
///             .event_time(|e| e.timestamp, Watermarks::bounded(seconds(5)))
///             .columns("url", |e| e.data.url.clone())
///             .sink("memory", Memory::new())
///     })
/// };
/// assert_eq!(run(100)?.events, 100);
/// let again = run(100).unwrap_err();
/// assert!(again.to_string().contains("has finished"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct State {
    place: Place,
    pub(crate) every: Duration,
    pub(crate) fresh: bool,
    pub(crate) drop: Vec<String>,
}

#[derive(Clone)]
enum Place {
    Directory(PathBuf),
    Store(Arc<dyn Store>),
}

impl State {
    /// State in a directory of its own, which is made if it is not there.
    pub fn in_directory(path: impl Into<PathBuf>) -> Self {
        Self::at(Place::Directory(path.into()))
    }

    /// State in a store: in memory for tests, say.
    pub fn in_store(store: impl Store) -> Self {
        Self::at(Place::Store(Arc::new(store)))
    }

    fn at(place: Place) -> Self {
        State {
            place,
            every: seconds(1),
            fresh: false,
            drop: Vec::new(),
        }
    }

    /// Takes snapshots at least `interval` after one another (default one second). What sinks publish waits for them.
    #[must_use]
    pub fn every(mut self, interval: Duration) -> Self {
        self.every = interval;
        self
    }

    /// Forgets what an earlier run has left there, and begins anew. What its sinks have published is not touched.
    #[must_use]
    pub fn fresh(mut self, fresh: bool) -> Self {
        self.fresh = fresh;
        self
    }

    /// Goes on without the state of `name`: a step, view, sink or source that is gone from the pipeline or changed.
    ///
    /// One that is still as it was is named with its kind, as in `window:pages`, `view:pages`, `sink:pages` or
    /// `source:clicks`; it starts empty then.
    #[must_use]
    pub fn without(mut self, name: impl Into<String>) -> Self {
        self.drop.push(name.into());
        self
    }

    /// Whether an earlier run has left state there.
    ///
    /// # Errors
    /// If the place cannot be looked at, or what is there cannot be read.
    pub fn exists(&self) -> Result<bool, StateError> {
        match self.existing()? {
            Some(store) => Ok(Manifest::read(&*store)?.is_some()),
            None => Ok(false),
        }
    }

    /// Removes what an earlier run has left there, as [`fresh`](Self::fresh) does when a run begins: for whoever wants to
    /// remove its results as well, which must not be gone while there is state that goes on from them.
    ///
    /// # Errors
    /// If another process keeps its state there, or something cannot be removed.
    pub fn remove(&self) -> Result<(), StateError> {
        let Some(store) = self.existing()? else {
            return Ok(());
        };
        let _lock = load::lock(&*store)?;
        collect::remove_all(&*store)
    }

    /// The store, if there is one: looking makes no directory.
    pub(crate) fn existing(&self) -> Result<Option<Arc<dyn Store>>, StateError> {
        match &self.place {
            Place::Directory(path) => match path.try_exists() {
                Ok(true) => self.open().map(Some),
                Ok(false) => Ok(None),
                Err(source) => Err(StateError::io("look for", path.display().to_string())(
                    source,
                )),
            },
            Place::Store(store) => Ok(Some(Arc::clone(store))),
        }
    }

    /// Opens the store, and makes it if need be.
    pub(crate) fn open(&self) -> Result<Arc<dyn Store>, StateError> {
        match &self.place {
            Place::Directory(path) => Ok(Arc::new(LocalStore::open(path)?)),
            Place::Store(store) => Ok(Arc::clone(store)),
        }
    }
}

//! The place of a run's state, for what sources and sinks keep there beside the snapshots.
//!
//! A log that a source must not lose, or that a sink writes, has a store of its own below that of the state: whoever
//! moves or removes the one has moved or removed the other, and whoever has the lock of the one has that of the other.
//!
//! *Invariants*: nothing is made there before every mistake in the pipeline was told.

use std::io;
use std::sync::{Arc, OnceLock};

use crate::snapshot::store::Store;

/// Where a run keeps its state, if it does. A clone is the same place.
#[derive(Clone)]
pub struct StatePlace {
    is_kept: bool,
    store: Arc<OnceLock<Arc<dyn Store>>>,
}

impl StatePlace {
    /// The place of a run that keeps no state.
    #[must_use]
    pub fn none() -> Self {
        Self::not_open(false)
    }

    /// A place that is open: for tests of sources and sinks.
    pub fn at(store: Arc<dyn Store>) -> Self {
        let place = Self::not_open(true);
        place.open(store);
        place
    }

    /// The place of a run that has not begun.
    pub(crate) fn not_open(is_kept: bool) -> Self {
        StatePlace {
            is_kept,
            store: Arc::default(),
        }
    }

    /// The run begins, and `store` is its own.
    pub(crate) fn open(&self, store: Arc<dyn Store>) {
        assert!(self.store.set(store).is_ok(), "a run begins once");
    }

    /// Whether the run keeps state.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.is_kept
    }

    /// The store called `name` below that of the state, made if it is not there; `None` if no state is kept.
    ///
    /// # Errors
    /// What the system said.
    ///
    /// # Panics
    /// If the run has not begun: a dry building changes nothing.
    pub fn within(&self, name: &str) -> io::Result<Option<Arc<dyn Store>>> {
        if !self.is_kept {
            return Ok(None);
        }
        let store = self.store.get();
        let store = store.expect("asked for once the run has begun");
        store.within(name).map(Some)
    }
}

//! Keeps the views as they were last shown, whichever run showed them.
#![allow(dead_code, reason = "not every test needs all of it")]

use std::sync::{Arc, Mutex, PoisonError};

use millstream::engine::{Column, Snapshot, Value};
use millstream::prelude::*;

/// A handle on the newest snapshot of all views.
#[derive(Clone, Default)]
pub(crate) struct LastViews(Arc<Mutex<Arc<Snapshot>>>);

impl LastViews {
    /// Follows the views of `app`.
    pub(crate) fn of(&self, app: App) -> App {
        let last = Arc::clone(&self.0);
        app.watch(move |run| {
            run.catalog().watch(move |snapshot| {
                *last.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(snapshot);
            })
        })
    }

    fn last(&self) -> Arc<Snapshot> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The columns of view `name`.
    pub(crate) fn columns(&self, name: &str) -> Arc<[Column]> {
        Arc::clone(&self.last().views[name].columns)
    }

    /// The rows of view `name`, newest window first; none if it was never shown.
    pub(crate) fn rows(&self, name: &str) -> Vec<Vec<Value>> {
        let last = self.last();
        let rows = last.views.get(name).into_iter();
        rows.flat_map(|view| view.rows().map(|(_, values)| values.to_vec()))
            .collect()
    }
}

//! What the workers of a run share, found by name.
//!
//! A pipeline function runs once per worker, so every worker makes its own `Collector`, its own `ParquetFiles`. Where
//! these must meet (one queue behind one HTTP path, one list of files in a folder) they meet here: the first to ask for a
//! name makes the thing, the others get the same.

use std::any::Any;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Things shared by the workers of one run in one process, by name and type.
#[derive(Default)]
pub struct Registry {
    shared: Mutex<HashMap<String, Arc<dyn Any + Send + Sync>>>,
}

impl Registry {
    /// The thing called `name`, made by `make` if this is the first call.
    ///
    /// # Errors
    /// What `make` returned; the next caller tries again.
    ///
    /// # Panics
    /// If `name` was made with another type: two things must not share a name.
    pub fn get_or_make<T, E>(
        &self,
        name: &str,
        make: impl FnOnce() -> Result<T, E>,
    ) -> Result<Arc<T>, E>
    where
        T: Send + Sync + 'static,
    {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = shared.get(name) {
            let known = Arc::clone(known);
            return Ok(known
                .downcast()
                .unwrap_or_else(|_| panic!("two kinds of things are called {name:?}")));
        }
        let made = Arc::new(make()?);
        shared.insert(name.into(), Arc::clone(&made) as Arc<dyn Any + Send + Sync>);
        Ok(made)
    }
}

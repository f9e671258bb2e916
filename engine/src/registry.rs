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
    at_end: Mutex<AtEnd>,
}

#[derive(Default)]
struct AtEnd {
    is_over: bool,
    closing: Vec<Box<dyn FnOnce() + Send>>,
}

impl Registry {
    /// The thing called `name`, if one was made and is of this type.
    #[must_use]
    pub fn get<T: Send + Sync + 'static>(&self, name: &str) -> Option<Arc<T>> {
        let shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(shared.get(name)?).downcast().ok()
    }

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

    /// Calls `close` when the run is over, however it ended: after its workers and before its services.
    ///
    /// For what must be closed then though someone may still have a handle on it: files that the next run opens. If the
    /// run is over already, at once.
    pub fn at_end(&self, close: impl FnOnce() + Send + 'static) {
        let mut at_end = self.at_end.lock().unwrap_or_else(PoisonError::into_inner);
        if at_end.is_over {
            drop(at_end);
            return close();
        }
        at_end.closing.push(Box::new(close));
    }

    /// The run is over: closes what is to be closed, the last first.
    pub(crate) fn end(&self) {
        let mut at_end = self.at_end.lock().unwrap_or_else(PoisonError::into_inner);
        at_end.is_over = true;
        let closing = std::mem::take(&mut at_end.closing);
        drop(at_end);
        closing.into_iter().rev().for_each(|close| close());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_is_one_thing() {
        let registry = Registry::default();
        let made = |n: u32| move || Ok::<_, ()>(n);
        assert_eq!(registry.get::<u32>("n"), None);
        assert_eq!(*registry.get_or_make("n", made(1)).unwrap(), 1);
        assert_eq!(*registry.get_or_make("n", made(2)).unwrap(), 1);
        assert_eq!(registry.get::<u32>("n").as_deref(), Some(&1));
        assert_eq!(registry.get::<String>("n"), None);
    }

    #[test]
    fn the_last_is_closed_first_and_each_once() {
        let registry = Registry::default();
        let closed = Arc::new(Mutex::new(Vec::new()));
        for n in 0..3 {
            let closed = Arc::clone(&closed);
            registry.at_end(move || closed.lock().unwrap().push(n));
        }
        registry.end();
        registry.end();
        assert_eq!(*closed.lock().unwrap(), [2, 1, 0]);
        let late = Arc::clone(&closed);
        registry.at_end(move || late.lock().unwrap().push(3));
        assert_eq!(
            *closed.lock().unwrap(),
            [2, 1, 0, 3],
            "there is nothing to wait for"
        );
    }
}

//! A store below a store in memory: the same disk, so that both break together.

use std::any::Any;
use std::io;
use std::sync::Arc;

use super::FaultStore;
use crate::snapshot::store::{Store, StoreFile};

/// The files of a store whose names begin alike: one below it, that breaks together with it.
pub(super) struct Within {
    pub(super) store: FaultStore,
    pub(super) prefix: String,
}

impl Within {
    fn name(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }
}

impl Store for Within {
    fn place(&self, name: &str) -> String {
        self.store.place(&self.name(name))
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn StoreFile>> {
        self.store.create(&self.name(name))
    }

    fn read(&self, name: &str, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        self.store.read(&self.name(name), offset, length)
    }

    fn length(&self, name: &str) -> io::Result<u64> {
        self.store.length(&self.name(name))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.store.rename(&self.name(from), &self.name(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.store.remove(&self.name(name))
    }

    fn names(&self) -> io::Result<Vec<String>> {
        let names = self.store.disk().names()?;
        let below = names
            .iter()
            .filter_map(|name| name.strip_prefix(&self.prefix));
        Ok(below
            .filter(|name| !name.contains('/'))
            .map(str::to_owned)
            .collect())
    }

    fn sync(&self) -> io::Result<()> {
        self.store.sync()
    }

    fn lock(&self) -> io::Result<Box<dyn Any + Send + Sync>> {
        Err(io::Error::new(
            io::ErrorKind::WouldBlock,
            "the store above has the lock",
        ))
    }

    fn within(&self, name: &str) -> io::Result<Arc<dyn Store>> {
        let (store, prefix) = (self.store.clone(), self.name(&format!("{name}/")));
        Ok(Arc::new(Within { store, prefix }))
    }
}

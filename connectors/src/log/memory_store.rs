//! A store in memory, for runs that keep no state: it goes with the process.

use std::any::Any;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use millstream_engine::{Store, StoreFile};

/// A flat set of files in memory; a clone is the same store.
///
/// # Examples
/// ```
/// use millstream_connectors::MemoryStore;
/// use millstream_engine::Store;
/// let store = MemoryStore::new();
/// store.create("greeting")?.write(b"hello")?;
/// assert_eq!(store.read("greeting", 1, 4)?, b"ello");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct MemoryStore(Arc<Mutex<Files>>);

#[derive(Default)]
struct Files {
    by_name: BTreeMap<String, Contents>,
    below: BTreeMap<String, MemoryStore>,
    locked: Arc<Mutex<bool>>,
}

type Contents = Arc<Mutex<Vec<u8>>>;

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn files(&self) -> MutexGuard<'_, Files> {
        lock(&self.0)
    }

    fn contents(&self, name: &str) -> io::Result<Contents> {
        let contents = self.files().by_name.get(name).cloned();
        contents.ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Store for MemoryStore {
    fn place(&self, name: &str) -> String {
        format!("memory:{name}")
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn StoreFile>> {
        let contents = Contents::default();
        let of_file = Arc::clone(&contents);
        self.files().by_name.insert(name.to_owned(), contents);
        Ok(Box::new(MemoryFile(of_file)))
    }

    fn read(&self, name: &str, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let contents = self.contents(name)?;
        let bytes = lock(&contents);
        let from = usize::try_from(offset).ok();
        let rest = from.and_then(|from| bytes.get(from..));
        let read = rest.and_then(|rest| rest.get(..length));
        Ok(read.ok_or(io::ErrorKind::UnexpectedEof)?.to_vec())
    }

    fn length(&self, name: &str) -> io::Result<u64> {
        Ok(lock(&*self.contents(name)?).len() as u64)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut files = self.files();
        let contents = files.by_name.remove(from).ok_or(io::ErrorKind::NotFound)?;
        files.by_name.insert(to.to_owned(), contents);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let removed = self.files().by_name.remove(name);
        removed
            .map(drop)
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn names(&self) -> io::Result<Vec<String>> {
        Ok(self.files().by_name.keys().cloned().collect())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    fn lock(&self) -> io::Result<Box<dyn Any + Send + Sync>> {
        let locked = Arc::clone(&self.files().locked);
        if std::mem::replace(&mut *lock(&locked), true) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(Box::new(Locked(locked)))
    }

    fn within(&self, name: &str) -> io::Result<Arc<dyn Store>> {
        let below = self
            .files()
            .below
            .entry(name.to_owned())
            .or_default()
            .clone();
        Ok(Arc::new(below))
    }
}

struct MemoryFile(Contents);

impl StoreFile for MemoryFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        lock(&self.0).extend_from_slice(bytes);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Has the lock until it is dropped.
struct Locked(Arc<Mutex<bool>>);

impl Drop for Locked {
    fn drop(&mut self) {
        *lock(&self.0) = false;
    }
}

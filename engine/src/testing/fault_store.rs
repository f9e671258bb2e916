//! A store in memory that loses what was not synced, and fails when it is told to.
//!
//! It models what a file system promises, and nothing that it only happens to do:
//!
//! - What a file holds is durable up to the last [`StoreFile::sync`]; that the file has its name, after [`Store::sync`].
//!   Neither brings about the other.
//! - Creating a file that exists empties it at once and for good.
//! - A sync that fails may have done a part of its work, and in another order than that of the calls.
//!
//! After a fault the disk is gone: whatever is called, reading too, gives an error, until [`FaultStore::crash`] shows what
//! the machine finds when it is started again. So a test can break a run at its n-th operation, for all n.

mod disk;
#[cfg(test)]
mod tests;
mod within;

use std::any::Any;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::snapshot::store::{Store, StoreFile};
use disk::{Disk, Fault};
use within::Within;

/// A store in memory, for tests of what happens when a disk fails or a machine loses power. A clone is the same store.
///
/// # Examples
/// ```
/// use millstream_engine::{Store, testing::FaultStore};
/// let store = FaultStore::new();
/// let mut file = store.create("a")?;
/// file.write(b"kept")?;
/// file.sync()?;
/// store.sync()?;
/// store.fail_at(2);
/// file.write(b" and lost")?;
/// assert!(file.sync().is_err());
/// store.crash();
/// assert_eq!(store.read("a", 0, 4)?, b"kept");
/// assert_eq!(store.length("a")?, 4);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct FaultStore(Arc<Mutex<Disk>>);

impl FaultStore {
    /// An empty store without faults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The `n`-th writing operation from now on, counted from 1, does nothing and fails, as does everything after it.
    ///
    /// Operations that write are those of files and `create`, `rename`, `remove` and `sync` of the store. There is one
    /// fault at a time: this takes the place of one that has not come yet.
    pub fn fail_at(&self, n: u64) {
        self.disk().set_fault(n, Fault::Fail);
    }

    /// The `n`-th writing operation from now on, counted from 1, is half done, durably, and fails, as does everything
    /// after it.
    ///
    /// Half of what was to be written is durable with all that stands before it in the file. Of several names to be synced
    /// the half that was changed last is durable, the other is not. A creation, removal or renaming is durable alone: a
    /// renamed file has its new name, and of what it holds only what was synced.
    pub fn tear_at(&self, n: u64) {
        self.disk().set_fault(n, Fault::Tear);
    }

    /// Everything up to the `n`-th writing operation from now on, counted from 1, succeeds, and everything after it fails:
    /// what [`FaultStore::crash`] then loses is all that was not synced by then.
    pub fn lose_at(&self, n: u64) {
        self.disk().set_fault(n, Fault::Lose);
    }

    /// From now on there is room for `n_bytes` in all files together. A write beyond it writes what fits, and fails with
    /// [`io::ErrorKind::StorageFull`]; a removal makes room.
    pub fn full_after(&self, n_bytes: u64) {
        self.disk().set_capacity(n_bytes);
    }

    /// Loses power and starts again: what was not durable is gone, and so are all faults and whoever had the lock.
    ///
    /// Files that were being written cannot be written any more.
    pub fn crash(&self) {
        self.disk().crash();
    }

    /// Kills the process, but not the machine: everything that was written is there, durable or not, until a crash. All
    /// faults are gone, and so is whoever had the lock.
    ///
    /// Files that were being written cannot be written any more.
    pub fn kill(&self) {
        self.disk().kill();
    }

    /// How many writing operations there were, up to and with the one that failed.
    #[must_use]
    pub fn n_operations(&self) -> u64 {
        self.disk().n_operations()
    }

    /// Flips a bit of byte `index` of the file `name`, durably.
    ///
    /// # Panics
    /// If there is no such file or byte.
    pub fn corrupt(&self, name: &str, index: u64) {
        let byte = usize::try_from(index).ok();
        let flipped = self.disk().change(name, |bytes| {
            let byte = byte.and_then(|index| bytes.get_mut(index));
            byte.map(|byte| *byte ^= 1)
        });
        assert!(flipped.flatten().is_some(), "{name:?} has no byte {index}");
    }

    /// Cuts the file `name` off after `length` bytes, durably.
    ///
    /// # Panics
    /// If there is no such file.
    pub fn truncate(&self, name: &str, length: u64) {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let cut = self.disk().change(name, |bytes| bytes.truncate(length));
        assert!(cut.is_some(), "there is no file {name:?}");
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        lock(&self.0)
    }
}

fn lock(disk: &Mutex<Disk>) -> MutexGuard<'_, Disk> {
    disk.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Store for FaultStore {
    fn place(&self, name: &str) -> String {
        format!("memory:{name}")
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn StoreFile>> {
        let mut disk = self.disk();
        let id = disk.create(name)?;
        Ok(Box::new(FaultFile {
            store: self.clone(),
            name: name.into(),
            id,
            start: disk.start(),
        }))
    }

    fn read(&self, name: &str, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let disk = self.disk();
        let bytes = disk.read(name)?;
        let from = usize::try_from(offset).ok();
        let rest = from.and_then(|from| bytes.get(from..));
        let read = rest.and_then(|rest| rest.get(..length));
        Ok(read.ok_or(io::ErrorKind::UnexpectedEof)?.to_vec())
    }

    fn length(&self, name: &str) -> io::Result<u64> {
        Ok(self.disk().read(name)?.len() as u64)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk().rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.disk().remove(name)
    }

    fn names(&self) -> io::Result<Vec<String>> {
        let mut names = self.disk().names()?;
        names.retain(|name| !name.contains('/'));
        Ok(names)
    }

    fn sync(&self) -> io::Result<()> {
        self.disk().sync_names()
    }

    fn lock(&self) -> io::Result<Box<dyn Any + Send + Sync>> {
        let start = self.disk().lock()?;
        Ok(Box::new(Locked {
            store: self.clone(),
            start,
        }))
    }

    fn within(&self, name: &str) -> io::Result<Arc<dyn Store>> {
        let prefix = format!("{name}/");
        let store = self.clone();
        Ok(Arc::new(Within { store, prefix }))
    }
}

/// A file that is being written, by a process that was started at `start`.
struct FaultFile {
    store: FaultStore,
    name: String,
    id: u64,
    start: u64,
}

impl StoreFile for FaultFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut disk = self.store.disk();
        disk.check_start(self.start)?;
        disk.write(self.id, &self.name, bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut disk = self.store.disk();
        disk.check_start(self.start)?;
        disk.sync_file(self.id, &self.name)
    }
}

/// Has the lock, if the process that took it still lives.
struct Locked {
    store: FaultStore,
    start: u64,
}

impl Drop for Locked {
    fn drop(&mut self) {
        self.store.disk().unlock(self.start);
    }
}

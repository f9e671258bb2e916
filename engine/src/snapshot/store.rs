//! Stores: where snapshots are kept.
//!
//! A store is a flat set of files by name. A file is written once, from front to back, and is durable when it was synced
//! *and* the names were synced after it; a rename puts one file in the place of another at once. Nothing else is needed,
//! so that a directory, memory, and later an object store can be one.

use std::any::Any;
use std::io;
use std::sync::Arc;

/// A flat set of files.
pub trait Store: Send + Sync + 'static {
    /// Where `name` is, for errors: a path.
    fn place(&self, name: &str) -> String;

    /// Begins a file; one that had the name is gone.
    ///
    /// # Errors
    /// What the system said.
    fn create(&self, name: &str) -> io::Result<Box<dyn StoreFile>>;

    /// Reads `length` bytes from `offset` on.
    ///
    /// # Errors
    /// What the system said; [`io::ErrorKind::UnexpectedEof`] if there are fewer.
    fn read(&self, name: &str, offset: u64, length: usize) -> io::Result<Vec<u8>>;

    /// How many bytes `name` has.
    ///
    /// # Errors
    /// What the system said; [`io::ErrorKind::NotFound`] if there is no such file.
    fn length(&self, name: &str) -> io::Result<u64>;

    /// Puts `from` in the place of `to`, which is there before and after, or not at all.
    ///
    /// # Errors
    /// What the system said.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes `name`.
    ///
    /// # Errors
    /// What the system said.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// The names of all files, in no order.
    ///
    /// # Errors
    /// What the system said.
    fn names(&self) -> io::Result<Vec<String>>;

    /// Makes names durable: what was created, renamed and removed.
    ///
    /// # Errors
    /// What the system said; never to be tried again.
    fn sync(&self) -> io::Result<()>;

    /// Keeps others away until the guard is dropped.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] if another run has the store.
    fn lock(&self) -> io::Result<Box<dyn Any + Send + Sync>>;

    /// A store of its own below this one, by a name that no file here has; made, durably, if it is not there.
    ///
    /// Its files are not among the names of this one, and whoever has the lock of this one has it too.
    ///
    /// # Errors
    /// What the system said.
    fn within(&self, name: &str) -> io::Result<Arc<dyn Store>>;
}

/// A file that is being written.
pub trait StoreFile: Send {
    /// Writes `bytes` after what was written before.
    ///
    /// # Errors
    /// What the system said.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Makes what was written durable; its name is so after [`Store::sync`].
    ///
    /// # Errors
    /// What the system said; never to be tried again.
    fn sync(&mut self) -> io::Result<()>;
}

//! The log of a step: what changed in its state, as bytes.
//!
//! State is a map from keys to values, within a window or within none. A change puts a value in the place of the last,
//! adds to it, or removes it; a window that is gone is forgotten with all its keys at once. Changes are kept apart by the
//! shard of their key, so that whoever restores them on another number of workers reads only its own.
//!
//! ```text
//!  entry = kind u8 │ windowed u8 │ start i64, end i64 │ length u32, key │ length u32, value      all little-endian
//! ```
//!
//! Keys and values are MessagePack with the names of fields, so that a type of value to which a field was added with
//! `#[serde(default)]` still reads what it wrote before. (Keys are told apart by their bytes: a key with another field is
//! another key.) Several values may follow one another in one value.
//!
//! *Invariants*: a log has at most one entry for a key; a file that logs were merged into may have several, in the order in
//! which they are to be applied. What is forgotten comes before all entries of the same log, and a window that was
//! forgotten has no keys ever again: all workers forget it at the same epoch, or have nothing in it.

use serde::Serialize;

use super::entry::{Entries, Entry, LoadError};
use crate::shard::{N_SHARDS, Shard};
use crate::window::Window;

/// What becomes of the value of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It is this from now on.
    Put = 1,
    /// This came to it.
    Add = 2,
    /// It is gone.
    Remove = 3,
}

/// What a log says.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub enum Replayed<'a> {
    /// A window whose keys are all gone.
    Forgotten(Window),
    /// A change of a key in the shard of this number.
    Entry(u64, Entry<'a>),
}

/// What a step has to say of its state in one snapshot.
#[derive(Default)]
pub struct Log {
    /// Entries, by shard.
    shards: Vec<Vec<u8>>,
    forgotten: Vec<Window>,
    n_bytes: usize,
    error: Option<String>,
}

impl Log {
    /// Puts what `save` writes in the place of the value of `key`.
    pub fn put<K: Serialize + ?Sized>(
        &mut self,
        shard: Shard,
        window: Option<Window>,
        key: &K,
        save: impl FnOnce(&mut Saving<'_>),
    ) {
        self.entry(Kind::Put, shard, window, key, save);
    }

    /// Adds what `save` writes to the value of `key`.
    pub fn add<K: Serialize + ?Sized>(
        &mut self,
        shard: Shard,
        window: Option<Window>,
        key: &K,
        save: impl FnOnce(&mut Saving<'_>),
    ) {
        self.entry(Kind::Add, shard, window, key, save);
    }

    /// Removes `key` and its value.
    pub fn remove<K: Serialize + ?Sized>(&mut self, shard: Shard, window: Option<Window>, key: &K) {
        self.entry(Kind::Remove, shard, window, key, |_| {});
    }

    /// Removes all keys of `window`, in all shards, before anything else in this log.
    pub fn forget(&mut self, window: Window) {
        self.forgotten.push(window);
    }

    /// About how many bytes were written.
    #[must_use]
    pub fn n_bytes(&self) -> usize {
        self.n_bytes
    }

    /// Takes over all entries of `other`, which is empty then.
    pub fn append(&mut self, other: &mut Log) {
        self.forgotten.append(&mut other.forgotten);
        self.n_bytes += std::mem::take(&mut other.n_bytes);
        self.error = self.error.take().or(other.error.take());
        for (number, bytes) in std::mem::take(&mut other.shards).into_iter().enumerate() {
            if !bytes.is_empty() {
                self.shard(number).extend_from_slice(&bytes);
            }
        }
    }

    /// Takes out the windows that were forgotten.
    pub(crate) fn take_forgotten(&mut self) -> Vec<Window> {
        std::mem::take(&mut self.forgotten)
    }

    /// Takes out the entries of all shards that have at least `n_bytes`, by number of the shard.
    pub(crate) fn take_blocks(&mut self, n_bytes: usize) -> Vec<(u8, Vec<u8>)> {
        let least = n_bytes.max(1);
        let numbered = self.shards.iter_mut().enumerate();
        let full = numbered.filter(|(_, bytes)| bytes.len() >= least);
        let blocks: Vec<_> = full
            .map(|(number, bytes)| (number as u8, std::mem::take(bytes)))
            .collect();
        let taken: usize = blocks.iter().map(|(_, bytes)| bytes.len()).sum();
        self.n_bytes -= taken;
        blocks
    }

    /// Why something could not be written, if so: what it was and what its `Serialize` said.
    pub(crate) fn take_error(&mut self) -> Option<String> {
        self.error.take()
    }

    /// Gives `each` all that the log says, in the order in which it is to be restored: for tests of what writes logs.
    ///
    /// # Errors
    /// That of `each`, or if an entry cannot be read back.
    ///
    /// # Panics
    /// If something could not be written.
    #[doc(hidden)]
    pub fn replay(
        &self,
        mut each: impl FnMut(Replayed<'_>) -> Result<(), LoadError>,
    ) -> Result<(), LoadError> {
        assert_eq!(self.error, None, "all of it was written");
        let mut forgotten = self.forgotten.iter();
        forgotten.try_for_each(|window| each(Replayed::Forgotten(*window)))?;
        for (number, bytes) in self.shards.iter().enumerate() {
            for entry in Entries(bytes) {
                each(Replayed::Entry(number as u64, entry?.0))?;
            }
        }
        Ok(())
    }

    fn shard(&mut self, number: usize) -> &mut Vec<u8> {
        if self.shards.is_empty() {
            self.shards.resize_with(N_SHARDS as usize, Vec::new);
        }
        &mut self.shards[number]
    }

    fn entry<K: Serialize + ?Sized>(
        &mut self,
        kind: Kind,
        shard: Shard,
        window: Option<Window>,
        key: &K,
        save: impl FnOnce(&mut Saving<'_>),
    ) {
        let bytes = self.shard(shard.number() as usize);
        let start = bytes.len();
        bytes.extend([kind as u8, u8::from(window.is_some())]);
        if let Some(window) = window {
            bytes.extend(window.start.micros().to_le_bytes());
            bytes.extend(window.end.micros().to_le_bytes());
        }
        let mut error = None;
        measured(bytes, &mut error, |saving| saving.put(key));
        measured(bytes, &mut error, save);
        let written = bytes.len() - start;
        self.n_bytes += written;
        self.error = self.error.take().or(error);
    }
}

/// Writes what `save` saves, with its length before it.
fn measured(bytes: &mut Vec<u8>, error: &mut Option<String>, save: impl FnOnce(&mut Saving<'_>)) {
    let at = bytes.len();
    bytes.extend([0; 4]);
    save(&mut Saving { bytes, error });
    match u32::try_from(bytes.len() - at - 4) {
        Ok(length) => bytes[at..at + 4].copy_from_slice(&length.to_le_bytes()),
        Err(_) => {
            bytes.truncate(at + 4);
            *error = Some("the state of one key has more than 4 GiB".into());
        }
    }
}

/// Writes values one after the other.
pub struct Saving<'a> {
    bytes: &'a mut Vec<u8>,
    error: &'a mut Option<String>,
}

impl Saving<'_> {
    /// Writes `value`; if its `Serialize` fails, the run ends and says so.
    pub fn put<T: Serialize + ?Sized>(&mut self, value: &T) {
        let mut serializer = rmp_serde::Serializer::new(&mut *self.bytes).with_struct_map();
        if let Err(failed) = value.serialize(&mut serializer) {
            let what = std::any::type_name::<T>();
            *self.error = Some(format!("cannot write a value of type {what}: {failed}"));
        }
    }
}

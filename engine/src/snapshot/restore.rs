//! Restoring: each worker gives its steps back what was kept of their keys, whatever number of workers wrote it.
//!
//! The files are read from the oldest to the newest, and what each says is done: so a value that grew from snapshot to
//! snapshot is put together again. What a newer file puts in the place of a value, or removes, need not be read at all. So
//! the files are gone through once before, only to see in which of them the value of a key begins; that is far less work
//! than reading values that are thrown away.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use xxhash_rust::xxh3::xxh3_128;

use super::entry::{Entries, Entry};
use super::error::StateError;
use super::file::{BlockRef, StateReader};
use super::log::Kind;
use super::state::RunState;
use crate::epoch::Epoch;
use crate::logic::{At, Logic};
use crate::stateful::Counted;

/// What one worker reads of one step.
struct Mine<'a> {
    readers: &'a [StateReader],
    step: &'a str,
    worker: usize,
    workers: usize,
}

/// About how long an entry is at least; so that room is made for the keys at once.
const BYTES_OF_AN_ENTRY: u64 = 48;

/// The file in which the value of each key begins, by a hash of window and key, so wide that no two have the same.
type Begins = HashMap<u128, usize, BuildHasherDefault<Already>>;

impl RunState {
    /// Gives `logic` back what was kept of its step, as far as it is this worker's. One that works ahead of the step that
    /// has the name is given notes alone: it has no state between epochs.
    pub(crate) fn restore(
        &self,
        counted: &Counted,
        logic: &mut impl Logic,
        workers: usize,
    ) -> Result<(), StateError> {
        let step = &counted.step;
        let (Some(durable), Some(kept)) = (&self.durable, self.step(step)) else {
            return Ok(());
        };
        if durable.resumed.epoch == Epoch::default() || !kept.committed {
            return Ok(());
        }
        let unreadable = |source| StateError::Unreadable {
            step: step.key(),
            name: format!("{}:{}", step.kind, step.name),
            source,
        };
        if counted.counts_state {
            let mine = Mine {
                readers: &durable.readers,
                step: &kept.in_files,
                worker: counted.worker,
                workers,
            };
            let begins = mine.begins()?;
            for (file, reader) in mine.readers.iter().enumerate() {
                let forgotten = reader.forgotten(mine.step);
                forgotten.iter().for_each(|window| logic.forget(*window));
                mine.read(reader, |entry| {
                    let is_over = begins
                        .get(&hash(entry))
                        .is_some_and(|begins| file < *begins);
                    if !is_over {
                        logic.restore(entry).map_err(unreadable)?;
                    }
                    Ok(())
                })?;
            }
        }
        for note in &kept.notes {
            logic.restore_note(note).map_err(unreadable)?;
        }
        logic.resume(At {
            epoch: durable.resumed.epoch,
            watermark: kept.watermark,
        });
        Ok(())
    }
}

impl Mine<'_> {
    /// Where in a file the entries of the worker's own shards are.
    fn blocks<'r>(&'r self, reader: &'r StateReader) -> impl Iterator<Item = &'r BlockRef> {
        let is_mine = |shard: u8| usize::from(shard) % self.workers == self.worker;
        let blocks = reader.blocks(self.step);
        blocks.filter(move |block| is_mine(block.shard))
    }

    /// Calls `each` with the entries of a file that are in the worker's own shards.
    fn read(
        &self,
        reader: &StateReader,
        mut each: impl FnMut(&Entry<'_>) -> Result<(), StateError>,
    ) -> Result<(), StateError> {
        let mut ahead = reader.ahead();
        for block in self.blocks(reader) {
            for entry in Entries(&ahead.read(block)?) {
                let (entry, _) = entry.map_err(|error| {
                    let what = format!("shard {} of {:?}: {error}", block.shard, self.step);
                    StateError::damaged(reader.place(), what)
                })?;
                each(&entry)?;
            }
        }
        Ok(())
    }

    /// Where the values begin, if another file than the first may have replaced them.
    fn begins(&self) -> Result<Begins, StateError> {
        let mut begins = Begins::default();
        let newer = || self.readers.iter().skip(1);
        let n_bytes = newer().map(|reader| self.blocks(reader).map(BlockRef::n_bytes).sum());
        let most: u64 = n_bytes.max().unwrap_or(0);
        begins.reserve(usize::try_from(most / BYTES_OF_AN_ENTRY).unwrap_or(0));
        for (file, reader) in self.readers.iter().enumerate().skip(1) {
            self.read(reader, |entry| {
                if entry.kind != Kind::Add {
                    begins.insert(hash(entry), file);
                }
                Ok(())
            })?;
        }
        Ok(begins)
    }
}

fn hash(entry: &Entry<'_>) -> u128 {
    xxh3_128(entry.place())
}

/// Hashes what is a hash already.
#[derive(Default)]
struct Already(u64);

impl Hasher for Already {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write_u128(&mut self, hash: u128) {
        self.0 = hash as u64;
    }
    fn write(&mut self, _bytes: &[u8]) {
        unreachable!("only hashes are hashed");
    }
}

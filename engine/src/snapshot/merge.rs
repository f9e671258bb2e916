//! Merging: one file that says what several said together.
//!
//! Each snapshot leaves a file with what has changed, and who restores must read all of them in order. From time to time
//! some that follow one another are put into one. That goes shard by shard of a step, so that no more than one is in
//! memory: what a file forgot is taken out first, then its entries are applied, oldest file first.
//!
//! A key keeps its *pieces*: the last entry that put or removed it, and what was added after that. They stand in the new
//! file in this order; pieces are never put together, because only the step knows what its values are. If nothing lies
//! below the new file, there is nothing to remove from, and neither removals nor forgotten windows are kept.
//!
//! *Invariants*: reading the new file gives what reading the old ones in order gives, whatever lies below them. The new
//! file says first what was forgotten, though an old one may have said so last; that is the same, because all that is left
//! of a window was said after it was last forgotten. A forgotten window is taken out of all shards: files whose order
//! means nothing, such as those of two workers at one epoch, must not be merged unless they forget the same.

mod choose;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::entry::{Entries, LoadError};
use super::error::StateError;
use super::file::{Ahead, BlockRef, StateFile, StateReader, StateWriter};
use super::log::Kind;
use super::store::Store;
use crate::window::Window;

pub(crate) use choose::choose;

/// Writes a file `name` that says what `inputs`, the oldest first, say one after the other.
///
/// With `onto_nothing` no older file lies below them. Of steps that are not kept any more nothing is taken over. The new file is synced; its name is durable after [`Store::sync`].
///
/// # Errors
/// [`StateError::Damaged`] if an input is; [`StateError::Io`] if one cannot be read or the new file cannot be written.
pub(crate) fn merge(
    store: &Arc<dyn Store>,
    inputs: &[StateFile],
    onto_nothing: bool,
    is_kept: impl Fn(&str) -> bool,
    name: &str,
) -> Result<StateFile, StateError> {
    let readers = inputs.iter().map(|file| StateReader::open(store, file));
    let readers = readers.collect::<Result<Vec<_>, _>>()?;
    let mut writer = StateWriter::create(&**store, name)?;
    let steps: BTreeSet<&str> = readers.iter().flat_map(StateReader::steps).collect();
    for step in steps.into_iter().filter(|step| is_kept(step)) {
        merge_step(&readers, step, onto_nothing, &mut writer)?;
    }
    writer.finish()
}

fn merge_step(
    readers: &[StateReader],
    step: &str,
    onto_nothing: bool,
    writer: &mut StateWriter,
) -> Result<(), StateError> {
    let forgotten = readers.iter().flat_map(|reader| reader.forgotten(step));
    let forgotten: BTreeSet<Window> = forgotten.copied().collect();
    if !onto_nothing {
        let windows: Vec<Window> = forgotten.iter().copied().collect();
        writer.forget(step, &windows);
    }
    let lies_below = |window: Option<Window>| {
        !onto_nothing && !window.is_some_and(|window| forgotten.contains(&window))
    };
    let mut ahead: Vec<_> = readers.iter().map(StateReader::ahead).collect();
    for (shard, blocks) in blocks_by_shard(readers, step) {
        let entries = ahead.iter_mut().zip(&blocks);
        let entries = entries.map(|(file, blocks)| read_all(file, blocks));
        let entries = entries.collect::<Result<Vec<_>, _>>()?;
        let mut pieces = Pieces::default();
        for (reader, entries) in readers.iter().zip(&entries) {
            pieces.forget(reader.forgotten(step));
            pieces.apply(entries).map_err(|error| {
                let what = format!("shard {shard} of {step:?}: {error}");
                StateError::damaged(reader.place(), what)
            })?;
        }
        writer.block(step, shard, &pieces.into_bytes(lies_below))?;
    }
    Ok(())
}

/// The blocks of `step` by shard: those of each file, in the order in which they are to be read.
fn blocks_by_shard<'r>(
    readers: &'r [StateReader],
    step: &str,
) -> BTreeMap<u8, Vec<Vec<&'r BlockRef>>> {
    let mut shards = BTreeMap::new();
    for (index, reader) in readers.iter().enumerate() {
        for block in reader.blocks(step) {
            let files = shards.entry(block.shard);
            let files = files.or_insert_with(|| vec![Vec::new(); readers.len()]);
            files[index].push(block);
        }
    }
    shards
}

/// All entries of `blocks`: one block, too, is nothing but entries one after the other.
fn read_all(file: &mut Ahead<'_>, blocks: &[&BlockRef]) -> Result<Vec<u8>, StateError> {
    let mut entries = Vec::new();
    for block in blocks {
        entries.append(&mut file.read(block)?);
    }
    Ok(entries)
}

/// What was last said of each key of one shard, as it was written.
#[derive(Default)]
struct Pieces<'a>(BTreeMap<Option<Window>, Keys<'a>>);

type Keys<'a> = BTreeMap<&'a [u8], Vec<(Kind, &'a [u8])>>;

impl<'a> Pieces<'a> {
    fn forget(&mut self, windows: &[Window]) {
        for &window in windows {
            self.0.remove(&Some(window));
        }
    }

    fn apply(&mut self, block: &'a [u8]) -> Result<(), LoadError> {
        for entry in Entries(block) {
            let (entry, bytes) = entry?;
            let keys = self.0.entry(entry.window).or_default();
            let pieces = keys.entry(entry.key_bytes()).or_default();
            if entry.kind != Kind::Add {
                pieces.clear();
            }
            pieces.push((entry.kind, bytes));
        }
        Ok(())
    }

    /// All pieces, those of a key together; removals only where something `lies_below` the window.
    fn into_bytes(self, lies_below: impl Fn(Option<Window>) -> bool) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (window, keys) in self.0 {
            let keeps_removals = lies_below(window);
            for (kind, piece) in keys.into_values().flatten() {
                if kind != Kind::Remove || keeps_removals {
                    bytes.extend_from_slice(piece);
                }
            }
        }
        bytes
    }
}

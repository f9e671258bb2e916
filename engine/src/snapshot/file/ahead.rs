//! Reads many small blocks of a state file with few calls to the store.
//!
//! Whoever reads shard after shard finds the next block behind the last one, mostly; so a piece of the file is read at a
//! time, and blocks are taken out of it. Each block is still checked for itself.

use super::{BlockRef, StateReader};
use crate::snapshot::error::StateError;

/// How many bytes are read at a time.
const AHEAD_BYTES: u64 = 1 << 16;

/// Reads blocks of one file about in the order in which they stand in it.
pub(crate) struct Ahead<'r> {
    reader: &'r StateReader,
    /// Where the piece begins.
    start: u64,
    piece: Vec<u8>,
}

impl<'r> Ahead<'r> {
    pub(super) fn new(reader: &'r StateReader) -> Self {
        Ahead {
            reader,
            start: 0,
            piece: Vec::new(),
        }
    }

    /// The entries of `block`, which is one of this file; as [`StateReader::read`].
    pub(crate) fn read(&mut self, block: &BlockRef) -> Result<Vec<u8>, StateError> {
        if block.length >= AHEAD_BYTES {
            return self.reader.read(block);
        }
        if self.find(block).is_none() {
            self.piece = self.reader.read_piece(block.offset, AHEAD_BYTES)?;
            self.start = block.offset;
        }
        let found = self
            .find(block)
            .expect("a piece has the block it was read for");
        self.reader.check(block, found)?;
        Ok(found.to_vec())
    }

    fn find(&self, block: &BlockRef) -> Option<&[u8]> {
        let from = usize::try_from(block.offset.checked_sub(self.start)?).ok()?;
        let length = usize::try_from(block.length).ok()?;
        self.piece.get(from..)?.get(..length)
    }
}

//! State files: what the steps of one worker said in one snapshot, in one file that never changes.
//!
//! ```text
//!  header   magic 8, version u32
//!  blocks   the entries of one shard of one step each, one after the other
//!  footer   MessagePack: the steps, the windows that each forgot, and where each block is, with its checksum
//!  trailer  length u32 and checksum u32 of the footer, magic 8                                      all little-endian
//! ```
//!
//! The index is at the end, so that a file is written from front to back while the steps still encode; and it is by shard,
//! so that whoever restores on another number of workers reads only what is his. The manifest names a file together with
//! its length and the checksum of its footer: a file that was cut off, or mixed up with another, is found out before
//! anything of it is used. Checksums are CRC-32C.
//!
//! *Invariants*: every byte is covered by a checksum or has one value only. What a step forgot comes before all its
//! entries of the same file; its blocks of one shard are read in the order in which they were written.

mod ahead;
mod read;
#[cfg(test)]
mod tests;
mod write;

use serde::{Deserialize, Serialize};

use crate::window::Window;

pub(crate) use ahead::Ahead;
pub(crate) use read::StateReader;
pub(crate) use write::StateWriter;

const MAGIC: [u8; 8] = *b"mill\xFFst\n";
const VERSION: u32 = 1;
const HEADER_BYTES: u64 = 12;
const TRAILER_BYTES: u64 = 16;

/// A state file, as a manifest names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StateFile {
    /// Its name in the store.
    pub(crate) name: String,
    /// How many bytes it has.
    pub(crate) bytes: u64,
    /// The CRC-32C of its footer.
    pub(crate) checksum: u32,
}

/// Where in a file the entries of one shard of one step are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BlockRef {
    /// The shard of their keys.
    pub(crate) shard: u8,
    /// The index of the step.
    step: u32,
    offset: u64,
    length: u64,
    checksum: u32,
}

impl BlockRef {
    /// How long it is.
    pub(crate) fn n_bytes(&self) -> u64 {
        self.length
    }
}

#[derive(Default, Serialize, Deserialize)]
struct Footer {
    steps: Vec<Step>,
    blocks: Vec<BlockRef>,
}

#[derive(Serialize, Deserialize)]
struct Step {
    name: String,
    forgotten: Vec<Window>,
}

//! Reads a state file, and trusts nothing in it that a checksum does not vouch for.

use std::io;
use std::sync::Arc;

use super::ahead::Ahead;
use super::{BlockRef, Footer, HEADER_BYTES, MAGIC, StateFile, Step, TRAILER_BYTES, VERSION};
use crate::snapshot::error::StateError;
use crate::snapshot::store::Store;
use crate::window::Window;

/// A state file that is the one the manifest names.
pub(crate) struct StateReader {
    store: Arc<dyn Store>,
    name: String,
    footer: Footer,
    blocks_end: u64,
}

impl StateReader {
    /// Opens `file`; its index is checked here, each block when it is read.
    ///
    /// # Errors
    /// [`StateError::Damaged`] if it is missing, cut off, or not the file that was meant.
    pub(crate) fn open(store: &Arc<dyn Store>, file: &StateFile) -> Result<Self, StateError> {
        let bytes = Bytes {
            store: &**store,
            name: &file.name,
        };
        let length = store.length(&file.name);
        let length = length.map_err(|error| bytes.failed(error))?;
        if length != file.bytes {
            return Err(bytes.damaged(format!("{length} bytes instead of {}", file.bytes)));
        }
        let Some(footer_end) = length.checked_sub(TRAILER_BYTES) else {
            return Err(bytes.damaged("it is too short"));
        };
        bytes.check_header()?;
        let footer_length = bytes.trailer(footer_end, file.checksum)?;
        let blocks_end = footer_end.checked_sub(footer_length);
        let Some(blocks_end) = blocks_end.filter(|&end| end >= HEADER_BYTES) else {
            return Err(bytes.damaged("its index has a wrong length"));
        };
        let footer = bytes.read(blocks_end, footer_length)?;
        if crc32c::crc32c(&footer) != file.checksum {
            return Err(bytes.damaged("its index has a wrong checksum"));
        }
        let footer: Footer = rmp_serde::from_slice(&footer)
            .map_err(|error| bytes.damaged(format!("its index cannot be read: {error}")))?;
        let fits = |block: &BlockRef| {
            let end = block.offset.checked_add(block.length);
            (block.step as usize) < footer.steps.len() && end.is_some_and(|end| end <= blocks_end)
        };
        if !footer.blocks.iter().all(fits) {
            return Err(bytes.damaged("its index names what is not there"));
        }
        Ok(StateReader {
            store: Arc::clone(store),
            name: file.name.clone(),
            footer,
            blocks_end,
        })
    }

    /// The names of the steps that have said something.
    pub(crate) fn steps(&self) -> impl Iterator<Item = &str> {
        self.footer.steps.iter().map(|step| step.name.as_str())
    }

    /// The windows that `step` forgot, before all its entries in this file.
    pub(crate) fn forgotten(&self, step: &str) -> &[Window] {
        let found = self.find(step);
        found.map_or(&[], |(_, step)| &step.forgotten)
    }

    /// Where the entries of `step` are, in the order in which they were written.
    pub(crate) fn blocks(&self, step: &str) -> impl Iterator<Item = &BlockRef> {
        let index = self.find(step).map(|(index, _)| index);
        let blocks = self.footer.blocks.iter();
        blocks.filter(move |block| Some(block.step as usize) == index)
    }

    /// The entries of `block`, which is one of this file.
    ///
    /// # Errors
    /// [`StateError::Damaged`] if they are not what was written.
    pub(crate) fn read(&self, block: &BlockRef) -> Result<Vec<u8>, StateError> {
        let bytes = self.file().read(block.offset, block.length)?;
        self.check(block, &bytes)?;
        Ok(bytes)
    }

    /// Reads blocks that stand one behind the other.
    pub(crate) fn ahead(&self) -> Ahead<'_> {
        Ahead::new(self)
    }

    /// Where the file is.
    pub(crate) fn place(&self) -> String {
        self.store.place(&self.name)
    }

    /// What stands from `offset` on, unchecked: `length` bytes, or fewer if the blocks end before.
    pub(super) fn read_piece(&self, offset: u64, length: u64) -> Result<Vec<u8>, StateError> {
        let length = length.min(self.blocks_end.saturating_sub(offset));
        self.file().read(offset, length)
    }

    /// Whether `bytes` are those of `block`.
    pub(super) fn check(&self, block: &BlockRef, bytes: &[u8]) -> Result<(), StateError> {
        if crc32c::crc32c(bytes) == block.checksum {
            return Ok(());
        }
        let step = &self.footer.steps[block.step as usize].name;
        let what = format!("shard {} of {step:?} has a wrong checksum", block.shard);
        Err(self.file().damaged(what))
    }

    fn file(&self) -> Bytes<'_> {
        Bytes {
            store: &*self.store,
            name: &self.name,
        }
    }

    fn find(&self, name: &str) -> Option<(usize, &Step)> {
        let mut steps = self.footer.steps.iter().enumerate();
        steps.find(|(_, step)| step.name == name)
    }
}

/// The bytes of a file.
struct Bytes<'a> {
    store: &'a dyn Store,
    name: &'a str,
}

impl Bytes<'_> {
    fn check_header(&self) -> Result<(), StateError> {
        let header = self.read(0, HEADER_BYTES)?;
        let Some(version) = header.strip_prefix(&MAGIC) else {
            return Err(self.damaged("it is no state file"));
        };
        let found = number(version);
        if found != VERSION {
            return Err(StateError::Format {
                place: self.store.place(self.name),
                found,
                known: VERSION,
            });
        }
        Ok(())
    }

    /// How long the footer before the trailer at `offset` is; its checksum must be `checksum`.
    fn trailer(&self, offset: u64, checksum: u32) -> Result<u64, StateError> {
        let trailer = self.read(offset, TRAILER_BYTES)?;
        let (numbers, magic) = trailer.split_at(8);
        if magic != MAGIC {
            return Err(self.damaged("its end is not the end of a state file"));
        }
        if number(&numbers[4..]) != checksum {
            return Err(self.damaged("it is another file than the one that was committed"));
        }
        Ok(number(numbers).into())
    }

    fn read(&self, offset: u64, length: u64) -> Result<Vec<u8>, StateError> {
        let Ok(length) = usize::try_from(length) else {
            return Err(self.damaged("it has a block that does not fit into memory"));
        };
        let read = self.store.read(self.name, offset, length);
        read.map_err(|error| self.failed(error))
    }

    fn damaged(&self, what: impl Into<String>) -> StateError {
        StateError::damaged(self.store.place(self.name), what)
    }

    fn failed(&self, error: io::Error) -> StateError {
        match error.kind() {
            io::ErrorKind::NotFound => self.damaged("it is missing"),
            io::ErrorKind::UnexpectedEof => self.damaged("it is cut off"),
            _ => StateError::io("read", self.store.place(self.name))(error),
        }
    }
}

/// The first four bytes as a number.
fn number(bytes: &[u8]) -> u32 {
    let (&first, _) = bytes.split_first_chunk().expect("four bytes were read");
    u32::from_le_bytes(first)
}

//! Writes a state file from front to back.
//!
//! Blocks are small and many; they are gathered, and go to the store in pieces of about a mebibyte.

use super::{BlockRef, Footer, HEADER_BYTES, MAGIC, StateFile, Step, VERSION};
use crate::snapshot::error::StateError;
use crate::snapshot::store::{Store, StoreFile};
use crate::window::Window;

/// How many bytes are gathered before they are written.
const BUFFER_BYTES: usize = 1 << 20;

/// A state file that is being written; if it is not finished it is good for nothing.
pub(crate) struct StateWriter {
    file: Box<dyn StoreFile>,
    name: String,
    place: String,
    buffer: Vec<u8>,
    /// How long the file is, with what is in the buffer.
    n_bytes: u64,
    footer: Footer,
}

impl StateWriter {
    /// Begins the file `name`.
    pub(crate) fn create(store: &dyn Store, name: &str) -> Result<StateWriter, StateError> {
        let place = store.place(name);
        let file = store.create(name);
        let file = file.map_err(StateError::io("create", place.as_str()))?;
        let mut buffer = Vec::with_capacity(BUFFER_BYTES);
        buffer.extend(MAGIC);
        buffer.extend(VERSION.to_le_bytes());
        Ok(StateWriter {
            file,
            name: name.into(),
            place,
            buffer,
            n_bytes: HEADER_BYTES,
            footer: Footer::default(),
        })
    }

    /// Writes entries of `step` whose keys are in `shard`.
    pub(crate) fn block(&mut self, step: &str, shard: u8, bytes: &[u8]) -> Result<(), StateError> {
        if bytes.is_empty() {
            return Ok(());
        }
        let block = BlockRef {
            shard,
            step: self.step(step),
            offset: self.n_bytes,
            length: bytes.len() as u64,
            checksum: crc32c::crc32c(bytes),
        };
        self.footer.blocks.push(block);
        self.append(bytes)
    }

    /// Notes that `step` has forgotten `windows`, before all that it wrote or will write into this file.
    pub(crate) fn forget(&mut self, step: &str, windows: &[Window]) {
        if !windows.is_empty() {
            let index = self.step(step) as usize;
            self.footer.steps[index].forgotten.extend(windows);
        }
    }

    /// Ends the file and syncs what is in it. Its name is durable only after [`Store::sync`].
    pub(crate) fn finish(mut self) -> Result<StateFile, StateError> {
        let footer = rmp_serde::to_vec(&self.footer).expect("numbers and texts can be written");
        let length = u32::try_from(footer.len()).expect("an index is smaller than 4 GiB");
        let checksum = crc32c::crc32c(&footer);
        self.append(&footer)?;
        self.append(&length.to_le_bytes())?;
        self.append(&checksum.to_le_bytes())?;
        self.append(&MAGIC)?;
        self.flush()?;
        let synced = self.file.sync();
        synced.map_err(StateError::io("sync", self.place))?;
        Ok(StateFile {
            name: self.name,
            bytes: self.n_bytes,
            checksum,
        })
    }

    fn step(&mut self, name: &str) -> u32 {
        let steps = &mut self.footer.steps;
        // Few steps, and whoever writes stays with one for a while: the last is the likeliest.
        let found = steps.iter().rposition(|step| step.name == name);
        let index = found.unwrap_or_else(|| {
            steps.push(Step {
                name: name.into(),
                forgotten: Vec::new(),
            });
            steps.len() - 1
        });
        u32::try_from(index).expect("a pipeline has fewer steps")
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        self.n_bytes += bytes.len() as u64;
        if self.buffer.len() + bytes.len() > BUFFER_BYTES {
            self.flush()?;
        }
        if bytes.len() < BUFFER_BYTES {
            self.buffer.extend_from_slice(bytes);
            return Ok(());
        }
        self.write(bytes)
    }

    fn flush(&mut self) -> Result<(), StateError> {
        let mut buffer = std::mem::take(&mut self.buffer);
        if !buffer.is_empty() {
            self.write(&buffer)?;
        }
        buffer.clear();
        self.buffer = buffer;
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        let written = self.file.write(bytes);
        written.map_err(StateError::io("write", self.place.as_str()))
    }
}

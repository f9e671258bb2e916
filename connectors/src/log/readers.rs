//! Readers: who has read how far for good, and from where on records are kept.
//!
//! The file of them is written when a reader is new or goes back, before segments are removed, and at the end. So it may
//! tell of less than was read, after a crash, and never of more.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::checked_file::CheckedFile;
use super::error::LogError;
use super::inner::Inner;

/// Where they are kept.
pub(super) const READERS: CheckedFile = CheckedFile("readers");

/// How far everyone has read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Readers {
    /// By name: for each partition, the offset before which everything was read.
    readers: BTreeMap<String, Vec<u64>>,
    /// For each partition, the first offset that is kept.
    pub(super) starts: Vec<u64>,
    /// The file tells of less.
    #[serde(skip)]
    is_ahead: bool,
}

impl Readers {
    /// Those of a topic with `n_partitions`, after what the file says, if there is one.
    pub(super) fn fit(mut self, n_partitions: u32) -> Option<Self> {
        let n_partitions = n_partitions as usize;
        if self.starts.is_empty() {
            self.starts = vec![0; n_partitions];
        }
        let fits = |offsets: &Vec<u64>| offsets.len() == n_partitions;
        let all_fit = fits(&self.starts) && self.readers.values().all(fits);
        all_fit.then_some(self)
    }

    /// The offset of a partition that every reader has come to.
    pub(super) fn read_by_all(&self, partition: u32) -> u64 {
        let offsets = self.readers.values();
        let of_partition = offsets.map(|offsets| offsets[partition as usize]);
        of_partition.min().unwrap_or(u64::MAX)
    }

    /// `reader` has read everything before `offset`; gives whether the file must say so at once.
    fn commit(&mut self, reader: &str, partition: u32, offset: u64) -> bool {
        let partition = partition as usize;
        if let Some(offsets) = self.readers.get_mut(reader) {
            let before = std::mem::replace(&mut offsets[partition], offset);
            self.is_ahead |= before != offset;
            return offset < before;
        }
        let mut offsets = self.starts.clone();
        offsets[partition] = offset;
        self.readers.insert(reader.to_owned(), offsets);
        true
    }
}

impl Inner {
    /// Makes `readers` durable.
    pub(super) fn write_readers(&self, readers: &mut Readers) -> Result<(), LogError> {
        READERS.write(&*self.store, readers)?;
        readers.is_ahead = false;
        Ok(())
    }

    /// Makes durable what the readers have committed, if the file tells of less.
    pub(super) fn leave_readers(&self) -> Result<(), LogError> {
        let mut readers = self.readers();
        match readers.is_ahead {
            true => self.write_readers(&mut readers),
            false => Ok(()),
        }
    }

    pub(super) fn commit(&self, reader: &str, partition: u32, offset: u64) -> Result<(), LogError> {
        let sequence = self.sequence(partition)?;
        self.check_open()?;
        let end = sequence.tail().next();
        if offset > end {
            return Err(self.beyond_end(partition, offset, end));
        }
        let mut readers = self.readers();
        let written = match readers.commit(reader, partition, offset) {
            true => self.write_readers(&mut readers),
            false => Ok(()),
        };
        let by_all = readers.read_by_all(partition);
        // Who is told of a failure may ask for readers.
        drop(readers);
        self.or_fail(written)?;
        let is_more = {
            let on_shelf = sequence.shelf.look();
            let first = on_shelf.segments.front();
            on_shelf.segments.len() > 1 && first.is_some_and(|first| first.next <= by_all)
        };
        if is_more {
            self.queue.retain();
        }
        Ok(())
    }

    /// How far `reader` has read `partition`, if it is known.
    pub(super) fn committed(&self, reader: &str, partition: u32) -> Option<u64> {
        let readers = self.readers();
        readers
            .readers
            .get(reader)?
            .get(partition as usize)
            .copied()
    }

    pub(super) fn reader_names(&self) -> Vec<String> {
        self.readers().readers.keys().cloned().collect()
    }

    /// Gives whether there was such a reader.
    pub(super) fn forget_reader(&self, reader: &str) -> Result<bool, LogError> {
        self.check_open()?;
        let mut readers = self.readers();
        let was_known = readers.readers.remove(reader).is_some();
        if was_known {
            let written = self.write_readers(&mut readers);
            drop(readers);
            self.or_fail(written)?;
            self.queue.retain();
        }
        Ok(was_known)
    }
}

//! What the writer has of one partition: the segment that is being written.
//!
//! A segment that has its fill is synced and sealed before the next one is made, and the name of the next is durable before
//! anything in it is acknowledged. So every segment but the last is whole, whatever the policy.

use millstream_engine::{Store, StoreFile};

use super::error::LogError;
use super::frame;
use super::index::Extent;
use super::segment::SegmentId;
use super::sequence::Sequence;
use super::shelf::Added;
use super::tail::behind;

/// The end of one partition, as files.
#[derive(Default)]
pub(super) struct Written {
    active: Option<Active>,
    /// Segments that were sealed and not put on the shelf yet.
    sealed: Vec<Told>,
    /// How many segments were sealed.
    n_sealed: u64,
}

/// The segment that is being written.
struct Active {
    file: Box<dyn StoreFile>,
    told: Told,
    is_synced: bool,
}

/// A segment, and what of it is on the shelf.
struct Told {
    extent: Extent,
    next: u64,
    n_entries: usize,
}

impl Told {
    /// Puts on the shelf what is not there; gives whether there was anything.
    fn put(&mut self, sequence: &Sequence) -> bool {
        if self.next == self.extent.next {
            return false;
        }
        sequence.shelf.put(&Added {
            extent: &self.extent,
            entries: &self.extent.entries[self.n_entries..],
        });
        self.next = self.extent.next;
        self.n_entries = self.extent.entries.len();
        true
    }
}

impl Written {
    pub(super) fn n_sealed(&self) -> u64 {
        self.n_sealed
    }

    pub(super) fn is_synced(&self) -> bool {
        self.active.as_ref().is_none_or(|active| active.is_synced)
    }

    /// Writes whole frames, into as many segments as it takes.
    pub(super) fn write(
        &mut self,
        sequence: &Sequence,
        segment_bytes: u64,
        mut frames: &mut [u8],
    ) -> Result<(), LogError> {
        while !frames.is_empty() {
            if self
                .active
                .as_ref()
                .is_some_and(|active| active.told.extent.length >= segment_bytes)
            {
                self.seal(sequence)?;
            }
            let active = match self.active.take() {
                Some(active) => active,
                None => Active::create(sequence, frame::offset(frames))?,
            };
            let active = self.active.insert(active);
            let n_bytes = active.extend(segment_bytes, frames);
            let (now, rest) = frames.split_at_mut(n_bytes);
            let first = frame::offset(now);
            let behind = behind(first, sequence.durable());
            frame::set_behind(now, sequence.format.seed, behind);
            active.is_synced = false;
            let written = active.file.write(now);
            written.map_err(|error| active.error(sequence, "write")(error))?;
            frames = rest;
        }
        Ok(())
    }

    /// Makes everything that was written durable.
    pub(super) fn sync(&mut self, sequence: &Sequence) -> Result<(), LogError> {
        let Some(active) = self.active.as_mut().filter(|active| !active.is_synced) else {
            return Ok(());
        };
        let synced = active.file.sync();
        synced.map_err(|error| active.error(sequence, "sync")(error))?;
        active.is_synced = true;
        sequence.set_durable(active.told.extent.next);
        Ok(())
    }

    /// Syncs the segment that is being written and gives it its index; the next record goes into another one.
    pub(super) fn seal(&mut self, sequence: &Sequence) -> Result<(), LogError> {
        self.sync(sequence)?;
        if let Some(Active { told, .. }) = self.active.take() {
            let format = &sequence.format;
            told.extent.seal(&*format.store, &format.topic_id)?;
            self.sealed.push(told);
            self.n_sealed += 1;
        }
        Ok(())
    }

    /// Puts everything that was written on the shelf, and tells those who wait for it.
    pub(super) fn show(&mut self, sequence: &Sequence) {
        let mut is_more = false;
        for mut told in self.sealed.drain(..) {
            is_more |= told.put(sequence);
        }
        if let Some(active) = &mut self.active {
            is_more |= active.told.put(sequence);
        }
        if is_more {
            sequence.shelf.tell();
        }
    }
}

impl Active {
    fn create(sequence: &Sequence, base: u64) -> Result<Self, LogError> {
        let format = &sequence.format;
        let store: &dyn Store = &*format.store;
        let id = SegmentId {
            partition: sequence.number,
            base,
        };
        let name = id.name();
        let write = |action| LogError::write(action, store.place(&name));
        let mut file = store.create(&name).map_err(write("create"))?;
        let header = id.header(&format.topic_id);
        file.write(&header).map_err(write("write"))?;
        store.sync().map_err(write("sync the name of"))?;
        let told = Told {
            extent: Extent::empty(id),
            next: base,
            n_entries: 0,
        };
        Ok(Active {
            file,
            told,
            is_synced: false,
        })
    }

    /// Takes note of as many of `frames` as go into a segment, at least one; gives how many bytes they have.
    fn extend(&mut self, segment_bytes: u64, frames: &[u8]) -> usize {
        let extent = &mut self.told.extent;
        let mut n_bytes = 0;
        while n_bytes < frames.len() && (n_bytes == 0 || extent.length < segment_bytes) {
            let rest = &frames[n_bytes..];
            let of_frame = frame::length(rest) as usize;
            extent.add(frame::time(rest), of_frame);
            n_bytes += of_frame;
        }
        n_bytes
    }

    fn error(
        &self,
        sequence: &Sequence,
        action: &'static str,
    ) -> impl FnOnce(std::io::Error) -> LogError + use<> {
        let name = self.told.extent.id.name();
        LogError::write(action, sequence.format.store.place(&name))
    }
}

//! The tail of a partition: records that were given offsets, and wait for the writer.
//!
//! Appenders work on it under its lock: they look for duplicates, give out offsets, and make frames. The writer takes all
//! the frames at once, and leaves an empty buffer.

use millstream_engine::EventTime;

use super::frame;
use super::ids::{IdHash, Ids};
use super::record::NewRecord;

/// A buffer that has grown beyond this is not used again.
const BUFFER_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Where records of a partition are appended.
pub(super) struct Tail {
    seed: u32,
    /// Frames that the writer has not taken.
    pending: Vec<u8>,
    /// The offset of the next record.
    next: u64,
    /// When the last one was appended.
    time: i64,
    ids: Ids,
}

/// Where a record of a call goes.
pub(super) struct Placed {
    pub(super) partition: u32,
    /// Which of the records of the call it is.
    pub(super) index: usize,
    pub(super) id: Option<IdHash>,
    /// Its offset, once it was given one; a duplicate is not.
    pub(super) offset: Option<u64>,
}

/// What became of some records of one partition.
#[derive(Default)]
pub(super) struct Taken {
    /// The offset after the last of them.
    pub(super) end: u64,
    pub(super) duplicates: usize,
    /// How many bytes of payload the others have.
    pub(super) payload_bytes: u64,
    /// How many bytes the duplicates would have had.
    pub(super) bytes_saved: usize,
}

impl Tail {
    pub(super) fn new(seed: u32, next: u64, time: i64, ids: Ids) -> Self {
        Tail {
            seed,
            pending: Vec::new(),
            next,
            time,
            ids,
        }
    }

    /// The offset of the next record.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// Takes records in; all before `durable` are durable.
    ///
    /// Ids are looked at first, all of them, and then frames are made: what is remembered is spread over much memory, and
    /// waiting for one place of it goes together with waiting for the next.
    pub(super) fn take(
        &mut self,
        records: &[NewRecord],
        placed: &mut [Placed],
        now: EventTime,
        durable: u64,
    ) -> Taken {
        let time = self.time.max(now.micros());
        let taken = self.claim(records, placed, time);
        let Tail { pending, seed, .. } = self;
        for Placed { index, offset, .. } in placed {
            if let Some(offset) = *offset {
                let at = (offset, time, behind(offset, durable));
                frame::encode(pending, *seed, at, &records[*index]);
            }
        }
        taken
    }

    /// Gives offsets to the records that are new, and notes their ids.
    fn claim(&mut self, records: &[NewRecord], placed: &mut [Placed], time: i64) -> Taken {
        let mut taken = Taken::default();
        for place in placed {
            let id = place.id;
            let original = id.and_then(|id| self.ids.claim(id, self.next, time));
            if let Some(original) = original {
                taken.duplicates += 1;
                taken.bytes_saved += frame::bytes_of(&records[place.index]);
                taken.end = taken.end.max(original + 1);
                continue;
            }
            self.ids.move_to(time);
            self.time = time;
            taken.payload_bytes += records[place.index].payload.len() as u64;
            place.offset = Some(self.next);
            self.next += 1;
            taken.end = self.next;
        }
        self.ids.forget();
        taken
    }

    /// Gives all frames that wait, for the empty buffer `spare`.
    pub(super) fn exchange(&mut self, spare: &mut Vec<u8>) {
        spare.clear();
        if spare.capacity() > BUFFER_BYTES_MAX {
            *spare = Vec::new();
        }
        std::mem::swap(&mut self.pending, spare);
    }
}

/// How many records directly before `offset` are not durable.
pub(super) fn behind(offset: u64, durable: u64) -> u32 {
    u32::try_from(offset.saturating_sub(durable)).unwrap_or(u32::MAX)
}

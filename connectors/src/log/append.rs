//! Appending: from the records of a call to frames in the tails of their partitions.
//!
//! A call is taken as a whole or not at all; what could refuse it is looked at before the first record is.

use super::error::LogError;
use super::frame::{PART_BYTES_MAX, bytes_of};
use super::group::{Then, Waiting};
use super::ids::id_hash;
use super::inner::Inner;
use super::record::{Appended, NewRecord};
use super::tail::{Placed, Taken};

impl Inner {
    /// Takes `records`, and has `then` called when they are durable; at once, if they are refused.
    pub(super) fn append(&self, records: Vec<NewRecord>, then: Then) {
        let placed = self.place_all(&records);
        drop(records);
        match placed {
            Ok(appended) => {
                if let Err(waiting) = self.queue.push(Waiting { then, appended }) {
                    (waiting.then)(Err(self.failure_or_closed()));
                }
            }
            Err(error) => then(Err(error)),
        }
    }

    fn place_all(&self, records: &[NewRecord]) -> Result<Appended, LogError> {
        if let Some(failure) = self.failure() {
            return Err(failure);
        }
        if self.queue.is_closed() {
            return Err(self.closed());
        }
        let mut n_bytes = 0;
        for (index, record) in records.iter().enumerate() {
            n_bytes += self.checked_bytes(index, record)?;
        }
        let mut placed = self.partitions_of(records)?;
        self.queue
            .reserve(n_bytes)
            .map_err(|bytes| LogError::Full {
                place: self.place.clone(),
                bytes,
                bytes_max: self.settings.pending_bytes_max,
            })?;
        let now = self.settings.clock.now();
        let mut appended = Appended::default();
        for of_partition in placed.chunk_by_mut(|a, b| a.partition == b.partition) {
            let partition = of_partition[0].partition;
            let sequence = &self.sequences[partition as usize];
            let mut tail = sequence.tail();
            let taken = tail.take(records, of_partition, now, sequence.durable());
            drop(tail);
            let Taken {
                end,
                duplicates,
                payload_bytes,
                bytes_saved,
            } = taken;
            appended.ends.push((partition, end));
            appended.duplicates += duplicates;
            appended.payload_bytes += payload_bytes;
            self.queue.release(bytes_saved);
        }
        Ok(appended)
    }

    /// How long the frame of a record will be.
    fn checked_bytes(&self, index: usize, record: &NewRecord) -> Result<usize, LogError> {
        let too_large = |what, bytes, bytes_max| {
            let place = self.place.clone();
            Err(LogError::TooLarge {
                place,
                index,
                what,
                bytes,
                bytes_max,
            })
        };
        let NewRecord { id, headers, .. } = record;
        for (what, bytes) in [("id", id.len()), ("headers", headers.len())] {
            if bytes > PART_BYTES_MAX {
                return too_large(what, bytes, PART_BYTES_MAX);
            }
        }
        let bytes = bytes_of(record);
        if bytes > self.settings.frame_bytes_max {
            return too_large("frame", bytes, self.settings.frame_bytes_max);
        }
        Ok(bytes)
    }

    /// Where the records go; those of one partition stand together, in their order.
    fn partitions_of(&self, records: &[NewRecord]) -> Result<Vec<Placed>, LogError> {
        let n_partitions = self.settings.partitions;
        let mut turn = None;
        let mut placed = Vec::with_capacity(records.len());
        for (index, record) in records.iter().enumerate() {
            let id = id_hash(&record.id);
            let partition = match (record.partition, id) {
                (Some(partition), _) => self.sequence(partition)?.number,
                (None, Some(id)) => (id as u64 % u64::from(n_partitions)) as u32,
                (None, None) => *turn.get_or_insert_with(|| self.next_turn()),
            };
            placed.push(Placed {
                partition,
                index,
                id,
                offset: None,
            });
        }
        if !placed.is_sorted_by_key(|placed: &Placed| placed.partition) {
            placed.sort_by_key(|placed| placed.partition);
        }
        Ok(placed)
    }
}

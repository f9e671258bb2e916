//! Intake: how records of a partition get into an epoch.
//!
//! Each record is given its event time and, if it came behind the watermark of its partition, that watermark; what is too
//! far in the future is refused. *Invariants*: whether a record is behind depends on the records before it in the same
//! partition and on nothing else.

use crate::dead_letter::{DeadLetter, RAW_BYTES_MAX, Trial};
use crate::epoch::Epoch;
use crate::record::Record;
use crate::time::EventTime;

/// When a record happened, that was taken in at a time.
pub(crate) type TimeOf<T> = dyn Fn(&T, EventTime) -> EventTime;

/// Takes a partition's records into the current epoch.
pub struct Intake<'a, T> {
    pub(crate) time_of: &'a TimeOf<T>,
    /// What a record is timed with that has no time of its own.
    pub(crate) taken_in: EventTime,
    pub(crate) watermark: &'a mut PartitionWatermark,
    pub(crate) latest_allowed: EventTime,
    pub(crate) room: usize,
    pub(crate) now: EventTime,
    pub(crate) partition: u32,
    pub(crate) source: &'a str,
    pub(crate) records: &'a mut Vec<Record<T>>,
    pub(crate) letters: &'a mut Vec<DeadLetter>,
    pub(crate) epoch: Epoch,
    /// When the record happened that was refused last, until it is rejected.
    pub(crate) refused: Option<EventTime>,
}

/// What is known of a record that is rejected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// It was a dead letter before and was sent again: what that letter said.
    pub before: Option<Trial>,
    /// How many bytes it had, if what is there is only the beginning of it.
    pub bytes: Option<u64>,
}

/// The event time of a record lies too far in the future: one wrong clock must not make everyone else late.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "event time {time} is later than {latest_allowed}, the latest allowed: \
     correct the producer's clock, or raise Watermarks::max_ahead"
)]
pub struct TooFarAhead {
    time: EventTime,
    latest_allowed: EventTime,
}

impl<T> Intake<'_, T> {
    /// How many more records, accepted or rejected, fit into this epoch.
    #[must_use]
    pub fn room(&self) -> usize {
        self.room
    }

    /// The epoch that records are taken into.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The run's clock as of this poll.
    #[must_use]
    pub fn now(&self) -> EventTime {
        self.now
    }

    /// Takes one record in.
    ///
    /// # Errors
    /// If its event time is too far ahead; then [`reject`](Self::reject) it with the error as the reason.
    #[inline]
    pub fn accept(&mut self, value: T) -> Result<(), TooFarAhead> {
        let time = (self.time_of)(&value, self.taken_in);
        if time > self.latest_allowed {
            self.refused = Some(time);
            return Err(TooFarAhead {
                time,
                latest_allowed: self.latest_allowed,
            });
        }
        let behind = self.watermark.observe(time);
        self.records.push(Record {
            value,
            time,
            behind,
        });
        self.room = self.room.saturating_sub(1);
        Ok(())
    }

    /// Makes a record that could not be taken in a dead letter; `raw` is cut to the first 64 KiB.
    ///
    /// If [`accept`](Self::accept) has just refused it, the letter says when it happened.
    pub fn reject(&mut self, offset: u64, reason: String, raw: &[u8]) {
        self.reject_known(offset, reason, raw, Known::default());
    }

    /// The same for a record of which more is known than its bytes.
    pub fn reject_known(&mut self, offset: u64, reason: String, raw: &[u8], known: Known) {
        let before = known.before;
        let trial = Trial {
            first_seen: before.map_or(self.now, |before| before.first_seen),
            attempts: before.map_or(0, |before| before.attempts).saturating_add(1),
        };
        self.letters.push(DeadLetter {
            source: self.source.into(),
            partition: self.partition,
            offset,
            event_time: self.refused.take(),
            reason,
            bytes: known.bytes.unwrap_or(raw.len() as u64),
            raw: raw[..raw.len().min(RAW_BYTES_MAX)].to_vec(),
            trial,
        });
        self.room = self.room.saturating_sub(1);
    }
}

/// The watermark of one partition: the largest event time it has seen, less the out-of-orderness allowed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PartitionWatermark {
    /// In microseconds; `None` where nothing is promised before the end.
    bound: Option<i64>,
    watermark: EventTime,
}

impl PartitionWatermark {
    pub(crate) fn new(bound: Option<i64>) -> Self {
        PartitionWatermark {
            bound,
            watermark: EventTime::MIN,
        }
    }

    pub(crate) fn get(&self) -> EventTime {
        self.watermark
    }

    pub(crate) fn restore(&mut self, watermark: EventTime) {
        self.watermark = watermark;
    }

    /// Promises that nothing earlier than `time` will follow.
    pub(crate) fn pass(&mut self, time: EventTime) {
        self.watermark = self.watermark.max(time);
    }

    /// Takes note of a record at `time`; gives the watermark it came behind, or `MIN` if it did not.
    #[inline]
    fn observe(&mut self, time: EventTime) -> EventTime {
        if time < self.watermark {
            return self.watermark;
        }
        if let Some(bound) = self.bound {
            let promised = EventTime::from_micros(time.micros().saturating_sub(bound));
            self.watermark = self.watermark.max(promised);
        }
        EventTime::MIN
    }
}

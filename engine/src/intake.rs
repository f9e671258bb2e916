//! Intake: how records of a partition get into an epoch.
//!
//! Each record is given its event time and, if it came behind the watermark of its partition, that watermark; what is too
//! far in the future is refused. *Invariants*: whether a record is behind depends on the records before it in the same
//! partition and on nothing else.

use crate::dead_letter::{DeadLetter, RAW_BYTES_MAX};
use crate::record::Record;
use crate::time::EventTime;

/// Takes a partition's records into the current epoch.
pub struct Intake<'a, T> {
    pub(crate) time_of: &'a dyn Fn(&T) -> EventTime,
    pub(crate) watermark: &'a mut PartitionWatermark,
    pub(crate) latest_allowed: EventTime,
    pub(crate) room: usize,
    pub(crate) now: EventTime,
    pub(crate) partition: u32,
    pub(crate) source: &'a str,
    pub(crate) records: &'a mut Vec<Record<T>>,
    pub(crate) letters: &'a mut Vec<DeadLetter>,
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

    /// The run's clock as of this poll.
    #[must_use]
    pub fn now(&self) -> EventTime {
        self.now
    }

    /// Takes one record in.
    ///
    /// # Errors
    /// If its event time is too far ahead; then [`reject`](Self::reject) it with the error as the reason.
    pub fn accept(&mut self, value: T) -> Result<(), TooFarAhead> {
        let time = (self.time_of)(&value);
        if time > self.latest_allowed {
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
    pub fn reject(&mut self, offset: u64, reason: String, raw: &[u8]) {
        let raw = raw[..raw.len().min(RAW_BYTES_MAX)].to_vec();
        let (source, partition) = (self.source.into(), self.partition);
        self.letters.push(DeadLetter {
            source,
            partition,
            offset,
            reason,
            raw,
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

    /// Takes note of a record at `time`; gives the watermark it came behind, or `MIN` if it did not.
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

//! Readers: each goes through a partition at its own pace, over the ends of segments, up to what can be read so far.

use std::sync::Arc;
use std::time::Duration;

use millstream_engine::EventTime;

use super::error::LogError;
use super::inner::Inner;
use super::record::LogRecord;
use super::sequence::Sequence;
use super::walk::{Stop, Walk};

/// A place in a partition, from which records are read one after the other.
///
/// It reads far ahead, and borrows records from what it has read: nothing is copied for a record.
pub struct Reader {
    inner: Arc<Inner>,
    partition: u32,
    offset: u64,
    /// Through the segment that it is in, once it has begun.
    walk: Option<Walk>,
    /// How much of this segment can be read, as far as is known.
    limit: u64,
}

impl Reader {
    pub(super) fn new(inner: Arc<Inner>, partition: u32, from: u64) -> Self {
        Reader {
            inner,
            partition,
            offset: from,
            walk: None,
            limit: 0,
        }
    }

    /// The offset of the record that is read next.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The next record; `None` if there is none yet: it has caught up with the end.
    ///
    /// # Errors
    /// [`LogError::Removed`] and [`LogError::BeyondEnd`] if there is no such record, not any more or not yet;
    /// [`LogError::Damaged`] and what the system said. It stays where it is.
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator's items do not borrow from it"
    )]
    pub fn next(&mut self) -> Result<Option<LogRecord<'_>>, LogError> {
        if !self.is_within() && !self.find()? {
            return Ok(None);
        }
        let walk = self.walk.as_mut().expect("it was found");
        match walk.next(self.limit) {
            Ok(Some(frame)) => {
                self.offset = frame.offset + 1;
                Ok(Some(LogRecord {
                    offset: frame.offset,
                    time: EventTime::from_micros(frame.time),
                    id: frame.id,
                    headers: frame.headers,
                    payload: frame.payload,
                }))
            }
            // It is within, so there is one.
            Ok(None) => Ok(None),
            Err(stop) => Err(stopped(&self.inner, self.partition, self.offset, stop)),
        }
    }

    /// Waits until there is a next record, or there will be none, for `timeout` at most; gives whether there is one.
    pub fn wait(&self, timeout: Duration) -> bool {
        self.sequence().shelf.wait(self.offset, timeout)
    }

    fn sequence(&self) -> &Sequence {
        &self.inner.sequences[self.partition as usize]
    }

    /// Whether the next record is known to be in the segment that it is in.
    #[inline]
    fn is_within(&self) -> bool {
        let walk = self.walk.as_ref();
        walk.is_some_and(|walk| walk.position() < self.limit)
    }

    /// Finds the segment of the next record, and how much of it can be read; gives whether there is one.
    #[cold]
    fn find(&mut self) -> Result<bool, LogError> {
        let sequence = &self.inner.sequences[self.partition as usize];
        let on_shelf = sequence.shelf.look();
        check_kept(&self.inner, self.partition, self.offset, on_shelf.start)?;
        if self.offset >= on_shelf.end {
            let is_end = self.offset == on_shelf.end;
            drop(on_shelf);
            let end = sequence.tail().next();
            return match is_end || self.offset <= end {
                true => Ok(false),
                false => Err(self.inner.beyond_end(self.partition, self.offset, end)),
            };
        }
        let segment = on_shelf.segment_of(self.offset);
        let segment = segment.expect("what is kept is in a segment");
        self.limit = segment.length;
        let is_there =
            |walk: &Walk| walk.segment() == segment.id && walk.next_offset() == self.offset;
        if self.walk.as_ref().is_some_and(is_there) {
            return Ok(true);
        }
        let from = segment.entry_for(self.offset);
        let mut walk = Walk::new(sequence.format.clone(), segment.id, from);
        drop(on_shelf);
        while walk.next_offset() < self.offset {
            if let Err(stop) = walk.next(self.limit) {
                return Err(stopped(&self.inner, self.partition, self.offset, stop));
            }
        }
        self.walk = Some(walk);
        Ok(true)
    }
}

fn check_kept(inner: &Inner, partition: u32, offset: u64, start: u64) -> Result<(), LogError> {
    if offset >= start {
        return Ok(());
    }
    Err(LogError::Removed {
        place: inner.place.clone(),
        partition,
        offset,
        start,
    })
}

/// The error of a reader that was stopped: its segment may have been removed in the meantime.
#[cold]
fn stopped(inner: &Inner, partition: u32, offset: u64, stop: Stop) -> LogError {
    let start = inner.sequences[partition as usize].shelf.look().start;
    match check_kept(inner, partition, offset, start) {
        Ok(()) => stop.error(),
        Err(removed) => removed,
    }
}

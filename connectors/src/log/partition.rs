//! A partition of a topic as a partition of a source.
//!
//! ```text
//!  Reader::next ─▶ headers? ─▶ refused when it came in ─────────────▶ reject
//!                     │   └──▶ sent again, for another source ─▶ passed over
//!                     └─ none, or for this one ─▶ decode ─▶ accept, or reject (again)
//! ```
//!
//! Its position is the offset of the next record. The offset of a dead letter is that of the record in the topic. After
//! each poll it notes how far it has read in which epoch.

use std::sync::Arc;

use millstream_engine::{
    Ack, BoxError, Epoch, Intake, Known, Partition, Polled, Position, SourceContext, Waker,
};

use crate::format::Decode;
use crate::take::Take;

use super::error::LogError;
use super::headers::{Again, RecordHeaders};
use super::progress::Progress;
use super::reader::Reader;
use super::record::LogRecord;
use super::shelf::Subscription;
use super::source::LogSourceError;
use super::topic::Topic;

/// How many records are looked at in a poll, though none of them may count.
const RECORDS_A_POLL: usize = 65_536;

/// One partition of a topic, read into a pipeline.
pub struct LogPartition<F> {
    topic: Topic,
    source: String,
    run: String,
    partition: u32,
    reader: Reader,
    format: F,
    /// It ends before this offset.
    until: Option<u64>,
    progress: Arc<Progress>,
    n_bytes: u64,
    _readable: Subscription,
}

/// Takes in what a partition of a topic has: as [`Take`], and what was tried before.
pub(super) trait TakeAgain<T>: Take<T> {
    fn epoch(&self) -> Epoch;
    fn reject_known(&mut self, offset: u64, reason: String, raw: &[u8], known: Known);
}

impl<T> TakeAgain<T> for Intake<'_, T> {
    fn epoch(&self) -> Epoch {
        Intake::epoch(self)
    }

    fn reject_known(&mut self, offset: u64, reason: String, raw: &[u8], known: Known) {
        Intake::reject_known(self, offset, reason, raw, known);
    }
}

impl<F: Decode> LogPartition<F> {
    /// Begins at offset `from`, in a run that begins anew; what comes after is kept from now on.
    pub(crate) fn begin(
        topic: &Topic,
        (partition, from): (u32, u64),
        format: F,
        cx: &SourceContext,
        waker: Waker,
    ) -> Result<Self, LogError> {
        topic.commit(&reader_name(cx), partition, from)?;
        Ok(Self::open(topic, (partition, from), format, cx, waker))
    }

    /// Goes on at `position`, which an earlier run has come to.
    pub(crate) fn resume(
        topic: &Topic,
        (partition, position): (u32, &Position),
        format: F,
        cx: &SourceContext,
        waker: Waker,
    ) -> Result<Self, BoxError> {
        let from = offset_of(&cx.name, position)?;
        topic.check_reached(partition, from)?;
        // An older run may have said that it has read further.
        let reader = reader_name(cx);
        let committed = topic.committed(&reader, partition);
        if committed.is_none_or(|committed| committed > from) {
            topic.commit(&reader, partition, from)?;
        }
        Ok(Self::open(topic, (partition, from), format, cx, waker))
    }

    fn open(
        topic: &Topic,
        (partition, from): (u32, u64),
        format: F,
        cx: &SourceContext,
        waker: Waker,
    ) -> Self {
        let progress = Progress::of(&cx.registry, &cx.name);
        progress.begin(partition, from);
        LogPartition {
            source: cx.name.clone(),
            run: cx.run.clone(),
            partition,
            reader: topic.read(partition, from),
            format,
            until: None,
            progress,
            n_bytes: 0,
            _readable: topic.on_readable(partition, waker),
            topic: topic.clone(),
        }
    }

    /// Ends where the topic ends now.
    pub(super) fn until_end(mut self) -> Self {
        self.until = Some(self.topic.end(self.partition));
        self
    }

    pub(super) fn advance(
        &mut self,
        intake: &mut impl TakeAgain<F::Item>,
    ) -> Result<Polled, LogError> {
        if let Some(failure) = self.topic.failure() {
            return Err(failure);
        }
        let (mut n_left, before) = (RECORDS_A_POLL, self.n_bytes);
        let polled = loop {
            if self
                .until
                .is_some_and(|until| self.reader.offset() >= until)
            {
                break Polled::Ended;
            }
            if intake.room() == 0 || n_left == 0 {
                break Polled::Ready;
            }
            n_left -= 1;
            let Some(record) = self.reader.next()? else {
                break Polled::CaughtUp { until: None };
            };
            self.n_bytes += record.payload.len() as u64;
            let to = (&*self.source, &*self.run);
            take(to, &mut self.format, &record, intake);
        };
        let epoch = intake.epoch();
        self.progress.add_bytes(self.n_bytes - before);
        self.progress
            .note(self.partition, self.reader.offset(), epoch);
        Ok(polled)
    }
}

/// Takes one record in, or makes a dead letter of it, or passes it over.
fn take<F: Decode>(
    (source, run): (&str, &str),
    format: &mut F,
    record: &LogRecord<'_>,
    intake: &mut impl TakeAgain<F::Item>,
) {
    let mut known = Known::default();
    let mut refused = None;
    if !record.headers.is_empty() {
        match RecordHeaders::parse(record.headers) {
            Ok(headers) => {
                let is_mine = |again: &Again| again.source == source && again.run == run;
                if headers.again.as_ref().is_some_and(|again| !is_mine(again)) {
                    return;
                }
                known.before = headers.again.map(|again| again.trial());
                known.bytes = headers.bytes;
                refused = headers.refused;
            }
            Err(error) => refused = Some(format!("its headers cannot be read: {error}")),
        }
    }
    let taken = match refused {
        Some(reason) => Err(reason),
        None => match format.decode(record.payload) {
            Ok(value) => intake.accept(value),
            Err(error) => Err(error.to_string()),
        },
    };
    if let Err(reason) = taken {
        intake.reject_known(record.offset, reason, record.payload, known);
    }
}

impl<F: Decode> Partition for LogPartition<F> {
    type Item = F::Item;

    fn poll(&mut self, intake: &mut Intake<'_, F::Item>) -> Result<Polled, BoxError> {
        Ok(self.advance(intake)?)
    }

    fn position(&self) -> Option<Position> {
        Some(Position(self.reader.offset().to_string()))
    }

    fn lag(&self) -> Option<u64> {
        let end = self.topic.end(self.partition);
        Some(end.saturating_sub(self.reader.offset()))
    }

    fn progress(&self) -> (u64, Option<u64>) {
        (self.n_bytes, None)
    }
}

/// The name under which a source reads a topic.
pub(crate) fn reader_name(cx: &SourceContext) -> String {
    format!("{}/{}", cx.app, cx.name)
}

/// The offset that a position of source `source` is.
pub(crate) fn offset_of(source: &str, position: &Position) -> Result<u64, LogSourceError> {
    position.0.parse().map_err(|_| LogSourceError::NoOffset {
        source_name: source.to_owned(),
        position: position.0.clone(),
    })
}

/// Commits to the topic what a source has read for good.
pub(crate) struct LogAck {
    topic: Topic,
    source: String,
    reader: String,
}

impl LogAck {
    pub(crate) fn new(topic: &Topic, cx: &SourceContext) -> Self {
        LogAck {
            topic: topic.clone(),
            source: cx.name.clone(),
            reader: reader_name(cx),
        }
    }
}

impl Ack for LogAck {
    fn ack(&self, partition: u32, position: &Position) -> Result<(), BoxError> {
        let offset = offset_of(&self.source, position)?;
        Ok(self.topic.commit(&self.reader, partition, offset)?)
    }
}

#[cfg(test)]
mod tests;

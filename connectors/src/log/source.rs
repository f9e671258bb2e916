//! A topic as a source: every pipeline reads it at its own pace, and goes on where it stood.

use std::sync::Arc;

use millstream_engine::{
    Ack, Arrival, BoxError, EventTime, Position, Rewind, Source, SourceContext, Waker,
};

use crate::format::Decode;

use super::error::LogError;
use super::partition::{LogAck, LogPartition};
use super::topic::Topic;

/// Where a run begins to read that has no state to go on from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ReadFrom {
    /// At the first record that is kept.
    #[default]
    Start,
    /// After the last one: only what comes from now on.
    End,
    /// At the first record that was appended at this time or later.
    Time(EventTime),
    /// At these offsets, one for each partition.
    Offsets(Vec<u64>),
}

/// A source of what a [`Topic`] has; [`decode`](LogSource::decode) says what its payloads are.
///
/// It follows the topic and never ends, unless it is told to end [`until_end`](Self::until_end). How far it has read is
/// part of the pipeline's state; the topic keeps what it has not read for good.
///
/// # Examples
/// ```
/// use millstream_connectors::{Event, Json, LogSource, Memory, NewRecord, ReadFrom, Topic, TopicSettings};
/// use millstream_engine::{App, Watermarks, seconds};
/// let dir = tempfile::tempdir()?;
/// let topic = Topic::open(dir.path(), TopicSettings::new())?;
/// topic.append_and_wait(vec![NewRecord::new(r#"{"timestamp":"2025-01-15T10:30:00Z","data":7}"#)])?;
///
/// let (orders, rows) = (topic.clone(), Memory::new());
/// let seen = rows.clone();
/// App::new("doc").workers(1).run(move |flow| {
///     let source = LogSource::new(&orders).from(ReadFrom::Start).until_end();
///     flow.source("orders", source.decode(Json::<Event<i64>>::new()))
///         .event_time(|order| order.timestamp, Watermarks::bounded(seconds(5)))
///         .columns("n", |order| order.data)
///         .sink("rows", rows.clone())
/// })?;
/// assert_eq!(seen.rows().len(), 1);
/// assert_eq!(topic.readers(), ["doc/orders"]);
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// ```
#[derive(Clone, Debug)]
pub struct LogSource<F = ()> {
    topic: Topic,
    from: ReadFrom,
    until_end: bool,
    format: F,
}

/// A source cannot read a topic as it was told to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LogSourceError {
    /// A position that no source of this kind had.
    #[error("source {source_name:?} cannot go on at {position:?}: it is no offset")]
    NoOffset {
        /// The source.
        source_name: String,
        /// What should be an offset.
        position: String,
    },
    /// Not as many offsets as partitions.
    #[error(
        "source {source_name:?} is to begin at {offsets} offsets, and its topic has {partitions} partitions: \
         give one for each"
    )]
    Offsets {
        /// The source.
        source_name: String,
        /// How many were given.
        offsets: usize,
        /// How many it takes.
        partitions: u32,
    },
}

impl LogSource {
    /// A source that reads all of `topic`.
    #[must_use]
    pub fn new(topic: &Topic) -> Self {
        LogSource {
            topic: topic.clone(),
            from: ReadFrom::default(),
            until_end: false,
            format: (),
        }
    }

    /// Begins there, if the run has no state to go on from.
    #[must_use]
    pub fn from(mut self, from: ReadFrom) -> Self {
        self.from = from;
        self
    }

    /// Reads what is there when the run starts, and ends.
    #[must_use]
    pub fn until_end(mut self) -> Self {
        self.until_end = true;
        self
    }

    /// A source of the values that `format` makes of the payloads.
    pub fn decode<F: Decode>(self, format: F) -> LogSource<F> {
        LogSource {
            topic: self.topic,
            from: self.from,
            until_end: self.until_end,
            format,
        }
    }
}

impl<F: Decode> LogSource<F> {
    fn first_offset(&self, partition: u32) -> Result<u64, LogError> {
        match &self.from {
            ReadFrom::Start => Ok(self.topic.start(partition)),
            ReadFrom::End => Ok(self.topic.end(partition)),
            ReadFrom::Time(time) => self.topic.offset_at(partition, *time),
            ReadFrom::Offsets(offsets) => Ok(offsets[partition as usize]),
        }
    }

    fn end(&self, partition: LogPartition<F>) -> LogPartition<F> {
        match self.until_end {
            true => partition.until_end(),
            false => partition,
        }
    }
}

impl<F: Decode> Source for LogSource<F> {
    type Item = F::Item;
    type Partition = LogPartition<F>;

    fn partitions(&self, cx: &SourceContext) -> Result<u32, BoxError> {
        if let Some(failure) = self.topic.failure() {
            return Err(failure.into());
        }
        let partitions = self.topic.partitions();
        if let ReadFrom::Offsets(offsets) = &self.from
            && offsets.len() != partitions as usize
        {
            return Err(LogSourceError::Offsets {
                source_name: cx.name.clone(),
                offsets: offsets.len(),
                partitions,
            }
            .into());
        }
        Ok(partitions)
    }

    fn open(
        &self,
        partition: u32,
        cx: &SourceContext,
        waker: Waker,
    ) -> Result<LogPartition<F>, BoxError> {
        let from = self.first_offset(partition)?;
        let format = self.format.clone();
        let begun = LogPartition::begin(&self.topic, (partition, from), format, cx, waker)?;
        Ok(self.end(begun))
    }

    fn resume(
        &self,
        partition: u32,
        position: &Position,
        cx: &SourceContext,
        waker: Waker,
    ) -> Result<LogPartition<F>, BoxError> {
        let format = self.format.clone();
        let at = (partition, position);
        let resumed = LogPartition::resume(&self.topic, at, format, cx, waker)?;
        Ok(self.end(resumed))
    }

    fn rewind(&self, _cx: &SourceContext) -> Rewind {
        Rewind::Replay
    }

    /// The id of the topic.
    fn identity(&self, _cx: &SourceContext) -> Result<String, BoxError> {
        Ok(self.topic.id().to_owned())
    }

    fn arrival(&self) -> Arrival {
        Arrival::Now
    }

    fn ack(&self, cx: &SourceContext) -> Option<Arc<dyn Ack>> {
        Some(Arc::new(LogAck::new(&self.topic, cx)))
    }
}

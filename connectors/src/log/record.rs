//! Records: what is appended to a topic, and what is read of it.

use bytes::Bytes;
use millstream_engine::EventTime;

/// A record on its way into a topic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewRecord {
    /// What tells it from others: a record with the id of one that is remembered is a duplicate. Empty: it has none.
    pub id: Vec<u8>,
    /// A JSON object, or nothing; see [`RecordHeaders`](super::RecordHeaders).
    pub headers: Vec<u8>,
    /// What it says.
    pub payload: Bytes,
    /// Where it goes. If not given, a hash of the id decides; records without ids go to one partition a call, in turn.
    pub partition: Option<u32>,
}

impl NewRecord {
    /// A record without an id, headers or a partition.
    pub fn new(payload: impl Into<Bytes>) -> Self {
        NewRecord {
            payload: payload.into(),
            ..NewRecord::default()
        }
    }

    /// The same record with an id.
    #[must_use]
    pub fn id(mut self, id: impl Into<Vec<u8>>) -> Self {
        self.id = id.into();
        self
    }

    /// The same record with headers, a JSON object.
    #[must_use]
    pub fn headers(mut self, headers: impl Into<Vec<u8>>) -> Self {
        self.headers = headers.into();
        self
    }

    /// The same record for a partition.
    #[must_use]
    pub fn partition(mut self, partition: u32) -> Self {
        self.partition = Some(partition);
        self
    }
}

/// What became of the records of one call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Appended {
    /// For each partition that has one of them: the offset after the last; for a duplicate, after its original.
    pub ends: Vec<(u32, u64)>,
    /// How many were there before, and are not there twice.
    pub duplicates: usize,
    /// How many bytes of payload the others have.
    pub payload_bytes: u64,
}

/// A record as it lies in a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogRecord<'a> {
    /// Its place in the partition.
    pub offset: u64,
    /// When it was appended, by the topic's clock; never before the record before it.
    pub time: EventTime,
    /// Its id; empty if it has none.
    pub id: &'a [u8],
    /// Its headers, a JSON object; mostly empty.
    pub headers: &'a [u8],
    /// What it says.
    pub payload: &'a [u8],
}

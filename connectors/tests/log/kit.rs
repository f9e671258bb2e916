//! What the tests of the log share: topics in stores that can be broken, and what is in them.

use std::sync::Arc;

use millstream_connectors::{LogError, NewRecord, Topic, TopicSettings};
use millstream_engine::{EventTime, Store, VirtualClock, testing::FaultStore};

/// A record that is read, as it was appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) offset: u64,
    pub(crate) time: EventTime,
    pub(crate) id: String,
    pub(crate) payload: String,
}

pub(crate) fn at_second(second: i64) -> EventTime {
    EventTime::from_millis(second * 1000)
}

pub(crate) fn clock() -> VirtualClock {
    VirtualClock::starting_at(at_second(1000))
}

pub(crate) fn settings(partitions: u32) -> TopicSettings {
    TopicSettings::new().partitions(partitions).clock(clock())
}

pub(crate) fn open(store: &(impl Store + Clone), settings: TopicSettings) -> Topic {
    try_open(store, settings).unwrap()
}

pub(crate) fn try_open(
    store: &(impl Store + Clone),
    settings: TopicSettings,
) -> Result<Topic, LogError> {
    Topic::open_in(Arc::new(store.clone()), settings)
}

/// Ends whoever writes `topic` as a killed process ends: nothing is left in order. The disk is gone until it is restarted.
pub(crate) fn die(topic: Topic, store: &FaultStore) {
    store.fail_at(1);
    drop(topic);
}

pub(crate) fn record(payload: impl Into<String>) -> NewRecord {
    NewRecord::new(payload.into())
}

/// A record whose payload is its id.
pub(crate) fn with_id(id: impl Into<String>) -> NewRecord {
    let id = id.into();
    NewRecord::new(id.clone()).id(id)
}

/// Everything that can be read of `partition` from offset `from` on.
pub(crate) fn try_read(topic: &Topic, partition: u32, from: u64) -> Result<Vec<Seen>, LogError> {
    let mut reader = topic.read(partition, from);
    let mut seen = Vec::new();
    while let Some(record) = reader.next()? {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        seen.push(Seen {
            offset: record.offset,
            time: record.time,
            id: text(record.id),
            payload: text(record.payload),
        });
    }
    assert_eq!(reader.offset(), topic.end(partition));
    Ok(seen)
}

pub(crate) fn read(topic: &Topic, partition: u32, from: u64) -> Vec<Seen> {
    try_read(topic, partition, from).unwrap()
}

pub(crate) fn payloads(topic: &Topic, partition: u32) -> Vec<String> {
    let seen = read(topic, partition, topic.start(partition));
    let offsets: Vec<u64> = seen.iter().map(|record| record.offset).collect();
    let expected: Vec<u64> = (topic.start(partition)..topic.end(partition)).collect();
    assert_eq!(offsets, expected, "offsets have no gaps");
    seen.into_iter().map(|record| record.payload).collect()
}

/// The names of the segments that are there.
pub(crate) fn segments(store: &impl Store) -> Vec<String> {
    let mut names = store.names().unwrap();
    names.retain(|name| name.ends_with(".log"));
    names.sort();
    names
}

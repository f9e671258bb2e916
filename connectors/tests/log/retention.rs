//! Retention: the oldest segments go when there is too much or they are too old, but not from under a reader.

use millstream_connectors::{LogError, MemoryStore, Retention, Topic, TopicSettings};
use millstream_engine::{Store, VirtualClock, hours, seconds};

use crate::kit::{clock, open, read, record, segments, settings, try_read};

/// Settings that keep about three segments of ten records each.
fn small(clock: &VirtualClock) -> TopicSettings {
    let retention = Retention {
        bytes: 3 * 1100,
        age: hours(1),
        ignore_readers: false,
    };
    settings(1)
        .clock(clock.clone())
        .segment_bytes(1000)
        .retention(retention)
}

fn append(topic: &Topic, n: usize) {
    for _ in 0..n {
        topic.append_and_wait(vec![record("x".repeat(70))]).unwrap();
    }
}

/// Waits until everything that was asked for before is done.
fn settle(topic: &Topic) {
    topic.append_and_wait(Vec::new()).unwrap();
}

fn n_bytes(store: &MemoryStore) -> u64 {
    let names = segments(store);
    names.iter().map(|name| store.length(name).unwrap()).sum()
}

#[test]
fn too_much_goes_the_oldest_first() {
    let (store, clock) = (MemoryStore::new(), clock());
    let topic = open(&store, small(&clock));
    append(&topic, 100);
    assert_eq!((topic.end(0), topic.start(0)), (100, 70));
    assert!(n_bytes(&store) <= 3 * 1100);
    assert_eq!(read(&topic, 0, 70).len(), 30);
    let error = try_read(&topic, 0, 69).unwrap_err();
    assert!(
        matches!(
            error,
            LogError::Removed {
                offset: 69,
                start: 70,
                ..
            }
        ),
        "{error}"
    );
    assert!(
        error.to_string().contains("the first that is kept is 70"),
        "{error}"
    );
    drop(topic);
    let topic = open(&store, small(&clock));
    assert_eq!((topic.end(0), topic.start(0)), (100, 70));
}

#[test]
fn what_a_reader_has_not_committed_stays() {
    let (store, clock) = (MemoryStore::new(), clock());
    let topic = open(&store, small(&clock));
    topic.commit("slow", 0, 0).unwrap();
    topic.commit("fast", 0, 0).unwrap();
    append(&topic, 100);
    topic.commit("fast", 0, 100).unwrap();
    settle(&topic);
    assert_eq!((topic.start(0), segments(&store).len()), (0, 10));
    topic.commit("slow", 0, 45).unwrap();
    settle(&topic);
    assert_eq!(topic.start(0), 40, "the segment in which it stands stays");
    assert_eq!(read(&topic, 0, 45).len(), 55);
    topic.commit("slow", 0, 100).unwrap();
    settle(&topic);
    assert_eq!(topic.start(0), 70);

    drop(topic);
    clock.advance(hours(2));
    let topic = open(&store, small(&clock));
    assert_eq!(topic.start(0), 90, "too old but for the last one");
    append(&topic, 1);
    assert_eq!(read(&topic, 0, 90).len(), 11);
}

#[test]
fn a_reader_that_is_forgotten_keeps_nothing() {
    let (store, clock) = (MemoryStore::new(), clock());
    let topic = open(&store, small(&clock));
    topic.commit("gone", 0, 0).unwrap();
    append(&topic, 100);
    assert_eq!(topic.start(0), 0);
    topic.forget_reader("gone").unwrap();
    settle(&topic);
    assert_eq!(topic.start(0), 70);
}

#[test]
fn readers_are_ignored_if_told_so() {
    let (store, clock) = (MemoryStore::new(), clock());
    let retention = Retention {
        bytes: 3 * 1100,
        ignore_readers: true,
        ..Retention::default()
    };
    let topic = open(&store, small(&clock).retention(retention));
    topic.commit("slow", 0, 0).unwrap();
    let mut slow = topic.read(0, 0);
    append(&topic, 5);
    assert_eq!(slow.next().unwrap().unwrap().offset, 0);
    append(&topic, 95);
    while slow.offset() < 5 {
        assert!(slow.next().unwrap().is_some(), "what it has fetched it has");
    }
    let error = slow.next().unwrap_err();
    assert!(
        matches!(
            error,
            LogError::Removed {
                offset: 5,
                start: 70,
                ..
            }
        ),
        "{error}"
    );
    let error = topic.commit("slow", 0, 101).unwrap_err();
    assert!(matches!(error, LogError::BeyondEnd { .. }), "{error}");
}

#[test]
fn too_old_goes() {
    let (store, clock) = (MemoryStore::new(), clock());
    let settings = || {
        let retention = Retention {
            age: seconds(95),
            ..Retention::default()
        };
        small(&clock).retention(retention)
    };
    let topic = open(&store, settings());
    for _ in 0..100 {
        append(&topic, 1);
        clock.advance(seconds(1));
    }
    assert_eq!(
        topic.start(0),
        0,
        "the last of the first segment is 90 s old"
    );
    append(&topic, 10);
    clock.advance(seconds(1));
    append(&topic, 1);
    assert_eq!(topic.start(0), 0, "it is looked at when a segment is full");
    clock.advance(seconds(10));
    append(&topic, 10);
    assert_eq!(
        topic.start(0),
        10,
        "what ended 102 s ago is gone, what ended 92 s ago is not"
    );
}

#[test]
fn partitions_share_the_room() {
    let (store, clock) = (MemoryStore::new(), clock());
    let topic = open(&store, small(&clock).partitions(2));
    for n in 0..200 {
        // The first partition has all the old records.
        let partition = u32::from(n >= 60);
        topic
            .append_and_wait(vec![record("x".repeat(70)).partition(partition)])
            .unwrap();
        clock.advance(seconds(1));
    }
    assert_eq!(topic.start(0), 50, "the last segment of a partition stays");
    assert!(topic.start(1) >= 110, "{}", topic.start(1));
}

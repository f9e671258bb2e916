//! What was appended is read, in order, now and after opening again.

use millstream_connectors::{LogError, MemoryStore, NewRecord, SyncPolicy, Topic};
use millstream_engine::{hours, millis, seconds, testing::FaultStore};

use crate::kit::{
    at_second, clock, open, payloads, read, record, segments, settings, try_open, try_read, with_id,
};

#[test]
fn records_come_back_as_they_were() {
    let store = MemoryStore::new();
    let topic = open(&store, settings(1));
    let headers = br#"{"trace":"4bf9"}"#.to_vec();
    let whole = NewRecord::new("payload").id("id").headers(headers.clone());
    let appended = topic.append_and_wait(vec![whole, record("")]).unwrap();
    assert_eq!(appended.ends, [(0, 2)]);
    let mut reader = topic.read(0, 0);
    let first = reader.next().unwrap().unwrap();
    assert_eq!((first.offset, first.time), (0, at_second(1000)));
    assert_eq!((first.id, first.headers), (&b"id"[..], &headers[..]));
    assert_eq!(first.payload, b"payload");
    let second = reader.next().unwrap().unwrap();
    assert_eq!(
        (second.offset, second.id, second.payload),
        (1, &b""[..], &b""[..])
    );
    assert_eq!(reader.next().unwrap(), None);
    assert_eq!(
        (reader.offset(), topic.end(0), topic.appended(0)),
        (2, 2, 2)
    );
}

#[test]
fn partitions_are_given_or_follow_from_the_id_or_come_in_turn() {
    let topic = open(&MemoryStore::new(), settings(3));
    for n in 0..30 {
        let ids = (0..3).map(|m| with_id(format!("{}", n % 10 + m)));
        topic.append_and_wait(ids.collect()).unwrap();
    }
    let by_id: usize = (0..3)
        .map(|partition| payloads(&topic, partition).len())
        .sum();
    assert_eq!(by_id, 12, "one id is always in one partition");
    let before: Vec<u64> = (0..3).map(|partition| topic.end(partition)).collect();
    for _ in 0..3 {
        let without: Vec<_> = (0..5).map(|n| record(n.to_string())).collect();
        let appended = topic.append_and_wait(without).unwrap();
        assert_eq!(appended.ends.len(), 1, "a call stays together");
    }
    for partition in 0..3 {
        assert_eq!(topic.end(partition), before[partition as usize] + 5);
    }
    let given = vec![record("x").partition(2), record("y").partition(0)];
    let appended = topic.append_and_wait(given).unwrap();
    assert_eq!(appended.ends, [(0, topic.end(0)), (2, topic.end(2))]);
    let error = topic
        .append_and_wait(vec![record("z").partition(3)])
        .unwrap_err();
    assert!(
        matches!(error, LogError::NoPartition { partition: 3, .. }),
        "{error}"
    );
}

/// Appends, reopens, rolls; the same with every policy and on a real disk.
fn check(open: &dyn Fn() -> Topic) {
    let mut expected = Vec::new();
    for round in 0..4 {
        let topic = open();
        assert!(topic.cuts().is_empty(), "it was left in order");
        for n in 0..10 {
            let payload = format!("{round}.{n} {}", "x".repeat(n * 17));
            topic
                .append_and_wait(vec![record(payload.clone())])
                .unwrap();
            expected.push(payload);
        }
        topic.close().unwrap();
        assert_eq!(payloads(&topic, 0), expected, "what can be read stays so");
        let error = topic.append_and_wait(vec![record("late")]).unwrap_err();
        assert!(matches!(error, LogError::Closed { .. }), "{error}");
    }
    assert_eq!(payloads(&open(), 0), expected);
}

#[test]
fn what_was_appended_is_there_after_opening_again() {
    for sync in [
        SyncPolicy::EveryGroup,
        SyncPolicy::Every(hours(1)),
        SyncPolicy::Never,
    ] {
        let store = FaultStore::new();
        check(&|| open(&store, settings(1).sync(sync).segment_bytes(500)));
        assert!(segments(&store).len() > 10);
        let dir = tempfile::tempdir().unwrap();
        check(&|| Topic::open(dir.path(), settings(1).sync(sync).segment_bytes(500)).unwrap());
    }
}

#[test]
fn one_call_goes_over_many_segments() {
    let store = MemoryStore::new();
    let topic = open(&store, settings(1).segment_bytes(300));
    let all: Vec<String> = (0..100).map(|n| format!("{n} {}", "x".repeat(n))).collect();
    topic
        .append_and_wait(all.iter().map(record).collect())
        .unwrap();
    assert_eq!(payloads(&topic, 0), all);
    assert!(segments(&store).len() > 20);
    for from in 0..100 {
        assert_eq!(read(&topic, 0, from)[0].payload, all[from as usize]);
    }
}

#[test]
fn times_never_go_back_and_are_found() {
    let clock = clock();
    let topic = open(
        &MemoryStore::new(),
        settings(1).clock(clock.clone()).segment_bytes(400),
    );
    for _ in 0..20 {
        topic
            .append_and_wait(vec![record("a"), record("b")])
            .unwrap();
        clock.advance(seconds(10));
    }
    for n in 0..20 {
        let offset = |time| topic.offset_at(0, time).unwrap();
        assert_eq!(offset(at_second(1000 + n * 10)), n as u64 * 2);
        assert_eq!(offset(at_second(1001 + n * 10)), n as u64 * 2 + 2);
    }
    assert_eq!(topic.offset_at(0, at_second(0)).unwrap(), 0);
}

#[test]
fn a_clock_that_goes_back_does_not_take_records_with_it() {
    let store = MemoryStore::new();
    let late = clock();
    late.advance(seconds(500));
    open(&store, settings(1).clock(late))
        .append_and_wait(vec![record("a")])
        .unwrap();
    let topic = open(&store, settings(1));
    topic.append_and_wait(vec![record("b")]).unwrap();
    let times: Vec<_> = read(&topic, 0, 0)
        .iter()
        .map(|record| record.time)
        .collect();
    assert_eq!(times, [at_second(1500), at_second(1500)]);
}

#[test]
fn every_so_often_means_acknowledged_before_it_is_read() {
    let store = FaultStore::new();
    let topic = open(&store, settings(1).sync(SyncPolicy::Every(hours(1))));
    topic.append_and_wait(vec![record("a")]).unwrap();
    assert_eq!((topic.end(0), topic.appended(0)), (0, 1));
    topic.close().unwrap();
    assert_eq!(topic.end(0), 1);

    let soon = open(
        &MemoryStore::new(),
        settings(1).sync(SyncPolicy::Every(millis(1))),
    );
    soon.append_and_wait(vec![record("a")]).unwrap();
    assert!(
        soon.read(0, 0).wait(seconds(60)),
        "it is synced though nothing more comes"
    );
}

#[test]
fn what_does_not_fit_is_refused_as_a_whole() {
    let topic = open(&MemoryStore::new(), settings(1).record_bytes_max(100));
    let of = |bytes| record("x".repeat(bytes));
    topic.append_and_wait(vec![of(68)]).unwrap();
    let error = topic.append_and_wait(vec![of(1), of(69)]).unwrap_err();
    assert!(
        matches!(
            error,
            LogError::TooLarge {
                index: 1,
                bytes: 101,
                bytes_max: 100,
                ..
            }
        ),
        "{error}"
    );
    let error = topic
        .append_and_wait(vec![record("").id(vec![1; 70_000])])
        .unwrap_err();
    assert!(
        matches!(error, LogError::TooLarge { what: "id", .. }),
        "{error}"
    );
    assert_eq!(topic.end(0), 1);
}

#[test]
fn offsets_that_are_not_there_are_told() {
    let topic = open(&MemoryStore::new(), settings(1));
    topic.append_and_wait(vec![record("a")]).unwrap();
    assert_eq!(try_read(&topic, 0, 1).unwrap(), []);
    let error = try_read(&topic, 0, 2).unwrap_err();
    assert!(
        matches!(
            error,
            LogError::BeyondEnd {
                offset: 2,
                end: 1,
                ..
            }
        ),
        "{error}"
    );
    let error = topic.commit("r", 0, 2).unwrap_err();
    assert!(matches!(error, LogError::BeyondEnd { .. }), "{error}");
}

#[test]
fn a_topic_is_what_it_was_made() {
    let store = MemoryStore::new();
    let id = open(&store, settings(2)).id().to_owned();
    assert_eq!(id.len(), 32);
    let error = try_open(&store, settings(3)).unwrap_err();
    let expected = matches!(
        error,
        LogError::OtherPartitions {
            partitions: 2,
            asked: 3,
            ..
        }
    );
    assert!(expected, "{error}");
    assert_eq!(open(&store, settings(2)).id(), id);
    assert_ne!(open(&MemoryStore::new(), settings(2)).id(), id);
    let error = try_open(&store, settings(0)).unwrap_err();
    assert!(matches!(error, LogError::BadSetting { .. }), "{error}");
}

#[test]
fn one_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let topic = Topic::open(dir.path(), settings(1)).unwrap();
    let error = Topic::open(dir.path(), settings(1)).unwrap_err();
    assert!(matches!(error, LogError::InUse { .. }), "{error}");
    assert!(error.to_string().contains(&topic.place()), "{error}");
    topic.close().unwrap();
    assert!(Topic::open(dir.path(), settings(1)).is_ok());
}

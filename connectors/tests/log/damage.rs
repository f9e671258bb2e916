//! Whatever byte of whatever file is wrong: it is told, or it is the end that was being written; no record is ever wrong.

use std::time::Duration;

use millstream_connectors::{LogError, MemoryStore, NewRecord, Topic, TopicSettings};
use millstream_engine::{Store as _, testing::FaultStore};

use crate::ids::{append, gated_in};
use crate::kit::{die, open, payloads, record, segments, settings, try_open, with_id};

const PATIENCE: Duration = Duration::from_secs(60);

/// Groups of two records each.
const N_GROUPS: usize = 18;

/// The first record of the last segment.
const LAST: usize = 30;

fn small() -> TopicSettings {
    settings(1).segment_bytes(500)
}

/// The same without ids, so that no more is read than must be when it is opened.
fn without_ids() -> TopicSettings {
    small().remember_ids(0)
}

fn group(n: usize) -> Vec<String> {
    vec![format!("{n}.0 {}", "x".repeat(n)), format!("{n}.1")]
}

fn all() -> Vec<String> {
    (0..N_GROUPS).flat_map(group).collect()
}

/// How a topic was left.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Left {
    /// In order.
    Closed,
    /// The process was killed: the last segment was being written.
    Killed,
}

fn store(left: Left) -> FaultStore {
    let store = FaultStore::new();
    let topic = open(&store, small());
    for n in 0..N_GROUPS {
        let records = group(n).into_iter().map(with_id).collect();
        topic.append_and_wait(records).unwrap();
    }
    if left == Left::Closed {
        topic.close().unwrap();
    } else {
        die(topic, &store);
        store.kill();
    }
    let segments = segments(&store);
    assert_eq!(segments.len(), 4, "{segments:?}");
    assert_eq!(base(&segments[3]), LAST, "three groups in the last segment");
    store
}

fn base(segment: &str) -> usize {
    let base = segment.split_once('-').unwrap().1;
    base.strip_suffix(".log").unwrap().parse().unwrap()
}

/// What can be read, and what stopped it.
fn read(topic: &Topic) -> (Vec<String>, Option<LogError>) {
    let mut reader = topic.read(0, 0);
    let mut payloads = Vec::new();
    loop {
        match reader.next() {
            Ok(Some(record)) => payloads.push(String::from_utf8(record.payload.to_vec()).unwrap()),
            Ok(None) => return (payloads, None),
            Err(error) => return (payloads, Some(error)),
        }
    }
}

/// Checks that `error` names the segment and an offset in it that comes before `end`.
fn check_names(error: &LogError, segment: &str, end: usize, context: &str) {
    let LogError::Damaged { place, offset, .. } = error else {
        panic!("{context}: {error}");
    };
    assert_eq!(*place, format!("memory:{segment}"), "{context}");
    let range = base(segment)..end;
    assert!(range.contains(&(*offset as usize)), "{context}: {error}");
    let said = error.to_string();
    assert!(said.contains(&format!("offset {offset}")), "{said}");
}

/// What came of a byte that is wrong in a segment.
#[derive(Debug, PartialEq, Eq)]
enum Came {
    Told,
    Cut,
}

/// Opens and reads a topic of which something is wrong in `segment`.
fn come(store: &FaultStore, settings: TopicSettings, segment: &str, context: &str) -> Came {
    let names = segments(store);
    let after = names.iter().find(|name| name.as_str() > segment);
    let end = after.map_or(all().len(), |after| base(after));
    let topic = match try_open(store, settings) {
        Ok(topic) => topic,
        Err(error) => {
            check_names(&error, segment, end, context);
            return Came::Told;
        }
    };
    let (payloads, error) = read(&topic);
    assert!(all().starts_with(&payloads), "{context}: {payloads:?}");
    if let Some(error) = error {
        assert!(payloads.len() >= base(segment), "{context}");
        check_names(&error, segment, end, context);
        return Came::Told;
    }
    let cuts = topic.cuts();
    assert_eq!(
        cuts.len(),
        1,
        "{context}: nothing is passed over in silence"
    );
    assert_eq!((cuts[0].partition, &*cuts[0].segment), (0, segment));
    // Only the last group can have been what was being written: the one before was durable then.
    assert!(payloads.len() >= all().len() - 2, "{context}: {payloads:?}");
    // It goes on after it.
    let next = topic.end(0);
    let appended = topic.append_and_wait(vec![with_id("new")]).unwrap();
    assert_eq!(appended.ends, [(0, next + 1)], "{context}");
    Came::Cut
}

/// Tries every byte, or some.
fn check(left: Left, settings: fn() -> TopicSettings, every: usize) {
    let (mut n_told, mut n_cut) = (0, 0);
    let names = segments(&store(left));
    for segment in &names {
        let length = store(left).length(segment).unwrap();
        for byte in (0..length).step_by(every) {
            let store = store(left);
            store.corrupt(segment, byte);
            let context = format!("byte {byte} of {length} of {segment}");
            match come(&store, settings(), segment, &context) {
                Came::Told => n_told += 1,
                Came::Cut => {
                    let is_last = *segment == names[3];
                    assert!(is_last && left == Left::Killed, "{context} was durable");
                    n_cut += 1;
                }
            }
        }
    }
    assert!(n_told > 1500 / every, "{n_told}");
    assert_eq!(n_cut > 0, left == Left::Killed, "{n_cut}");
}

#[test]
fn a_wrong_bit_in_a_topic_that_was_closed_is_told() {
    check(Left::Closed, small, 5);
    check(Left::Closed, without_ids, 1);
}

#[test]
fn a_wrong_bit_in_a_topic_that_was_killed_is_told_or_was_in_its_last_group() {
    check(Left::Killed, small, 1);
    check(Left::Killed, without_ids, 5);
}

#[test]
fn a_tail_that_is_torn_anywhere_is_cut_there() {
    let last = segments(&store(Left::Killed))[3].clone();
    let length = store(Left::Killed).length(&last).unwrap();
    for bytes in 0..length {
        let store = store(Left::Killed);
        store.truncate(&last, bytes);
        let topic = open(&store, small());
        let whole = payloads(&topic, 0);
        assert!(all().starts_with(&whole), "{bytes}");
        assert!((LAST..all().len()).contains(&whole.len()), "{bytes}");
        // What was cut off can be sent again, and is no duplicate.
        let rest: Vec<_> = all().split_off(whole.len());
        let appended = topic.append_and_wait(rest.into_iter().map(with_id).collect());
        assert_eq!(appended.unwrap().duplicates, 0, "{bytes}");
        topic.close().unwrap();
        assert_eq!(payloads(&open(&store, small()), 0), all(), "{bytes}");
    }
}

#[test]
fn a_sealed_segment_that_is_cut_off_is_told() {
    for left in [Left::Closed, Left::Killed] {
        let segment = segments(&store(left))[2].clone();
        for bytes in 0..store(left).length(&segment).unwrap() {
            let store = store(left);
            store.truncate(&segment, bytes);
            let context = format!("{bytes} bytes of {segment}");
            assert!(try_open(&store, without_ids()).is_err(), "{context}");
            assert_eq!(come(&store, without_ids(), &segment, &context), Came::Told);
        }
    }
}

#[test]
fn indexes_are_made_anew() {
    let names = store(Left::Closed).names().unwrap();
    for index in names.iter().filter(|name| name.ends_with(".index")) {
        let length = store(Left::Closed).length(index).unwrap();
        for byte in 0..length {
            let store = store(Left::Closed);
            store.corrupt(index, byte);
            let topic = open(&store, without_ids());
            assert_eq!(payloads(&topic, 0), all(), "byte {byte} of {index}");
            assert!(topic.cuts().is_empty());
        }
        let store = store(Left::Closed);
        store.remove(index).unwrap();
        assert_eq!(
            payloads(&open(&store, small()), 0),
            all(),
            "without {index}"
        );
        assert!(store.names().unwrap().contains(index));
    }
}

#[test]
fn a_segment_that_is_gone_is_told() {
    for gone in 0..3 {
        let store = store(Left::Closed);
        let segment = segments(&store)[gone].clone();
        store.remove(&segment).unwrap();
        let error = try_open(&store, small()).unwrap_err();
        assert!(matches!(error, LogError::DamagedFile { .. }), "{error}");
        assert!(error.to_string().contains("are missing"), "{error}");
    }
}

#[test]
fn small_files_are_what_they_were_or_told() {
    for name in ["topic", "readers"] {
        let store = || {
            let store = store(Left::Closed);
            open(&store, small()).commit("reader", 0, 3).unwrap();
            store
        };
        for byte in 0..store().length(name).unwrap() {
            let store = store();
            store.corrupt(name, byte);
            let error = try_open(&store, small()).unwrap_err();
            let LogError::DamagedFile { place, .. } = &error else {
                panic!("byte {byte} of {name}: {error}");
            };
            assert_eq!(*place, format!("memory:{name}"));
        }
    }
    let store = store(Left::Closed);
    store.remove("topic").unwrap();
    let error = try_open(&store, small()).unwrap_err().to_string();
    assert!(error.contains("it is missing beside segments"), "{error}");
}

#[test]
fn what_looks_like_records_behind_a_torn_one_is_seen_through() {
    // A payload that is itself a segment of another topic, torn in the middle.
    let inner = store(Left::Killed);
    let name = segments(&inner)[0].clone();
    let length = inner.length(&name).unwrap();
    let bytes = inner
        .read(&name, 0, usize::try_from(length).unwrap())
        .unwrap();
    let outer = FaultStore::new();
    let topic = open(&outer, settings(1));
    topic.append_and_wait(vec![with_id("first")]).unwrap();
    let twice = [bytes.clone(), bytes].concat();
    let with_inner = NewRecord::new(twice);
    topic.append_and_wait(vec![with_inner]).unwrap();
    die(topic, &outer);
    outer.kill();
    let name = segments(&outer)[0].clone();
    outer.truncate(&name, outer.length(&name).unwrap() - 10);
    let topic = open(&outer, settings(1));
    assert_eq!(payloads(&topic, 0), ["first"]);
    assert_eq!(topic.cuts().len(), 1);
}

/// Changes a file in memory.
fn change(store: &MemoryStore, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
    let length = usize::try_from(store.length(name).unwrap()).unwrap();
    let mut bytes = store.read(name, 0, length).unwrap();
    change(&mut bytes);
    store.create(name).unwrap().write(&bytes).unwrap();
}

#[test]
fn a_record_in_the_place_of_another_is_no_record() {
    for left in [Left::Closed, Left::Killed] {
        let store = MemoryStore::new();
        let topic = open(&store, settings(1).remember_ids(0));
        for payload in ["a", "b", "c", "d"] {
            topic.append_and_wait(vec![record(payload)]).unwrap();
        }
        match left {
            Left::Closed => drop(topic),
            Left::Killed => std::mem::forget(topic),
        }
        // Each is 33 bytes long, after a header of 48: the third is where the second was.
        change(&store, &segments(&store)[0], |bytes| {
            bytes.copy_within(114..147, 81)
        });
        let error = match try_open(&store, settings(1).remember_ids(0)) {
            Ok(topic) => {
                let (payloads, error) = read(&topic);
                assert_eq!(payloads, ["a"]);
                error.unwrap()
            }
            Err(error) => error,
        };
        assert!(
            matches!(error, LogError::Damaged { offset: 1, .. }),
            "{error}"
        );
        assert!(
            error.to_string().contains("it says that it is record 2"),
            "{error}"
        );
    }
}

#[test]
fn a_group_tells_that_the_one_before_was_durable() {
    let store = MemoryStore::new();
    let (topic, asks, allow) = gated_in(store.clone(), settings(1));
    let first = append(&topic, vec![record("a")]);
    asks.recv_timeout(PATIENCE).unwrap();
    // These are made while the first is not durable, and written when it is.
    let second = append(&topic, vec![record("b"), record("c")]);
    drop(allow);
    for answers in [first, second] {
        answers.recv_timeout(PATIENCE).unwrap().unwrap();
    }
    std::mem::forget(topic);
    change(&store, &segments(&store)[0], |bytes| bytes[60] ^= 1);
    let error = try_open(&store, settings(1)).unwrap_err();
    assert!(
        matches!(error, LogError::Damaged { offset: 0, .. }),
        "{error}"
    );
    assert!(
        error.to_string().contains("record 1 after it is whole"),
        "{error}"
    );
}

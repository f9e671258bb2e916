//! After a write or a sync has failed, and when too much waits.

use std::io;
use std::sync::mpsc::channel;
use std::time::Duration;

use millstream_connectors::{LogError, MemoryStore};
use millstream_engine::{Waker, testing::FaultStore};

use crate::ids::{append, gated};
use crate::kit::{open, payloads, record, settings, try_open};

const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn nothing_is_written_after_a_failed_sync() {
    let store = FaultStore::new();
    let topic = open(&store, settings(2));
    topic
        .append_and_wait(vec![record("a").partition(0)])
        .unwrap();
    topic.commit("reader", 0, 0).unwrap();
    let (woken, wakes) = channel();
    let _subscription = topic.on_readable(1, Waker::new(move || woken.send(()).unwrap()));
    // The write is the first operation, the sync of it the second.
    store.fail_at(2);
    let error = topic
        .append_and_wait(vec![record("b").partition(0)])
        .unwrap_err();
    let said = error.to_string();
    assert!(
        said.starts_with("cannot sync memory:0-00000000000000000000.log: "),
        "{said}"
    );
    assert!(
        said.ends_with("see to the disk, then open it again"),
        "{said}"
    );
    wakes.recv_timeout(PATIENCE).expect("every reader is told");

    let n_operations = store.n_operations();
    // The same disk, and it works again: nobody tries.
    store.kill();
    let errors = [
        topic
            .append_and_wait(vec![record("c").partition(1)])
            .unwrap_err(),
        topic.commit("reader", 0, 1).unwrap_err(),
        topic.commit("other", 0, 1).unwrap_err(),
        topic.forget_reader("reader").unwrap_err(),
        topic.failure().unwrap(),
        topic.close().unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.to_string(), said);
    }
    assert_eq!(payloads(&topic, 0), ["a"], "what could be read still can");
    drop(topic);
    assert_eq!(store.n_operations(), n_operations, "nothing was written");

    let topic = open(&store, settings(2));
    let left = payloads(&topic, 0);
    assert!(left == ["a"] || left == ["a", "b"], "{left:?}");
    topic
        .append_and_wait(vec![record("c").partition(1)])
        .unwrap();
}

#[test]
fn those_who_come_while_it_fails_are_told_too() {
    let (topic, asks, allow) = gated(settings(1));
    let first = append(&topic, vec![record("a")]);
    asks.recv_timeout(PATIENCE).unwrap();
    let second = append(&topic, vec![record("b")]);
    allow
        .send(Err(io::Error::other("the disk is broken")))
        .unwrap();
    for answers in [first, second] {
        let error = answers.recv_timeout(PATIENCE).unwrap().unwrap_err();
        assert!(
            matches!(error, LogError::Write { action: "sync", .. }),
            "{error}"
        );
    }
    assert_eq!((topic.end(0), topic.appended(0)), (0, 2));
}

#[test]
fn a_full_disk_ends_the_writing_and_room_brings_it_back() {
    let store = FaultStore::new();
    let topic = open(&store, settings(1));
    topic.append_and_wait(vec![record("a")]).unwrap();
    store.full_after(400);
    let error = topic
        .append_and_wait(vec![record("x".repeat(1000))])
        .unwrap_err();
    assert!(
        matches!(
            error,
            LogError::Write {
                action: "write",
                ..
            }
        ),
        "{error}"
    );
    drop(topic);
    store.crash();
    let topic = open(&store, settings(1));
    assert_eq!(payloads(&topic, 0), ["a"]);
    topic.append_and_wait(vec![record("b")]).unwrap();
}

#[test]
fn full_is_told_at_once_and_does_not_last() {
    let (topic, asks, allow) = gated(settings(1).pending_bytes_max(1000));
    let first = append(&topic, vec![record("x".repeat(500))]);
    asks.recv_timeout(PATIENCE).unwrap();
    // The first is written and being synced; these wait.
    let second = append(&topic, vec![record("y".repeat(600))]);
    let refused = append(&topic, vec![record("z".repeat(600))]);
    let error = refused.try_recv().unwrap().unwrap_err();
    assert!(
        matches!(
            error,
            LogError::Full {
                bytes: 632,
                bytes_max: 1000,
                ..
            }
        ),
        "{error}"
    );
    let third = append(&topic, vec![record("z".repeat(100))]);
    drop(allow);
    for answers in [first, second, third] {
        answers.recv_timeout(PATIENCE).unwrap().unwrap();
    }
    topic
        .append_and_wait(vec![record("z".repeat(600))])
        .unwrap();
    let larger = record("z".repeat(5000));
    topic
        .append_and_wait(vec![larger])
        .expect("taken when nothing waits");
    assert_eq!(topic.end(0), 5);
}

#[test]
fn one_who_panics_does_not_take_the_answer_from_the_others() {
    let topic = open(&MemoryStore::new(), settings(1));
    topic.append(vec![record("a")], |_| panic!("as it is told to, in a test"));
    topic.append_and_wait(vec![record("b")]).unwrap();
    assert_eq!(topic.end(0), 2);
}

#[test]
fn the_last_handle_may_be_dropped_where_an_answer_is_told() {
    let store = FaultStore::new();
    let topic = open(&store, settings(1));
    let (answered, answers) = channel();
    let handle = topic.clone();
    topic.append(vec![record("a")], move |result| {
        drop(handle);
        answered.send(result.map(|appended| appended.ends)).unwrap();
    });
    drop(topic);
    assert_eq!(answers.recv_timeout(PATIENCE).unwrap().unwrap(), [(0, 1)]);
}

#[test]
fn opening_a_broken_store_says_what_was_tried() {
    let store = FaultStore::new();
    store.fail_at(1);
    let error = try_open(&store, settings(1)).unwrap_err().to_string();
    assert!(error.starts_with("cannot create memory:topic: "), "{error}");
}

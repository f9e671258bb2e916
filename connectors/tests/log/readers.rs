//! Readers: each at its own pace, told when there is more, and none of them asking in vain.

use std::sync::mpsc::channel;
use std::time::Duration;

use millstream_connectors::{LogError, MemoryStore, Subscription, SyncPolicy};
use millstream_engine::{Waker, hours, testing::FaultStore};

use crate::kit::{die, open, record, settings, try_read};

const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn readers_are_independent_of_one_another() {
    let topic = open(&MemoryStore::new(), settings(1).segment_bytes(300));
    let mut readers: Vec<_> = (0..3).map(|_| topic.read(0, 0)).collect();
    let mut read = vec![0_u64; 3];
    for n in 0..200_u64 {
        topic.append_and_wait(vec![record(n.to_string())]).unwrap();
        for (who, reader) in readers.iter_mut().enumerate() {
            // The first reads everything at once, the second one a round, the third in large steps.
            let wanted = [u64::MAX, 1, if n % 50 == 49 { 50 } else { 0 }][who];
            let mut n_read = 0;
            while n_read < wanted
                && let Some(record) = reader.next().unwrap()
            {
                assert_eq!(record.offset, read[who]);
                assert_eq!(record.payload, read[who].to_string().as_bytes());
                read[who] += 1;
                n_read += 1;
            }
        }
    }
    assert_eq!(read, [200, 200, 200]);
}

#[test]
fn many_threads_append_and_many_read() {
    const N_RECORDS: u64 = 500;
    let topic = open(&MemoryStore::new(), settings(2).segment_bytes(4000));
    std::thread::scope(|scope| {
        for appender in 0..3 {
            let topic = &topic;
            scope.spawn(move || {
                for n in 0..N_RECORDS {
                    let partition = (n % 2) as u32;
                    let of = record(format!("{appender} {n}")).partition(partition);
                    topic.append(vec![of], |result| drop(result.unwrap()));
                }
            });
        }
        for reader in 0..4 {
            let topic = &topic;
            scope.spawn(move || {
                let mut reader = topic.read(reader % 2, 0);
                let mut last = [None; 3];
                while reader.offset() < 3 * N_RECORDS / 2 {
                    let Some(record) = reader.next().unwrap() else {
                        assert!(reader.wait(PATIENCE));
                        continue;
                    };
                    let text = std::str::from_utf8(record.payload).unwrap();
                    let (appender, n) = text.split_once(' ').unwrap();
                    let n: u64 = n.parse().unwrap();
                    let last = &mut last[appender.parse::<usize>().unwrap()];
                    assert!(last.is_none_or(|last| last < n), "in order");
                    *last = Some(n);
                }
            });
        }
    });
}

#[test]
fn a_reader_that_has_caught_up_is_woken() {
    let topic = open(&MemoryStore::new(), settings(2));
    let (woken, wakes) = channel();
    let subscription: Subscription =
        topic.on_readable(1, Waker::new(move || woken.send(()).unwrap()));
    topic
        .append_and_wait(vec![record("a").partition(1)])
        .unwrap();
    wakes.recv_timeout(PATIENCE).expect("it is woken");
    topic
        .append_and_wait(vec![record("a").partition(0)])
        .unwrap();
    assert!(wakes.try_recv().is_err(), "only for its partition");
    topic
        .append_and_wait(vec![record("a").partition(1)])
        .unwrap();
    wakes.recv_timeout(PATIENCE).expect("it is woken again");
    drop(subscription);
    topic
        .append_and_wait(vec![record("a").partition(1)])
        .unwrap();
    assert!(
        wakes.recv_timeout(PATIENCE).is_err(),
        "whoever is gone is not called"
    );
}

#[test]
fn a_reader_waits_for_what_can_be_read_and_not_for_what_was_written() {
    let topic = open(
        &FaultStore::new(),
        settings(1).sync(SyncPolicy::Every(hours(1))),
    );
    let (answered, answers) = channel();
    topic.append(vec![record("a")], move |result| {
        answered.send(result).unwrap()
    });
    answers.recv_timeout(PATIENCE).unwrap().unwrap();
    let mut reader = topic.read(0, 0);
    assert!(!reader.wait(Duration::ZERO));
    assert_eq!(reader.next().unwrap(), None);
    let waiting = std::thread::spawn(move || {
        let is_more = reader.wait(PATIENCE);
        (is_more, reader.next().unwrap().map(|record| record.offset))
    });
    // Closing syncs.
    topic.close().unwrap();
    assert_eq!(waiting.join().unwrap(), (true, Some(0)));
}

#[test]
fn whoever_waits_is_told_when_there_will_be_no_more() {
    let topic = open(&MemoryStore::new(), settings(1));
    let (woken, wakes) = channel();
    let _subscription = topic.on_readable(0, Waker::new(move || woken.send(()).unwrap()));
    let reader = topic.read(0, 0);
    let waiting = std::thread::spawn(move || reader.wait(PATIENCE));
    topic.close().unwrap();
    assert!(!waiting.join().unwrap());
    wakes.recv_timeout(PATIENCE).expect("it is woken");
}

#[test]
fn readers_outlive_the_topic() {
    let topic = open(&MemoryStore::new(), settings(1));
    topic
        .append_and_wait(vec![record("a"), record("b")])
        .unwrap();
    let mut reader = topic.read(0, 1);
    drop(topic);
    assert_eq!(reader.next().unwrap().unwrap().payload, b"b");
    assert_eq!(reader.next().unwrap(), None);
}

#[test]
fn what_was_committed_is_known_after_opening_again() {
    let store = FaultStore::new();
    let topic = open(&store, settings(2));
    for partition in 0..2 {
        let of = record("a").partition(partition);
        topic.append_and_wait(vec![of.clone(), of]).unwrap();
    }
    topic.commit("a", 1, 1).unwrap();
    topic.commit("b", 0, 2).unwrap();
    topic.commit("b", 1, 2).unwrap();
    assert_eq!(
        topic.committed("a", 0),
        Some(0),
        "registered in all partitions"
    );
    drop(topic);
    let topic = open(&store, settings(2));
    assert_eq!(topic.readers(), ["a", "b"]);
    let committed = |reader| [0, 1].map(|partition| topic.committed(reader, partition));
    assert_eq!(committed("a"), [Some(0), Some(1)]);
    assert_eq!(committed("b"), [Some(2), Some(2)]);
    assert!(topic.forget_reader("a").unwrap());
    assert!(!topic.forget_reader("a").unwrap());
    assert_eq!(
        (topic.readers(), topic.committed("a", 0)),
        (vec!["b".to_owned()], None)
    );
    let error = topic.commit("a", 2, 0).unwrap_err();
    assert!(matches!(error, LogError::NoPartition { .. }), "{error}");
}

#[test]
fn a_crash_may_make_commits_older_but_never_newer() {
    let store = FaultStore::new();
    let topic = open(&store, settings(1));
    topic
        .append_and_wait((0..10).map(|n| record(n.to_string())).collect())
        .unwrap();
    topic.commit("a", 0, 3).unwrap();
    topic.commit("a", 0, 8).unwrap();
    die(topic, &store);
    store.crash();
    let topic = open(&store, settings(1));
    assert_eq!(topic.committed("a", 0), Some(3));
    topic.commit("a", 0, 9).unwrap();
    topic.close().unwrap();
    let topic = open(&store, settings(1));
    assert_eq!(topic.committed("a", 0), Some(9));
    topic.commit("a", 0, 5).unwrap();
    die(topic, &store);
    store.crash();
    let topic = open(&store, settings(1));
    assert_eq!(
        topic.committed("a", 0),
        Some(5),
        "going back is said at once"
    );
    assert_eq!(try_read(&topic, 0, 5).unwrap().len(), 5);
}

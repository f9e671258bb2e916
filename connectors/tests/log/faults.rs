//! Wherever the disk fails, tears or loses power, what was acknowledged is there once, and appending goes on.
//!
//! Several threads append groups with ids, over many segments in two partitions, while the disk breaks at its n-th operation.
//! Then the machine is started again, the topic opened, and everyone sends again what was not acknowledged, and the last
//! that was. What is there then must be what they meant: each record once, and those of one call in their order.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use millstream_connectors::{LogError, Retention, SyncPolicy, Topic, TopicSettings};
use millstream_engine::{Store as _, millis, testing::FaultStore};

use crate::kit::{die, read, settings, try_open, with_id};

const N_APPENDERS: usize = 3;
const N_CALLS: usize = 6;
const N_RECORDS: usize = 3;
const N_PARTITIONS: u32 = 2;

/// The ids that call `call` of appender `appender` has.
fn ids(appender: usize, call: usize) -> Vec<String> {
    let id = |n| format!("{appender}.{call}.{n}");
    (0..N_RECORDS).map(id).collect()
}

fn append(topic: &Topic, appender: usize, call: usize) -> Result<(), LogError> {
    let records = ids(appender, call).into_iter().map(|id| {
        let id_of_partition = id.clone();
        // A call stays in one partition, so that its order can be seen.
        with_id(id_of_partition).partition(appender as u32 % N_PARTITIONS)
    });
    topic.append_and_wait(records.collect()).map(drop)
}

/// All appenders work until they are through or refused; gives how many calls of each were acknowledged.
fn work(topic: &Topic, from: &[usize]) -> (Vec<usize>, Vec<LogError>) {
    let errors = Mutex::new(Vec::new());
    let acknowledged = std::thread::scope(|scope| {
        let appenders: Vec<_> = from
            .iter()
            .enumerate()
            .map(|(appender, from)| {
                let errors = &errors;
                scope.spawn(move || {
                    for call in *from..N_CALLS {
                        if let Err(error) = append(topic, appender, call) {
                            errors.lock().unwrap().push(error);
                            return call;
                        }
                    }
                    N_CALLS
                })
            })
            .collect();
        let joined = appenders.into_iter().map(|thread| thread.join().unwrap());
        joined.collect()
    });
    (acknowledged, errors.into_inner().unwrap())
}

/// The ids in the topic by appender, as they stand there; checks that offsets have no gaps.
fn by_appender(topic: &Topic) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for partition in 0..N_PARTITIONS {
        let seen = read(topic, partition, 0);
        for (expected, record) in (0..).zip(&seen) {
            assert_eq!(record.offset, expected);
            assert_eq!(record.id, record.payload);
            let (appender, _) = record.id.split_once('.').unwrap();
            found
                .entry(appender.to_owned())
                .or_default()
                .push(record.id.clone());
        }
        assert!(seen.is_sorted_by_key(|record| record.time));
    }
    found
}

fn of_store(sync: SyncPolicy) -> TopicSettings {
    let keep_all = Retention {
        bytes: u64::MAX,
        ..Retention::default()
    };
    settings(N_PARTITIONS)
        .segment_bytes(400)
        .sync(sync)
        .retention(keep_all)
}

/// One life with a fault, and one after it; gives whether the disk broke in the first.
fn two_lives(
    sync: SyncPolicy,
    point: &str,
    fault: impl FnOnce(&FaultStore),
    restart: impl Fn(&FaultStore),
) -> bool {
    let store = FaultStore::new();
    fault(&store);
    let mut acknowledged = vec![0; N_APPENDERS];
    let is_broken = match try_open(&store, of_store(sync)) {
        Ok(topic) => {
            let (done, errors) = work(&topic, &acknowledged);
            acknowledged = done;
            for error in &errors {
                assert!(matches!(error, LogError::Write { .. }), "{point}: {error}");
                assert!(error.to_string().contains("the disk is gone"), "{error}");
                assert!(topic.failure().is_some());
            }
            topic.close().is_err() || !errors.is_empty()
        }
        Err(error) => {
            let said = error.to_string();
            assert!(said.contains("the disk is gone"), "{point}: {said}");
            true
        }
    };
    restart(&store);
    let topic = try_open(&store, of_store(sync)).unwrap_or_else(|error| panic!("{point}: {error}"));
    if sync == SyncPolicy::EveryGroup {
        check_acknowledged(&topic, &acknowledged, point);
    }
    // They were not told of the last answers, or lost them.
    let again: Vec<usize> = acknowledged.iter().map(|n| n.saturating_sub(1)).collect();
    let again = match sync {
        SyncPolicy::EveryGroup => again,
        _ => vec![0; N_APPENDERS],
    };
    let (done, errors) = work(&topic, &again);
    assert!(errors.is_empty(), "{point}: {errors:?}");
    assert_eq!(done, [N_CALLS; N_APPENDERS]);
    topic
        .close()
        .unwrap_or_else(|error| panic!("{point}: {error}"));
    check_whole(&topic, point);
    let reopened = try_open(&store, of_store(sync)).unwrap();
    assert!(reopened.cuts().is_empty(), "{point}: it was left in order");
    check_whole(&reopened, point);
    is_broken
}

/// Checks that what was acknowledged is there, and of what was not, only what could be under way.
fn check_acknowledged(topic: &Topic, acknowledged: &[usize], point: &str) {
    let found = by_appender(topic);
    for (appender, n_calls) in acknowledged.iter().enumerate() {
        let found = found
            .get(&appender.to_string())
            .cloned()
            .unwrap_or_default();
        let all: Vec<String> = (0..=N_CALLS).flat_map(|call| ids(appender, call)).collect();
        assert!(all.starts_with(&found), "{point}: {found:?}");
        let acknowledged = n_calls * N_RECORDS;
        let under_way = acknowledged..=acknowledged + N_RECORDS;
        assert!(
            under_way.contains(&found.len()),
            "{point}: {found:?}, {n_calls} calls"
        );
    }
}

/// Checks that everything is there once, and in order.
fn check_whole(topic: &Topic, point: &str) {
    let found = by_appender(topic);
    for appender in 0..N_APPENDERS {
        let all: Vec<String> = (0..N_CALLS).flat_map(|call| ids(appender, call)).collect();
        assert_eq!(found[&appender.to_string()], all, "{point}");
    }
}

#[expect(
    clippy::print_stdout,
    reason = "how much was tried is part of the result"
)]
fn check(
    sync: SyncPolicy,
    name: &str,
    every: usize,
    fault: impl Fn(&FaultStore, u64),
    restart: impl Fn(&FaultStore),
) {
    let straight = FaultStore::new();
    let topic = try_open(&straight, of_store(sync)).unwrap();
    work(&topic, &[0; N_APPENDERS]);
    topic.close().unwrap();
    let n_operations = straight.n_operations();
    let points = (1..=n_operations).step_by(every);
    let (n_points, mut n_broken) = (points.clone().count(), 0);
    for n in points {
        let point = format!("{name} at operation {n} of about {n_operations}");
        n_broken += usize::from(two_lives(sync, &point, |store| fault(store, n), &restart));
    }
    println!("{name}: {n_points} points, of which {n_broken} broke the first life");
    // How groups fall differs from run to run, so a few of the last may not be come to.
    assert!(
        n_broken * 10 >= n_points * 7,
        "only {n_broken} of {n_points}"
    );
}

#[test]
fn an_operation_that_fails() {
    check(
        SyncPolicy::EveryGroup,
        "fail",
        1,
        FaultStore::fail_at,
        FaultStore::crash,
    );
}

#[test]
fn an_operation_that_is_torn() {
    check(
        SyncPolicy::EveryGroup,
        "tear",
        1,
        FaultStore::tear_at,
        FaultStore::crash,
    );
}

#[test]
fn power_that_is_lost_after_an_operation() {
    check(
        SyncPolicy::EveryGroup,
        "lose",
        1,
        FaultStore::lose_at,
        FaultStore::crash,
    );
}

#[test]
fn a_process_that_is_killed_in_an_operation() {
    let every_group = SyncPolicy::EveryGroup;
    check(
        every_group,
        "tear, and the machine lives",
        1,
        FaultStore::tear_at,
        FaultStore::kill,
    );
    check(
        every_group,
        "fail, and the machine lives",
        1,
        FaultStore::fail_at,
        FaultStore::kill,
    );
}

#[test]
fn with_other_policies_what_is_left_is_whole_and_ids_still_count() {
    for sync in [SyncPolicy::Every(millis(0)), SyncPolicy::Never] {
        check(
            sync,
            "tear, not synced",
            1,
            FaultStore::tear_at,
            FaultStore::crash,
        );
        check(
            sync,
            "lose, not synced",
            1,
            FaultStore::lose_at,
            FaultStore::crash,
        );
        check(
            sync,
            "tear, not synced, and the machine lives",
            1,
            FaultStore::tear_at,
            FaultStore::kill,
        );
    }
}

/// A crash while a crash is mended: the tail is torn, and then each operation of opening fails in turn.
#[test]
fn a_second_crash_while_the_first_is_mended() {
    type Fault = fn(&FaultStore, u64);
    let faults: [(Fault, fn(&FaultStore)); 4] = [
        (FaultStore::fail_at, FaultStore::crash),
        (FaultStore::tear_at, FaultStore::crash),
        (FaultStore::lose_at, FaultStore::crash),
        (FaultStore::tear_at, FaultStore::kill),
    ];
    for (fault, restart) in faults {
        for n in 1.. {
            let store = FaultStore::new();
            let topic = try_open(&store, of_store(SyncPolicy::EveryGroup)).unwrap();
            let (acknowledged, _) = work(&topic, &[0; N_APPENDERS]);
            // The write of one more group is torn.
            store.tear_at(1);
            assert!(append(&topic, 0, N_CALLS).is_err());
            die(topic, &store);
            restart(&store);
            let before = store.n_operations();
            fault(&store, n);
            let opened = try_open(&store, of_store(SyncPolicy::EveryGroup));
            let took = store.n_operations() - before;
            let is_over = opened.is_ok() && took < n;
            if let Ok(topic) = opened {
                die(topic, &store);
            }
            restart(&store);
            let topic = try_open(&store, of_store(SyncPolicy::EveryGroup)).unwrap();
            assert_eq!(acknowledged, [N_CALLS; N_APPENDERS]);
            check_acknowledged(&topic, &acknowledged, &format!("operation {n} of {took}"));
            topic.close().unwrap();
            let names: BTreeSet<String> = store.names().unwrap().into_iter().collect();
            assert!(
                !names.iter().any(|name| name.ends_with(".tmp")),
                "{names:?}"
            );
            if is_over {
                assert!(n > 5, "{n} operations");
                break;
            }
        }
    }
}

#[test]
fn what_is_removed_stays_removed_wherever_the_disk_breaks() {
    let few = || {
        let retention = Retention {
            bytes: 1200,
            ..Retention::default()
        };
        of_store(SyncPolicy::EveryGroup).retention(retention)
    };
    for n in 1.. {
        let store = FaultStore::new();
        let topic = try_open(&store, few()).unwrap();
        work(&topic, &[0; N_APPENDERS]);
        topic.commit("reader", 0, 2).unwrap();
        topic.commit("reader", 1, topic.end(1)).unwrap();
        store.tear_at(n);
        let before = store.n_operations();
        let _ = topic.commit("reader", 0, topic.end(0));
        let _ = append(&topic, 1, N_CALLS);
        let took = store.n_operations() - before;
        let starts: Vec<u64> = (0..2).map(|partition| topic.start(partition)).collect();
        die(topic, &store);
        store.crash();
        let topic = try_open(&store, few()).unwrap_or_else(|error| panic!("{n}: {error}"));
        for partition in 0..2 {
            let start = topic.start(partition);
            assert!(
                start >= starts[partition as usize],
                "what was removed does not come back"
            );
            let seen = read(&topic, partition, start);
            assert_eq!(seen[0].offset, start);
        }
        if took < n {
            assert!(n > 8, "{n} operations");
            break;
        }
    }
}

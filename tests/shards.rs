//! A key belongs to the worker that its hash says, however it is taken from its records, on any machine and in any version.

use std::sync::{Arc, Mutex};

use millstream::engine::raw::{ByRef, ByValue, Shard, hash_key};
use millstream::engine::{KeyOf, Snapshot, Value, VirtualClock};
use millstream::prelude::*;
use millstream::testing::{Act, Script};

const N_KEYS: usize = 600;

fn key(n: usize) -> String {
    format!("key {n}")
}

/// Which keys each worker has of a view, sorted.
fn parts(snapshot: &Snapshot, view: &str) -> Vec<Vec<String>> {
    let text = |value: &Value| match value {
        Value::Text(text) => text.to_string(),
        other => panic!("{other:?} is no text"),
    };
    let parts = snapshot.views[view].parts.iter();
    parts
        .map(|part| part.keys().map(|key| text(&key.key[0])).collect())
        .collect()
}

#[test]
fn each_worker_has_the_keys_that_are_its_own() -> anyhow::Result<()> {
    for workers in 2..=4 {
        let last = Arc::new(Mutex::new(Arc::new(Snapshot::default())));
        let seen = Arc::clone(&last);
        App::new("shards")
            .workers(workers)
            .clock(VirtualClock::starting_at(EventTime::from_millis(0)))
            .epochs(millis(0), 1_000)
            .watch(move |run| {
                run.catalog().watch(move |snapshot| {
                    *seen.lock().expect("no one panics with it") = Arc::clone(snapshot);
                })
            })
            .run(move |flow| {
                // First epochs in which combining shrinks nothing, then more of the same keys.
                let acts = |p: usize| {
                    (0..4 * N_KEYS)
                        .map(move |n| Act::Emit(EventTime::from_millis(0), key((n + p) % N_KEYS)))
                        .collect()
                };
                let records = flow
                    .source("records", Script::new((0..3).map(acts).collect()))
                    .event_time(|(time, _)| *time, Watermarks::bounded(seconds(0)));
                let window = Tumbling::of(minutes(1));
                records
                    .key_by("key", |(_, key)| key)
                    .window(window)
                    .aggregate("by_ref", |of| of.count("n"))
                    .view("by_ref")?;
                records
                    .key_with("key", |(_, key)| key.clone())
                    .window(window)
                    .aggregate("by_value", |of| of.count("n"))
                    .view("by_value")
            })?;
        let last = last.lock().expect("no one panics with it");
        let worker_of = |key: &str| Shard::of_hash(hash_key(key)).number() as usize % workers;
        let mut expected = vec![Vec::new(); workers];
        for key in (0..N_KEYS).map(key) {
            expected[worker_of(&key)].push(key);
        }
        expected.iter_mut().for_each(|keys| keys.sort());
        for view in ["by_ref", "by_value"] {
            assert_eq!(parts(&last, view), expected, "{view}, {workers} workers");
            let counts = last.views[view].rows().map(|(_, values)| values[3].clone());
            assert!(counts.into_iter().all(|n| n == Value::Int(12)));
        }
    }
    Ok(())
}

#[test]
fn hashes_never_change() {
    let hashes = [
        (hash_key(""), 0xa0d0_00a7_1a72_98ba_u64),
        (hash_key("/home"), 0xe6df_f0ad_bb9c_c353),
        (hash_key(&String::from("/home")), 0xe6df_f0ad_bb9c_c353),
        (hash_key(&42_u64), 0x3e94_5f48_4f4d_8b23),
        (hash_key(&-1_i64), 0x86e0_235b_0c40_8d3b),
        (hash_key(&("NZ", 7_u32, true)), 0x8358_d63d_0a4a_8753),
        (hash_key(&Some(3_u8)), 0x8018_d8ef_1776_88e3),
    ];
    for (i, (hash, known)) in hashes.into_iter().enumerate() {
        assert_eq!(hash, known, "the {i}th is {hash:#x}");
    }
}

#[test]
fn a_key_has_one_hash_however_it_is_taken() {
    fn lies_in((_, key): &(u32, String)) -> &str {
        key
    }
    let record = (7, key(7));
    let by_ref = ByRef::<str, _>::new(lies_in);
    let by_value = ByValue::new(|(_, key): &(u32, String)| key.clone());
    let hash = hash_key("key 7");
    assert_eq!([by_ref.hash(&record), by_value.hash(&record)], [hash; 2]);
    assert_eq!(by_ref.take(&record), by_value.take(&record));
}

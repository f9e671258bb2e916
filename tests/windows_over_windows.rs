//! A window over the closed rows of another: no row is late for it, whatever was late for the first.

use std::collections::BTreeMap;

use millstream::engine::Value;
use millstream::prelude::*;
use millstream::testing::{Act, Script};

/// Two partitions that go at different paces, with stragglers within the lateness and beyond it.
fn input() -> Vec<Vec<(i64, u64)>> {
    let straggle = |i: i64| match i % 50 {
        7 => 15_000,
        13 => 60_000,
        _ => 0,
    };
    let partition = |pace: i64| {
        (0..1_500)
            .map(|i| (i * pace - straggle(i), (i % 3) as u64))
            .collect()
    };
    vec![partition(100), partition(230)]
}

const BOUND: i64 = 2_000;
const LATENESS: i64 = 20_000;

/// Per key and minute: how many came on time for their window of ten seconds, and in the busiest of these windows.
fn recompute() -> Vec<(i64, u64, i64, i64)> {
    let mut tens: BTreeMap<(i64, u64), i64> = BTreeMap::new();
    for partition in input() {
        let mut newest = i64::MIN + BOUND;
        for (time, key) in partition {
            let start = time.div_euclid(10_000) * 10_000;
            if start + 10_000 + LATENESS > newest - BOUND {
                *tens.entry((start, key)).or_default() += 1;
            }
            newest = newest.max(time);
        }
    }
    let mut minutes: BTreeMap<(i64, u64), (i64, i64)> = BTreeMap::new();
    for ((start, key), n) in tens {
        let minute = minutes
            .entry((start.div_euclid(60_000) * 60_000, key))
            .or_default();
        *minute = (minute.0 + n, minute.1.max(n));
    }
    minutes
        .into_iter()
        .map(|((start, key), (sum, most))| (start, key, sum, most))
        .collect()
}

#[test]
fn rows_of_closed_windows_are_windowed_again() -> anyhow::Result<()> {
    let acts = |p: Vec<(i64, u64)>| {
        p.into_iter()
            .map(|(ms, key)| Act::Emit(EventTime::from_millis(ms), key))
            .collect()
    };
    let script: Script<u64> = Script::new(input().into_iter().map(acts).collect());
    for (workers, records) in [(1, 7), (1, 65_536), (2, 33), (3, 100)] {
        let memory = Memory::new();
        let (rows, script) = (memory.clone(), script.clone());
        App::new("over")
            .workers(workers)
            .epochs(millis(0), records)
            .run(move |flow| {
                let policy = Watermarks::bounded(millis(BOUND as u64));
                let tens = flow
                    .source("numbers", script.clone())
                    .event_time(|(time, _)| *time, policy)
                    .key_with("key", |(_, key)| *key)
                    .window(Tumbling::of(seconds(10)).lateness(millis(LATENESS as u64)))
                    .aggregate("tens", |of| of.count("n"));
                let minutes = tens
                    .closed()
                    .key_with("key", |row| row.key)
                    .window(Tumbling::of(minutes(1)))
                    .aggregate("minutes", |of| {
                        (
                            of.sum("n", |row| row.values),
                            of.max("most", |row| row.values),
                        )
                    });
                minutes.late().inspect(|row| panic!("{row:?} is late"));
                minutes.closed().sink("rows", rows.clone())
            })?;
        let int = |value: &Value| {
            if let Value::Int(n) = value {
                *n
            } else {
                panic!("{value:?}")
            }
        };
        let start = |value: &Value| {
            if let Value::Time(time) = value {
                time.micros() / 1000
            } else {
                panic!("{value:?}")
            }
        };
        let row = |v: Vec<Value>| (start(&v[0]), int(&v[2]) as u64, int(&v[3]), int(&v[4]));
        let rows: Vec<_> = memory.rows().into_iter().map(row).collect();
        assert_eq!(
            rows,
            recompute(),
            "{workers} workers, {records} records an epoch"
        );
    }
    Ok(())
}

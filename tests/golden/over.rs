//! Golden `over`: windows of a minute over the closed rows of windows of ten seconds.
//!
//! The input is two files in stripes of 700 bytes, so that its 16 lanes all read, in two rounds.

use std::collections::BTreeMap;
use std::fs;

use millstream::engine::VirtualClock;
use millstream::prelude::*;
use millstream::testing::FaultStore;
use serde::{Deserialize, Serialize};

use crate::harness::{Answer, check, counts_of, expected, folder, rows_of};

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Reading {
    at: EventTime,
    sensor: String,
    value: u32,
}

const FILES: [&str; 2] = ["first.ndjson", "second.ndjson"];

fn pipeline(flow: &mut Flow<'_>, rows: &Memory) -> Result<()> {
    let [first, second] = FILES.map(|file| folder("over").join(file).display().to_string());
    let files = NdjsonFiles::new(first).then(second).stripe_bytes(700);
    let tens = flow
        .source("readings", files.decode(Json::<Reading>::new()))
        .event_time(|reading| reading.at, Watermarks::bounded(seconds(30)))
        .key_by("sensor", |reading| &reading.sensor)
        .window(Tumbling::of(seconds(10)))
        .aggregate("tens", |of| {
            (
                of.count("n"),
                of.sum("sum", |reading| reading.value),
                of.count_distinct("values", |reading| &reading.value),
            )
        });
    let minutes = tens
        .closed()
        .key_by("sensor", |row| &row.key)
        .window(Tumbling::of(minutes(1)))
        .aggregate("minutes", |of| {
            (
                of.count("tens"),
                of.sum("n", |row| row.values.0),
                of.max("most", |row| row.values.1),
                of.sum("values", |row| row.values.2),
                of.quantile("q90", 0.9, |row| row.values.1),
            )
        });
    minutes.closed().sink("rows", rows.clone())
}

#[test]
fn windows_over_windows() -> anyhow::Result<()> {
    let now: EventTime = "2026-03-02T00:00:00Z".parse()?;
    check("over", &[1, 2, 4], |way| {
        let (store, rows) = (FaultStore::new(), Memory::new());
        let ran = way.run("over", |app| {
            let rows = rows.clone();
            let app = app.clock(VirtualClock::starting_at(now));
            app.epochs(millis(0), 3)
                .state(State::in_store(store.clone()).every(millis(0)))
                .run(move |flow| pipeline(flow, &rows))
        })?;
        let mut answer = Answer::from([("rows", rows_of(&rows)?)]);
        answer.extend(counts_of(&ran).map(|counts| ("counts", counts)));
        Ok((ran, answer))
    })
}

#[test]
fn windows_over_windows_are_what_a_recomputation_gives() -> anyhow::Result<()> {
    let mut tens: BTreeMap<(i64, String), Vec<u32>> = BTreeMap::new();
    let mut n_events = 0;
    for file in FILES {
        for line in fs::read_to_string(folder("over").join(file))?.lines() {
            let reading: Reading = serde_json::from_str(line)?;
            let ten = reading.at.micros().div_euclid(10_000_000);
            let values = tens.entry((ten, reading.sensor)).or_default();
            values.push(reading.value);
            n_events += 1;
        }
    }
    let counts = expected("over", "counts")?;
    assert_eq!(
        counts[0],
        serde_json::json!({ "events": n_events, "late": 0, "rejected": 0 })
    );

    let mut minutes: BTreeMap<(i64, String), Vec<Vec<u32>>> = BTreeMap::new();
    for ((ten, sensor), values) in tens {
        let minute = minutes.entry((ten.div_euclid(6), sensor)).or_default();
        minute.push(values);
    }
    let found = expected("over", "rows")?;
    assert_eq!(found.len(), minutes.len());
    for (row, ((minute, sensor), tens)) in found.iter().zip(minutes) {
        let start = EventTime::from_micros(minute * 60_000_000);
        assert_eq!(row["window_start"], start.to_string());
        assert_eq!(row["sensor"], sensor);
        assert_eq!(row["tens"], tens.len());
        assert_eq!(row["n"], tens.iter().map(Vec::len).sum::<usize>());
        let distinct = |values: &Vec<u32>| {
            let mut values = values.clone();
            values.sort_unstable();
            values.dedup();
            values.len()
        };
        assert_eq!(row["values"], tens.iter().map(distinct).sum::<usize>());
        let mut sums: Vec<u32> = tens.iter().map(|values| values.iter().sum()).collect();
        sums.sort_unstable();
        assert_eq!(row["most"], sums[sums.len() - 1]);
        let q90 = f64::from(sums[(sums.len() * 9).div_ceil(10) - 1]);
        let found = row["q90"].as_f64().expect("a number");
        assert!((found - q90).abs() <= q90 * 0.005, "{found}, exactly {q90}");
    }
    Ok(())
}

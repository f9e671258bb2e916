//! Aggregates over the last rows of a key, against a naive recomputation over the whole input: any order, ties, any cut into
//! epochs, 1 to 3 workers, and after restarts.
//!
//! A failure prints the seed; `MILLSTREAM_SEED=<seed>` repeats it.

#[path = "support/apart.rs"]
mod apart;
#[path = "support/random.rs"]
mod random;
#[path = "support/stragglers.rs"]
mod stragglers;

use std::collections::BTreeMap;

use apart::apart;
use millstream::engine::{Value, hours};
use millstream::prelude::*;
use millstream::testing::{FaultStore, Script, ways};
use random::Random;
use stragglers::{BOUND_MS, Hit, Partitions, first_seed, random_input, script, watermarks_before};

/// When a row was, its key and number, and what it and those before it come to; what is late says so by a count of 0.
type Row = (i64, String, i64, i64, i64);

/// Seconds, so that much happens at once.
fn second(time: EventTime) -> i64 {
    time.micros() / 1_000_000
}

/// The order of what happens at once; many are equal in it.
fn order(hit: &Hit) -> u32 {
    hit.user % 5
}

fn recompute(input: &Partitions, n: usize) -> Vec<Row> {
    let mut keys: BTreeMap<&str, Vec<(i64, &Hit)>> = BTreeMap::new();
    let mut rows = Vec::new();
    for partition in input {
        let at_second = |(time, hit): &(EventTime, Hit)| {
            (EventTime::from_millis(second(*time) * 1000), hit.clone())
        };
        let partition_by_second: Vec<_> = partition.iter().map(at_second).collect();
        for ((time, hit), watermark) in partition
            .iter()
            .zip(watermarks_before(&partition_by_second))
        {
            let at = second(*time);
            if watermark.is_some_and(|watermark| at * 1000 < watermark) {
                rows.push((at, hit.key.clone(), hit.ms, 0, 0));
            } else {
                keys.entry(&hit.key).or_default().push((at, hit));
            }
        }
    }
    for (key, mut hits) in keys {
        hits.sort_by_key(|(at, hit)| (*at, order(hit), apart(hit)));
        for (place, (at, hit)) in hits.iter().enumerate() {
            let last = &hits[(place + 1).saturating_sub(n)..=place];
            let sum = last.iter().map(|(_, hit)| hit.ms).sum();
            rows.push((*at, key.to_owned(), hit.ms, last.len() as i64, sum));
        }
    }
    rows.sort();
    rows
}

fn pipeline(flow: &mut Flow<'_>, input: &Script<Hit>, n: usize, sink: &Memory) -> Result<()> {
    let policy = Watermarks::bounded(millis(BOUND_MS as u64)).idle_after(hours(1));
    let rolled = flow
        .source("hits", input.clone())
        .event_time(
            |(time, _)| EventTime::from_millis(second(*time) * 1000),
            policy,
        )
        .map(|(time, hit)| (second(time), hit))
        .key_by("key", |(_, hit)| &hit.key)
        .rolling(
            "last",
            n,
            |(_, hit)| order(hit),
            |of| (of.count("n"), of.sum("sum", |(_, hit)| hit.ms)),
        );
    // A window over the rows tells that none of them is late, and that their times are what they were.
    let timed = rolled
        .key_with(("at", "key", "ms", "n", "sum"), |((at, hit), (n, sum))| {
            (*at, hit.key.clone(), hit.ms, *n as i64, *sum)
        })
        .window(Tumbling::of(seconds(1)))
        .aggregate("rows", |of| of.count("times"));
    timed.late().inspect(|row| panic!("{row:?} is late"));
    let rows = timed.closed().flat_map(|row| {
        assert_eq!(second(row.window.start), row.key.0, "it keeps its time");
        std::iter::repeat_n(row.key, row.values as usize)
    });
    let late = rolled.late().map(|(at, hit)| (at, hit.key, hit.ms, 0, 0));
    let names = ("at", "key", "ms", "n", "sum");
    rows.columns(names, |row| row.clone())
        .sink("rows", sink.clone())?;
    late.columns(names, |row| row.clone())
        .sink("late", sink.clone())
}

fn rows_of(memory: &Memory) -> Vec<Row> {
    let row = |values: Vec<Value>| match &values[..] {
        [
            Value::Int(at),
            Value::Text(key),
            Value::Int(ms),
            Value::Int(n),
            Value::Int(sum),
        ] => (*at, key.clone(), *ms, *n, *sum),
        _ => panic!("{values:?}"),
    };
    let mut rows: Vec<Row> = memory.rows().into_iter().map(row).collect();
    rows.sort();
    rows
}

#[test]
fn last_rows_are_what_a_recomputation_gives() -> anyhow::Result<()> {
    for round in 0..9_u64 {
        let seed = first_seed() + round;
        let mut rng = Random::new(seed);
        let (input, n) = (random_input(&mut rng), [1, 3, 11][round as usize % 3]);
        let expected = recompute(&input, n);
        for workers in 1..=3 {
            let records = [1 + rng.next_u32() as usize % 50, 65_536][rng.next_u32() as usize % 2];
            let (script, memory) = (script(&input), Memory::new());
            let sink = memory.clone();
            App::new("oracle")
                .workers(workers)
                .epochs(millis(0), records)
                .run(move |flow| pipeline(flow, &script, n, &sink))?;
            let context =
                format!("MILLSTREAM_SEED={seed}, {workers} workers, {records} records, last {n}");
            assert_eq!(rows_of(&memory), expected, "{context}");
        }
    }
    Ok(())
}

#[test]
fn restarts_make_no_difference() -> anyhow::Result<()> {
    let seed = first_seed();
    let mut rng = Random::new(seed);
    let input = random_input(&mut rng);
    let expected = recompute(&input, 3);
    let records = 3 + rng.next_u32() as usize % 20;
    for way in ways(&[2, 5]) {
        let (store, memory) = (FaultStore::new(), Memory::new());
        way.run("oracle", |app| {
            let (script, sink) = (script(&input), memory.clone());
            app.epochs(millis(0), records)
                .state(State::in_store(store.clone()).every(millis(0)))
                .run(move |flow| pipeline(flow, &script, 3, &sink))
        })?;
        assert_eq!(rows_of(&memory), expected, "MILLSTREAM_SEED={seed}, {way}");
    }
    Ok(())
}

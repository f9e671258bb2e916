//! Rows at the maximum, of records and of rows in their own windows, against a naive recomputation over the whole input.
//!
//! A failure prints the seed; `MILLSTREAM_SEED=<seed>` repeats it.

#[path = "support/random.rs"]
mod random;
#[path = "support/stragglers.rs"]
mod stragglers;

use std::collections::BTreeMap;

use millstream::engine::{Value, hours};
use millstream::prelude::*;
use millstream::testing::{FaultStore, Script, ways};
use random::Random;
use stragglers::{BOUND_MS, Hit, Partitions, first_seed, random_input, script, watermarks_before};

const SIZE_MS: i64 = 10_000;
const HOP_MS: i64 = 4_000;
const LATENESS_MS: i64 = 4_000;

/// What is in each window of `SIZE_MS` every `hop`, in milliseconds.
fn windows(input: &Partitions, hop: i64) -> BTreeMap<i64, Vec<&Hit>> {
    let mut windows: BTreeMap<i64, Vec<&Hit>> = BTreeMap::new();
    for partition in input {
        for ((time, hit), watermark) in partition.iter().zip(watermarks_before(partition)) {
            let time = time.micros() / 1000;
            let last = time.div_euclid(hop) * hop;
            let starts = (0..).map(|n| last - n * hop);
            for start in starts.take_while(|start| start + SIZE_MS > time) {
                if watermark.is_none_or(|at| start + SIZE_MS + LATENESS_MS > at) {
                    windows.entry(start).or_default().push(hit);
                }
            }
        }
    }
    windows
}

/// All of `of` that have the greatest `value`.
fn at_max<T: Clone, V: Ord>(of: &[T], value: impl Fn(&T) -> V) -> Vec<T> {
    let greatest = of.iter().map(&value).max();
    let has_it = |one: &&T| Some(value(one)) == greatest;
    of.iter().filter(has_it).cloned().collect()
}

/// When a row was, a key, and a number; what each of the outputs below has of them.
type Row = (i64, String, i64);

/// The last microsecond of the window that begins so.
fn last_of(start: i64) -> i64 {
    (start + SIZE_MS) * 1000 - 1
}

/// The slowest hits of each window, those of each key, and the keys with most hits of each of the windows that overlap.
fn recompute(input: &Partitions) -> [Vec<Row>; 3] {
    let [mut slowest, mut by_key, mut busiest] = [const { Vec::new() }; 3];
    for (start, hits) in windows(input, SIZE_MS) {
        let row = |hit: &Hit| (last_of(start), hit.key.clone(), i64::from(hit.user));
        let tens = |hit: &&Hit| hit.ms / 10;
        slowest.extend(at_max(&hits, tens).into_iter().map(row));
        let mut keys: BTreeMap<&str, Vec<&Hit>> = BTreeMap::new();
        hits.iter()
            .for_each(|hit| keys.entry(&hit.key).or_default().push(hit));
        for hits in keys.values() {
            by_key.extend(at_max(hits, |hit| -(hit.ms / 10)).into_iter().map(row));
        }
    }
    for (start, hits) in windows(input, HOP_MS) {
        let mut counts: BTreeMap<String, i64> = BTreeMap::new();
        hits.iter()
            .for_each(|hit| *counts.entry(hit.key.clone()).or_default() += 1);
        let counts: Vec<_> = counts.into_iter().collect();
        let row = |(key, n)| (last_of(start), key, n);
        busiest.extend(at_max(&counts, |(_, n)| *n).into_iter().map(row));
    }
    [slowest, by_key, busiest].map(|mut rows| {
        rows.sort();
        rows
    })
}

fn pipeline(flow: &mut Flow<'_>, input: &Script<Hit>, sinks: &[Memory; 3]) -> Result<()> {
    let millis_of = |ms: i64| millis(ms as u64);
    let policy = Watermarks::bounded(millis_of(BOUND_MS)).idle_after(hours(1));
    let tumbling = Tumbling::of(millis_of(SIZE_MS)).lateness(millis_of(LATENESS_MS));
    let hopping = Hopping::of(millis_of(SIZE_MS))
        .every(millis_of(HOP_MS))
        .lateness(millis_of(LATENESS_MS));
    let hits = flow
        .source("hits", input.clone())
        .event_time(|(time, _)| *time, policy)
        .map(|(_, hit)| hit);
    let keyed = hits.key_by("key", |hit| &hit.key);
    let slowest = hits.window(tumbling).at_max("slowest", |hit| hit.ms / 10);
    let by_key = keyed.window(tumbling).at_min("by_key", |hit| hit.ms / 10);
    let row = |hit: Hit| (hit.key, i64::from(hit.user));
    let busiest = keyed
        .window(hopping)
        .aggregate("counts", |of| of.count("n"))
        .closed()
        .in_their_windows()
        .at_max("busiest", |row| row.values)
        .map(|row| (row.key, row.values as i64));
    let names = ["slowest_hits", "by_key_hits", "busiest_keys"];
    let rows = [slowest.map(row), by_key.map(row), busiest];
    for ((name, rows), sink) in names.into_iter().zip(rows).zip(sinks) {
        // Another window over them tells when they were, and that none of them is late.
        let timed = rows
            .key_with(("key", "n"), |row| row.clone())
            .window(Tumbling::of(millis(1)))
            .aggregate(name, |of| of.count("times"));
        timed.late().inspect(|row| panic!("{row:?} is late"));
        timed.closed().sink(name, sink.clone())?;
    }
    Ok(())
}

/// The rows of a sink, one for each time that they came.
fn rows_of(memory: &Memory) -> Vec<Row> {
    let rows = memory
        .rows()
        .into_iter()
        .flat_map(|values| match &values[..] {
            [
                Value::Time(_),
                Value::Time(end),
                Value::Text(key),
                Value::Int(n),
                Value::Int(times),
            ] => {
                vec![(end.micros() - 1, key.clone(), *n); *times as usize]
            }
            _ => panic!("{values:?}"),
        });
    let mut rows: Vec<_> = rows.collect();
    rows.sort();
    rows
}

#[test]
fn rows_at_the_maximum_are_what_a_recomputation_gives() -> anyhow::Result<()> {
    for round in 0..10_u64 {
        let seed = first_seed() + round;
        let mut rng = Random::new(seed);
        let input = random_input(&mut rng);
        let expected = recompute(&input);
        for workers in 1..=3 {
            let records = [1 + rng.next_u32() as usize % 50, 65_536][rng.next_u32() as usize % 2];
            let context =
                format!("MILLSTREAM_SEED={seed}, {workers} workers, {records} records an epoch");
            let sinks = [(); 3].map(|()| Memory::new());
            let (script, to) = (script(&input), sinks.clone());
            App::new("oracle")
                .workers(workers)
                .epochs(millis(0), records)
                .run(move |flow| pipeline(flow, &script, &to))?;
            assert_eq!(sinks.each_ref().map(rows_of), expected, "{context}");
        }
    }
    Ok(())
}

/// The sessions of each key that came out, and of those with equal windows the ones with most hits.
fn sessions_of(
    input: &Partitions,
    workers: usize,
    records: usize,
) -> anyhow::Result<[Vec<Row>; 2]> {
    let sinks = [Memory::new(), Memory::new()];
    let (script, to) = (script(input), sinks.clone());
    let app = App::new("oracle").workers(workers);
    app.epochs(millis(0), records).run(move |flow| {
        let policy = Watermarks::bounded(millis(BOUND_MS as u64));
        let sessions = flow
            .source("hits", script.clone())
            // Seconds, so that sessions of several keys begin and end together.
            .event_time(
                |(time, _)| EventTime::from_millis(time.micros() / 1_000_000 * 1000),
                policy,
            )
            .map(|(_, hit)| hit)
            .key_by("key", |hit| &hit.key)
            .window(Session::gap(seconds(2)).lateness(seconds(1)))
            .aggregate("sessions", |of| of.count("n"))
            .closed();
        let most = sessions.in_their_windows().at_max("most", |row| row.values);
        let of_row = |row: &WindowRow<String, u64>| {
            let (start, end) = (row.window.start, row.window.end);
            (start, end, row.key.clone(), row.values)
        };
        let names = ("start", "end", "key", "n");
        sessions.columns(names, of_row).sink("all", to[0].clone())?;
        most.columns(names, of_row).sink("most", to[1].clone())
    })?;
    let row = |values: Vec<Value>| match &values[..] {
        [
            Value::Time(start),
            Value::Time(end),
            Value::Text(key),
            Value::Int(n),
        ] => {
            // One number for both ends: all of this is within an hour.
            let window = start.micros() / 1000 * 10_000_000 + end.micros() / 1000;
            (window, key.clone(), *n)
        }
        _ => panic!("{values:?}"),
    };
    Ok(sinks.map(|sink| sink.rows().into_iter().map(row).collect()))
}

#[test]
fn sessions_are_in_their_windows_too() -> anyhow::Result<()> {
    let mut n_shared = 0;
    for round in 0..5_u64 {
        let seed = first_seed() + round;
        let mut rng = Random::new(seed);
        let input = random_input(&mut rng);
        for workers in 1..=3 {
            let records = 1 + rng.next_u32() as usize % 200;
            let [all, most] = sessions_of(&input, workers, records)?;
            let mut windows: BTreeMap<i64, Vec<Row>> = BTreeMap::new();
            for row in all {
                windows.entry(row.0).or_default().push(row);
            }
            n_shared += windows.values().filter(|rows| rows.len() > 1).count();
            let rows = windows.values();
            let expected: Vec<Row> = rows.flat_map(|rows| at_max(rows, |row| row.2)).collect();
            let [mut expected, mut most] = [expected, most];
            expected.sort();
            most.sort();
            assert_eq!(most, expected, "MILLSTREAM_SEED={seed}, {workers} workers");
        }
    }
    assert!(n_shared > 0, "sessions of several keys were in one window");
    Ok(())
}

#[test]
fn restarts_make_no_difference() -> anyhow::Result<()> {
    let seed = first_seed();
    let mut rng = Random::new(seed);
    let input = random_input(&mut rng);
    let expected = recompute(&input);
    let records = 3 + rng.next_u32() as usize % 20;
    for way in ways(&[2, 5]) {
        let (store, script) = (FaultStore::new(), script(&input));
        let sinks = [(); 3].map(|()| Memory::new());
        way.run("oracle", |app| {
            let (script, to) = (script.clone(), sinks.clone());
            app.epochs(millis(0), records)
                .state(State::in_store(store.clone()).every(millis(0)))
                .run(move |flow| pipeline(flow, &script, &to))
        })?;
        let found = sinks.each_ref().map(rows_of);
        assert_eq!(found, expected, "MILLSTREAM_SEED={seed}, {way}");
    }
    Ok(())
}

//! Windows against a naive recomputation over the whole input: any order, any lateness, any cut into epochs, 1 to 3 workers.
//!
//! A failure prints the seed; `MILLSTREAM_SEED=<seed>` repeats it.

#[path = "support/random.rs"]
mod random;

#[path = "support/stragglers.rs"]
mod stragglers;

use std::collections::{BTreeMap, BTreeSet};

use millstream::engine::{Value, hours};
use millstream::prelude::*;
use random::Random;
use stragglers::{BOUND_MS, Hit, Partitions, first_seed, random_input, script, watermarks_before};

const WINDOW_MS: i64 = 10_000;
const LATENESS_MS: i64 = 4_000;

type Row = (i64, String, u64, u64, i64, i64, i64);

/// What should come out: rows sorted, and how many were late.
fn recompute(input: &Partitions) -> (Vec<Row>, usize) {
    let mut groups: BTreeMap<(i64, String), Vec<&Hit>> = BTreeMap::new();
    let mut n_late = 0;
    for partition in input {
        for ((time, hit), watermark) in partition.iter().zip(watermarks_before(partition)) {
            let time = time.micros() / 1000;
            let start = time.div_euclid(WINDOW_MS) * WINDOW_MS;
            if watermark.is_some_and(|at| start + WINDOW_MS + LATENESS_MS <= at) {
                n_late += 1;
            } else {
                groups
                    .entry((start, hit.key.clone()))
                    .or_default()
                    .push(hit);
            }
        }
    }
    let row = |((start, key), hits): ((i64, String), Vec<&Hit>)| {
        let users: BTreeSet<_> = hits.iter().map(|hit| hit.user).collect();
        let ms = || hits.iter().map(|hit| hit.ms);
        let (least, most) = (
            ms().min().expect("not empty"),
            ms().max().expect("not empty"),
        );
        (
            start,
            key,
            hits.len() as u64,
            users.len() as u64,
            ms().sum(),
            least,
            most,
        )
    };
    (groups.into_iter().map(row).collect(), n_late)
}

/// What comes out: closed rows, and how many were late.
fn run(
    input: &Partitions,
    workers: usize,
    epoch_records: usize,
) -> anyhow::Result<(Vec<Row>, u64, usize)> {
    let (memory, late) = (Memory::new(), Memory::new());
    let (rows_to, late_to) = (memory.clone(), late.clone());
    let script = script(input);
    let report = App::new("oracle")
        .workers(workers)
        .epochs(millis(0), epoch_records)
        .run(move |flow| {
            let policy = Watermarks::bounded(millis(BOUND_MS as u64)).idle_after(hours(1));
            let table = flow
                .source("hits", script.clone())
                .event_time(|(time, _)| *time, policy)
                .map(|(_, hit)| hit)
                .key_by("key", |hit| &hit.key)
                .window(Tumbling::of(millis(WINDOW_MS as u64)).lateness(millis(LATENESS_MS as u64)))
                .aggregate("hits", |of| {
                    (
                        of.count("n"),
                        of.count_distinct("users", |hit| &hit.user),
                        of.sum("ms", |hit| hit.ms),
                        of.min("least", |hit| hit.ms),
                        of.max("most", |hit| hit.ms),
                    )
                });
            table.view("hits")?;
            table.closed().sink("rows", rows_to.clone())?;
            table
                .late()
                .columns("key", |hit| hit.key.clone())
                .sink("late", late_to.clone())
        })?;
    let int = |value: &Value| {
        if let Value::Int(n) = value {
            *n
        } else {
            panic!("{value:?} is no integer")
        }
    };
    let row = |values: Vec<Value>| {
        let (Value::Time(start), Value::Text(key)) = (&values[0], &values[2]) else {
            panic!("{values:?}")
        };
        let n = |i: usize| int(&values[i]);
        (
            start.micros() / 1000,
            key.clone(),
            n(3) as u64,
            n(4) as u64,
            n(5),
            n(6),
            n(7),
        )
    };
    let mut rows: Vec<Row> = memory.rows().into_iter().map(row).collect();
    rows.sort();
    Ok((rows, report.late, late.rows().len()))
}

#[test]
fn windows_are_what_a_recomputation_gives() -> anyhow::Result<()> {
    for round in 0..30_u64 {
        let seed = first_seed() + round;
        let mut rng = Random::new(seed);
        let input = random_input(&mut rng);
        let (expected, n_late) = recompute(&input);
        for workers in 1..=3 {
            let epoch_records =
                [1 + rng.next_u32() as usize % 50, 65_536][rng.next_u32() as usize % 2];
            let (rows, reported, late) = run(&input, workers, epoch_records)?;
            let context = format!(
                "MILLSTREAM_SEED={seed}, {workers} workers, {epoch_records} records an epoch"
            );
            assert_eq!(rows, expected, "{context}");
            assert_eq!((reported, late), (n_late as u64, n_late), "{context}");
        }
    }
    Ok(())
}

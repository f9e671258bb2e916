//! Changelogs against a naive recomputation: in any order, some behind the watermark, over any cut into epochs, 1 to 3 workers,
//! killed and started again.
//!
//! The keys of a partition are its own, so which change is late follows from the partition alone: one that is behind the
//! watermark of the partition, for a key that has no row, and of which nothing is known that the watermark has not passed.
//!
//! A failure prints the seed; `MILLSTREAM_SEED=<seed>` repeats it.

#[path = "support/last_views.rs"]
mod last_views;
#[path = "support/random.rs"]
mod random;

use std::collections::BTreeMap;

use anyhow::Context;
use last_views::LastViews;
use millstream::engine::{Value, hours};
use millstream::prelude::*;
use millstream::testing::{Act, FaultStore, Script, Way, ways};
use random::Random;

const BOUND_MS: i64 = 300;

/// When in milliseconds, of which key, and what it is from then on.
type Said = (i64, i64, Option<i64>);

type Partitions = Vec<Vec<Said>>;

fn first_seed() -> u64 {
    let asked = std::env::var("MILLSTREAM_SEED").ok();
    asked.map_or(20_261_130, |seed| seed.parse().expect("a number"))
}

/// Changes whose times wander, some far behind. No partition ends before the others are far.
fn random_input(rng: &mut Random) -> Partitions {
    let mut below = |n: u32| i64::from(rng.next_u32() % n);
    let n_partitions = 1 + below(4);
    let partition = |p: i64| {
        let mut now = below(500);
        let said = |n: i64| {
            now += below(60);
            let back = match below(8) {
                0 => below(2_000),
                1..=3 => below(300),
                _ => 0,
            };
            let value = (below(5) > 1).then_some(n * 8 + p);
            (now - back, p * 100 + below(9), value)
        };
        (0..150).map(said).collect()
    };
    (0..n_partitions).map(partition).collect()
}

/// The rows that are left, and how many changes are late.
fn recompute(input: &Partitions) -> (BTreeMap<i64, i64>, u64) {
    let (mut rows, mut n_late) = (BTreeMap::new(), 0);
    for partition in input {
        let mut said: BTreeMap<i64, (i64, Option<i64>)> = BTreeMap::new();
        let mut watermark = i64::MIN;
        for (time, key, value) in partition {
            let known = said.get(key);
            let known = known.filter(|(at, value)| value.is_some() || *at > watermark);
            match known {
                None if *time < watermark => n_late += 1,
                Some((at, _)) if time < at => {}
                _ => drop(said.insert(*key, (*time, *value))),
            }
            watermark = watermark.max(time - BOUND_MS);
        }
        rows.extend(
            said.iter()
                .filter_map(|(key, (_, value))| Some((*key, (*value)?))),
        );
    }
    (rows, n_late)
}

fn pipeline(flow: &mut Flow<'_>, script: &Script<(i64, Option<i64>)>, late: &Memory) -> Result<()> {
    let policy = Watermarks::bounded(millis(BOUND_MS as u64)).idle_after(hours(1));
    let rows = flow
        .source("changes", script.clone())
        .event_time(|(time, _)| *time, policy)
        .map(|(_, said)| said)
        .key_with("key", |(key, _)| *key)
        .upsert("rows", |(_, value)| *value);
    rows.map_values("value", |value| **value).view("rows")?;
    rows.late()
        .columns("key", |(key, _)| *key)
        .sink("late", late.clone())
}

fn script(input: &Partitions) -> Script<(i64, Option<i64>)> {
    let act = |(ms, key, value): &Said| Act::Emit(EventTime::from_millis(*ms), (*key, *value));
    let partitions = input.iter().map(|said| said.iter().map(act).collect());
    Script::new(partitions.collect())
}

/// Runs a pipeline in a way; gives the rows of its view, how many late records came to the sink, and how many were counted.
fn run(
    way: &Way,
    input: &Partitions,
    records: usize,
) -> anyhow::Result<(BTreeMap<i64, i64>, u64, Option<u64>)> {
    let (store, last, late) = (FaultStore::new(), LastViews::default(), Memory::new());
    let ran = way.run("changelog", |app| {
        let (script, late) = (script(input), late.clone());
        last.of(app)
            .epochs(millis(0), records)
            .state(State::in_store(store.clone()).every(millis(0)))
            .run(move |flow| pipeline(flow, &script, &late))
    })?;
    let pair = |row: Vec<Value>| match row[..] {
        [Value::Int(key), Value::Int(value)] => (key, value),
        _ => panic!("{row:?}"),
    };
    let rows = last.rows("rows").into_iter().map(pair).collect();
    let counted = (ran.report != Report::default()).then_some(ran.report.late);
    Ok((rows, late.rows().len() as u64, counted))
}

#[test]
fn changelogs_are_what_a_recomputation_gives() -> anyhow::Result<()> {
    let (mut n_ways, mut n_late_in_all) = (0, 0);
    for round in 0..4_u64 {
        let seed = first_seed() + round;
        let mut rng = Random::new(seed);
        let input = random_input(&mut rng);
        let (expected, n_late) = recompute(&input);
        for way in ways(&[1, 3]) {
            let records = [1 + rng.next_u32() as usize % 40, 65_536][rng.next_u32() as usize % 2];
            let context = || format!("MILLSTREAM_SEED={seed}, {records} records an epoch, {way}");
            let (rows, late, counted) = run(&way, &input, records).with_context(context)?;
            assert_eq!(rows, expected, "{}", context());
            assert_eq!(late, n_late, "{}", context());
            assert_eq!(counted.unwrap_or(n_late), n_late, "{}", context());
            n_ways += 1;
        }
        n_late_in_all += n_late;
    }
    println!("{n_ways} ways, {n_late_in_all} late changes in the inputs");
    assert!(n_late_in_all > 20, "hardly any change was late");
    Ok(())
}

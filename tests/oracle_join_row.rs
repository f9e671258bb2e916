//! Records and the one row of their key, against a naive recomputation over the whole input: whichever comes first, with rows
//! that never come, rows that come twice and records that wait no longer; 1 to 3 workers, and after restarts.
//!
//! A failure prints the seed; `MILLSTREAM_SEED=<seed>` repeats it.

#[path = "support/random.rs"]
mod random;
#[path = "support/rows_joined.rs"]
mod rows_joined;
#[path = "support/stragglers.rs"]
mod stragglers;

use std::collections::BTreeMap;

use millstream::prelude::*;
use millstream::testing::{FaultStore, ways};
use random::Random;
use rows_joined::{Row, inputs, inputs_of_one, is_wanted, pipeline, rows_of};
use stragglers::{Hit, Partitions, first_seed, script, watermarks_before};

/// What comes of it where records wait for ever. A row that comes twice has the same content twice.
fn recompute(records: &Partitions, rows: &Partitions) -> Vec<Row> {
    let mut known: BTreeMap<&str, (i64, &Hit)> = BTreeMap::new();
    let mut out = Vec::new();
    for (time, row) in rows.iter().flatten() {
        let at = time.micros() / 1000;
        if known.insert(&row.key, (at, row)).is_some() {
            out.push((true, vec![at, row.ms, 0]));
        }
    }
    for (time, record) in records.iter().flatten() {
        let Some((since, row)) = known.get(&*record.key) else {
            continue;
        };
        if is_wanted(row) {
            let at = (time.micros() / 1000).max(*since);
            out.push((false, vec![at, record.ms, row.ms]));
        }
    }
    out.sort();
    out
}

/// What comes of it where records wait for so long, and each key has one row at most. A record waits for a row if that
/// happened, and came, while it waits; whoever has none, or would not have waited for it, is late.
fn recompute_patient(records: &Partitions, rows: &Partitions, patience_ms: i64) -> Vec<Row> {
    let mut known: BTreeMap<&str, (i64, i64, &Hit)> = BTreeMap::new();
    for partition in rows {
        for ((time, row), watermark) in partition.iter().zip(watermarks_before(partition)) {
            let at = time.micros() / 1000;
            let came = watermark.map_or(at, |watermark| watermark.max(at));
            known.insert(&row.key, (at, came, row));
        }
    }
    let mut out = Vec::new();
    for (time, record) in records.iter().flatten() {
        let at = time.micros() / 1000;
        let row = known.get(&*record.key);
        match row.filter(|(_, came, _)| *came <= at + patience_ms) {
            Some((since, _, row)) if is_wanted(row) => {
                out.push((false, vec![at.max(*since), record.ms, row.ms]));
            }
            Some(_) => {}
            None => out.push((true, vec![at, record.ms, 0])),
        }
    }
    out.sort();
    out
}

#[test]
fn rows_are_joined_as_a_recomputation_joins_them() -> anyhow::Result<()> {
    for round in 0..12_u64 {
        let seed = first_seed() + round;
        let mut rng = Random::new(seed);
        let input = inputs(&mut rng);
        let expected = recompute(&input[0], &input[1]);
        for workers in 1..=3 {
            let records = [1 + rng.next_u32() as usize % 50, 65_536][rng.next_u32() as usize % 2];
            let (scripts, memory) = (input.each_ref().map(script), Memory::new());
            let sink = memory.clone();
            App::new("oracle")
                .workers(workers)
                .epochs(millis(0), records)
                .run(move |flow| pipeline(flow, &scripts, None, &sink))?;
            let context = format!("MILLSTREAM_SEED={seed}, {workers} workers, {records} records");
            assert_eq!(rows_of(&memory), expected, "{context}");
        }
    }
    Ok(())
}

#[test]
fn who_waits_for_too_long_is_late() -> anyhow::Result<()> {
    let hit = |key: &str, ms| Hit {
        key: key.into(),
        user: 1,
        ms,
    };
    let at = EventTime::from_millis;
    // The row of `a` comes in time, that of `b` too late, that of `c` never; `d` is there before.
    let records = ["a", "b", "c", "d"].map(|key| (at(1_000), hit(key, 7)));
    let later = [(at(30_000), hit("d", 8)), (at(90_000), hit("x", 9))];
    let rows = [
        (at(0), "d"),
        (at(2_000), "a"),
        (at(70_000), "b"),
        (at(90_000), "y"),
    ];
    let rows = rows.map(|(time, key)| (time, hit(key, 1)));
    let input: [Partitions; 2] = [vec![[&records[..], &later].concat()], vec![rows.to_vec()]];
    for workers in 1..=3 {
        let (scripts, memory) = (input.each_ref().map(script), Memory::new());
        let sink = memory.clone();
        App::new("patience")
            .workers(workers)
            .epochs(millis(0), 1)
            .run(move |flow| pipeline(flow, &scripts, Some(seconds(10)), &sink))?;
        let joined =
            [[1_000, 7, 1], [2_000, 7, 1], [30_000, 8, 1]].map(|row| (false, row.to_vec()));
        let late = [[1_000, 7, 0], [1_000, 7, 0], [90_000, 9, 0]].map(|row| (true, row.to_vec()));
        assert_eq!(
            rows_of(&memory),
            [joined, late].concat(),
            "{workers} workers"
        );
    }
    Ok(())
}

#[test]
fn who_waits_at_most_is_what_a_recomputation_says() -> anyhow::Result<()> {
    let mut n_late = 0;
    for round in 0..9_u64 {
        let seed = first_seed() + round;
        let mut rng = Random::new(seed);
        let patience_ms = [0, 2_000, 8_000][round as usize % 3];
        let input = inputs_of_one(&mut rng);
        let expected = recompute_patient(&input[0], &input[1], patience_ms);
        n_late += expected.iter().filter(|(is_late, _)| *is_late).count();
        for workers in 1..=3 {
            let records = [1 + rng.next_u32() as usize % 50, 65_536][rng.next_u32() as usize % 2];
            let (scripts, memory) = (input.each_ref().map(script), Memory::new());
            let sink = memory.clone();
            App::new("patience")
                .workers(workers)
                .epochs(millis(0), records)
                .run(move |flow| {
                    pipeline(flow, &scripts, Some(millis(patience_ms as u64)), &sink)
                })?;
            let context = format!(
                "MILLSTREAM_SEED={seed}, {workers} workers, {records} records, {patience_ms} ms"
            );
            assert_eq!(rows_of(&memory), expected, "{context}");
        }
    }
    assert!(n_late > 0, "some waited for too long");
    Ok(())
}

#[test]
fn restarts_make_no_difference_to_who_waits() -> anyhow::Result<()> {
    let seed = first_seed();
    let mut rng = Random::new(seed);
    let input = inputs_of_one(&mut rng);
    let expected = recompute_patient(&input[0], &input[1], 4_000);
    let records = 3 + rng.next_u32() as usize % 20;
    for way in ways(&[3]) {
        let (store, memory) = (FaultStore::new(), Memory::new());
        way.run("oracle", |app| {
            let (scripts, sink) = (input.each_ref().map(script), memory.clone());
            app.epochs(millis(0), records)
                .state(State::in_store(store.clone()).every(millis(0)))
                .run(move |flow| pipeline(flow, &scripts, Some(seconds(4)), &sink))
        })?;
        assert_eq!(rows_of(&memory), expected, "MILLSTREAM_SEED={seed}, {way}");
    }
    Ok(())
}

#[test]
fn restarts_make_no_difference() -> anyhow::Result<()> {
    let seed = first_seed();
    let mut rng = Random::new(seed);
    let input = inputs(&mut rng);
    let expected = recompute(&input[0], &input[1]);
    let records = 3 + rng.next_u32() as usize % 20;
    for way in ways(&[2, 5]) {
        let (store, memory) = (FaultStore::new(), Memory::new());
        way.run("oracle", |app| {
            let (scripts, sink) = (input.each_ref().map(script), memory.clone());
            app.epochs(millis(0), records)
                .state(State::in_store(store.clone()).every(millis(0)))
                .run(move |flow| pipeline(flow, &scripts, None, &sink))
        })?;
        assert_eq!(rows_of(&memory), expected, "MILLSTREAM_SEED={seed}, {way}");
    }
    Ok(())
}

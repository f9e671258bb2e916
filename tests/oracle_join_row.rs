//! Records and the one row of their key, against a naive recomputation over the whole input: whichever comes first, with rows
//! that never come, rows that come twice and records that wait no longer; 1 to 3 workers, and after restarts.
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
use stragglers::{BOUND_MS, Hit, Partitions, first_seed, random_input, script};

/// A row of one of the outputs: whether it is late, and its numbers.
type Row = (bool, Vec<i64>);

/// Whether a row is wanted; of the others it is only known that they are there.
fn is_wanted(row: &Hit) -> bool {
    !row.user.is_multiple_of(3)
}

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

fn pipeline(
    flow: &mut Flow<'_>,
    scripts: &[Script<Hit>; 2],
    patience: Option<std::time::Duration>,
    sink: &Memory,
) -> Result<()> {
    let policy = Watermarks::bounded(millis(BOUND_MS as u64)).idle_after(hours(1));
    let [records, rows] = ["records", "rows"].map(|name| {
        let script = &scripts[usize::from(name == "rows")];
        let hits = flow.source(name, script.clone());
        let hits = hits.event_time(|(time, _)| *time, policy);
        hits.map(|(time, hit)| (time.micros() / 1000, hit))
    });
    let rows = rows.key_by("key", |(_, row)| &row.key).rows();
    let rows = match patience {
        Some(patience) => rows.wait_at_most(patience),
        None => rows,
    };
    let joined = records.key_by("key", |(_, record)| &record.key).join_row(
        "joined",
        &rows,
        |(at, record), (since, row)| {
            is_wanted(row).then(|| (false, at.max(*since), record.ms, row.ms))
        },
    );
    let late = joined.late().map(|late| {
        let (Sided::Left((at, hit)) | Sided::Right((at, hit))) = late;
        (true, at, hit.ms, 0)
    });
    let names = ("late", "at", "ms", "of_row");
    joined
        .columns(names, |row| *row)
        .sink("joined", sink.clone())?;
    late.columns(names, |row| *row).sink("late", sink.clone())
}

fn rows_of(memory: &Memory) -> Vec<Row> {
    let number = |value: &Value| match value {
        Value::Int(n) => *n,
        other => panic!("{other:?}"),
    };
    let rows = memory.rows().into_iter();
    let rows = rows.map(|row| {
        let numbers = row[1..].iter().map(number).collect();
        (row[0] == Value::Bool(true), numbers)
    });
    let mut rows: Vec<_> = rows.collect();
    rows.sort();
    rows
}

/// Records of many keys, and rows of most of them; some rows come twice, in one partition or in two.
fn inputs(rng: &mut Random) -> [Partitions; 2] {
    let mut records = random_input(rng);
    for (_, hit) in records.iter_mut().flatten() {
        hit.key = format!("{}-{}", hit.key, hit.user % 10);
    }
    let mut rows: Partitions = vec![Vec::new(); 3];
    for n in 0..7 * 10 {
        let key = format!("k{}-{}", n / 10, n % 10);
        let (user, ms) = (rng.next_u32() % 50, i64::from(rng.next_u32() % 1_000));
        let time = EventTime::from_millis(i64::from(rng.next_u32() % 20_000));
        let n_times = [0, 1, 1, 1, 1, 2][rng.next_u32() as usize % 6];
        for _ in 0..n_times {
            let hit = Hit {
                key: key.clone(),
                user,
                ms,
            };
            rows[rng.next_u32() as usize % 3].push((time, hit));
        }
    }
    [records, rows]
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

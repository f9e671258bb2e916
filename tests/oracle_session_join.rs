//! Joins in sessions against a naive recomputation over the whole input: a session is of the records of both sides, stragglers
//! join what was apart; over two sources and over two branches of one, 1 to 3 workers, and after restarts.
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

const GAP_MS: i64 = 400;
const LATENESS_MS: i64 = 2_000;

/// Which output, the end of the session, and the numbers of the two; -1 for none. What is late has its side for an end.
type Row = (String, i64, i64, i64);

/// Where the records come from: one source of both sides, or two.
#[derive(Clone, Copy, Debug)]
enum From {
    TwoSources,
    /// One source, whose records are told apart by their user.
    Branches,
}

/// What a record of the `n`th source is on; 0 for the left.
fn side_of(from: From, n: usize, hit: &Hit) -> usize {
    match from {
        From::TwoSources => n,
        From::Branches => hit.user as usize % 2,
    }
}

fn recompute(sources: &[Partitions], from: From) -> Vec<Row> {
    let mut keys: BTreeMap<&str, Vec<(i64, usize, i64)>> = BTreeMap::new();
    let mut rows = Vec::new();
    for (n, partition) in sources
        .iter()
        .enumerate()
        .flat_map(|(n, input)| input.iter().map(move |partition| (n, partition)))
    {
        for ((time, hit), watermark) in partition.iter().zip(watermarks_before(partition)) {
            let (at, side) = (time.micros() / 1000, side_of(from, n, hit));
            if watermark.is_some_and(|watermark| at + LATENESS_MS < watermark) {
                rows.push(("late".to_owned(), side as i64, hit.ms, -1));
            } else {
                keys.entry(&hit.key).or_default().push((at, side, hit.ms));
            }
        }
    }
    for mut hits in keys.into_values() {
        hits.sort_unstable();
        for session in hits.chunk_by(|a, b| b.0 - a.0 <= GAP_MS) {
            let end = session[session.len() - 1].0 + GAP_MS;
            let of_side = |side| session.iter().filter(move |hit| hit.1 == side);
            let of = ["semi", "anti"][usize::from(of_side(1).count() == 0)];
            for left in of_side(0) {
                rows.push((of.to_owned(), end, left.2, -1));
                rows.extend(of_side(1).map(|right| ("join".to_owned(), end, left.2, right.2)));
            }
        }
    }
    rows.sort();
    rows
}

fn sides<'f>(flow: &mut Flow<'f>, scripts: &[Script<Hit>], from: From) -> [Stream<'f, Hit>; 2] {
    let policy = Watermarks::bounded(millis(BOUND_MS as u64)).idle_after(hours(1));
    let mut source = |name: &str, script: &Script<Hit>| {
        let hits = flow.source(name, script.clone());
        let hits = hits.event_time(|(time, _)| *time, policy);
        hits.map(|(_, hit)| hit)
    };
    match from {
        From::TwoSources => [source("left", &scripts[0]), source("right", &scripts[1])],
        From::Branches => {
            let both = source("both", &scripts[0]);
            let (left, right) = both.branch(|hit| {
                Some(match hit.user % 2 {
                    0 => Sided::Left(hit),
                    _ => Sided::Right(hit),
                })
            });
            [left, right]
        }
    }
}

fn pipeline(flow: &mut Flow<'_>, scripts: &[Script<Hit>], from: From, sink: &Memory) -> Result<()> {
    let [left, right] = sides(flow, scripts, from);
    let session = Session::gap(millis(GAP_MS as u64)).lateness(millis(LATENESS_MS as u64));
    let right = right.key_by("key", |hit| &hit.key);
    let left = left.key_by("key", |hit| &hit.key).window(session);
    let joined = left.join("join", &right, |l, r| (l.ms, r.ms));
    let semi = left.semi_join("semi", &right);
    let anti = left.anti_join("anti", &right);
    let names = ("of", "end", "l", "r");
    let late = joined.late().map(|late| match late {
        Sided::Left(hit) => ("late".to_owned(), 0, hit.ms, -1),
        Sided::Right(hit) => ("late".to_owned(), 1, hit.ms, -1),
    });
    late.columns(names, |row| row.clone())
        .sink("late", sink.clone())?;
    let outputs = [
        ("join", joined.map(|row| row)),
        ("semi", semi.map(|hit| (hit.ms, -1))),
        ("anti", anti.map(|hit| (hit.ms, -1))),
    ];
    for (name, rows) in outputs {
        // Windows over them tell when they were, and that none of them is late.
        let timed = rows.key_with(("l", "r"), |row| *row);
        let timed = timed.window(Tumbling::of(millis(1)));
        let timed = timed.aggregate(&format!("{name}_rows"), |of| of.count("times"));
        timed.late().inspect(|row| panic!("{row:?} is late"));
        let rows = timed.closed().flat_map(move |row| {
            let end = row.window.end.micros() / 1000;
            let (l, r) = row.key;
            std::iter::repeat_n((name.to_owned(), end, l, r), row.values as usize)
        });
        rows.columns(names, |row| row.clone())
            .sink(name, sink.clone())?;
    }
    Ok(())
}

fn rows_of(memory: &Memory) -> Vec<Row> {
    let row = |values: Vec<Value>| match &values[..] {
        [
            Value::Text(of),
            Value::Int(end),
            Value::Int(l),
            Value::Int(r),
        ] => (of.clone(), *end, *l, *r),
        _ => panic!("{values:?}"),
    };
    let mut rows: Vec<Row> = memory.rows().into_iter().map(row).collect();
    rows.sort();
    rows
}

/// Records of many keys, so that sessions end.
fn sources(rng: &mut Random, from: From) -> Vec<Partitions> {
    let n = match from {
        From::TwoSources => 2,
        From::Branches => 1,
    };
    let mut sources: Vec<_> = (0..n).map(|_| random_input(rng)).collect();
    for (_, hit) in sources.iter_mut().flatten().flatten() {
        hit.key = format!("{}-{}", hit.key, hit.ms.rem_euclid(3));
    }
    sources
}

const FROM: [From; 2] = [From::TwoSources, From::Branches];

#[test]
fn joins_in_sessions_are_what_a_recomputation_gives() -> anyhow::Result<()> {
    let mut n_rows: BTreeMap<String, usize> = BTreeMap::new();
    for round in 0..6_u64 {
        let seed = first_seed() + round;
        let (mut rng, from) = (Random::new(seed), FROM[round as usize % 2]);
        let sources = sources(&mut rng, from);
        let expected = recompute(&sources, from);
        for row in &expected {
            *n_rows.entry(row.0.clone()).or_default() += 1;
        }
        for workers in 1..=3 {
            let records = [1 + rng.next_u32() as usize % 50, 65_536][rng.next_u32() as usize % 2];
            let scripts: Vec<_> = sources.iter().map(script).collect();
            let memory = Memory::new();
            let sink = memory.clone();
            App::new("oracle")
                .workers(workers)
                .epochs(millis(0), records)
                .run(move |flow| pipeline(flow, &scripts, from, &sink))?;
            let context =
                format!("MILLSTREAM_SEED={seed}, {workers} workers, {records} records, {from:?}");
            assert_eq!(rows_of(&memory), expected, "{context}");
        }
    }
    let is_enough = n_rows.len() == 4 && n_rows.values().all(|n| *n > 20);
    assert!(is_enough, "{n_rows:?}");
    Ok(())
}

#[test]
fn restarts_make_no_difference() -> anyhow::Result<()> {
    for (round, from) in (0..).zip(FROM) {
        let seed = first_seed() + round;
        let mut rng = Random::new(seed);
        let mut sources = sources(&mut rng, from);
        for partition in sources.iter_mut().flatten() {
            partition.truncate(120);
        }
        let expected = recompute(&sources, from);
        let records = 10 + rng.next_u32() as usize % 20;
        for way in ways(&[2]) {
            let (store, memory) = (FaultStore::new(), Memory::new());
            way.run("oracle", |app| {
                let scripts: Vec<_> = sources.iter().map(script).collect();
                let sink = memory.clone();
                app.epochs(millis(0), records)
                    .state(State::in_store(store.clone()).every(millis(0)))
                    .run(move |flow| pipeline(flow, &scripts, from, &sink))
            })?;
            let context = format!("MILLSTREAM_SEED={seed}, {way}, {from:?}");
            assert_eq!(rows_of(&memory), expected, "{context}");
        }
    }
    Ok(())
}

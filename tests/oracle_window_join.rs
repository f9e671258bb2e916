//! Joins in windows against a naive recomputation over the whole input: tumbling, hopping and sessions, with lateness, over two
//! sources and over two branches of one; 1 to 3 workers, and after restarts.
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

/// Which output, the end of the window, and the numbers of the two; -1 for none.
type Row = (&'static str, i64, i64, i64);

/// Both sides of a key in a window: their numbers.
type Sides = BTreeMap<(i64, String), [Vec<i64>; 2]>;

/// What is on either side in each window of `SIZE_MS` every `hop`, and how many are late on either.
fn windows(sides: [&Partitions; 2], hop: i64) -> (Sides, [usize; 2]) {
    let (mut windows, mut n_late) = (Sides::new(), [0; 2]);
    for (side, input) in sides.into_iter().enumerate() {
        for partition in input {
            for ((time, hit), watermark) in partition.iter().zip(watermarks_before(partition)) {
                let at = time.micros() / 1000;
                let last = at.div_euclid(hop) * hop;
                let starts = (0..).map(|n| last - n * hop);
                let mut is_late = true;
                for start in starts.take_while(|start| start + SIZE_MS > at) {
                    if watermark.is_none_or(|now| start + SIZE_MS + LATENESS_MS > now) {
                        let of_key = windows.entry((start + SIZE_MS, hit.key.clone()));
                        of_key.or_default()[side].push(hit.ms);
                        is_late = false;
                    }
                }
                n_late[side] += usize::from(is_late);
            }
        }
    }
    (windows, n_late)
}

fn recompute(sides: [&Partitions; 2]) -> (Vec<Row>, [usize; 2]) {
    let (tumbling, n_late) = windows(sides, SIZE_MS);
    let mut rows = Vec::new();
    for ((end, _), [left, right]) in &tumbling {
        let pairs = left
            .iter()
            .flat_map(|l| right.iter().map(move |r| (*l, *r)));
        rows.extend(pairs.map(|(l, r)| ("join", *end, l, r)));
        let of = if right.is_empty() { "anti" } else { "semi" };
        rows.extend(left.iter().map(|l| (of, *end, *l, -1)));
    }
    for ((end, _), [left, right]) in &windows(sides, HOP_MS).0 {
        let pairs = left
            .iter()
            .flat_map(|l| right.iter().map(move |r| (*l, *r)));
        rows.extend(pairs.map(|(l, r)| ("hopping", *end, l, r)));
    }
    rows.sort();
    (rows, n_late)
}

/// Where the two sides come from.
#[derive(Clone, Copy, Debug)]
enum From {
    TwoSources,
    /// One source, whose records are told apart by their user.
    Branches,
}

fn is_left(hit: &Hit) -> bool {
    hit.user.is_multiple_of(2)
}

fn sides<'f>(flow: &mut Flow<'f>, scripts: &[Script<Hit>; 2], from: From) -> [Stream<'f, Hit>; 2] {
    let policy = Watermarks::bounded(millis(BOUND_MS as u64)).idle_after(hours(1));
    let mut source = |name: &str, script: &Script<Hit>| {
        let hits = flow.source(name, script.clone());
        let hits = hits.event_time(|(time, _)| *time, policy);
        hits.map(|(_, hit)| hit)
    };
    match from {
        From::TwoSources => [source("left", &scripts[0]), source("right", &scripts[1])],
        From::Branches => {
            let (left, right) = source("both", &scripts[0]).branch(|hit| {
                Some(match is_left(&hit) {
                    true => Sided::Left(hit),
                    false => Sided::Right(hit),
                })
            });
            [left, right]
        }
    }
}

fn pipeline(
    flow: &mut Flow<'_>,
    scripts: &[Script<Hit>; 2],
    from: From,
    [sink, late]: &[Memory; 2],
) -> Result<()> {
    let [left, right] = sides(flow, scripts, from);
    let lateness = millis(LATENESS_MS as u64);
    let tumbling = Tumbling::of(millis(SIZE_MS as u64)).lateness(lateness);
    let hopping = Hopping::of(millis(SIZE_MS as u64)).every(millis(HOP_MS as u64));
    let right = right.key_by("key", |hit| &hit.key);
    let left = left.key_by("key", |hit| &hit.key);
    let joined = left
        .window(tumbling)
        .join("join", &right, |l, r| (l.ms, r.ms));
    let semi = left.window(tumbling).semi_join("semi", &right);
    let anti = left.window(tumbling).anti_join("anti", &right);
    let overlapping = left.window(hopping.lateness(lateness));
    let overlapping = overlapping.join("hopping", &right, |l, r| (l.ms, r.ms));
    let late_side = |record: &Sided<Hit, Hit>| matches!(record, Sided::Right(_));
    joined
        .late()
        .columns("right", late_side)
        .sink("late", late.clone())?;
    let outputs = [
        ("join", joined.clone()),
        ("semi", semi.map(|hit| (hit.ms, -1))),
        ("anti", anti.map(|hit| (hit.ms, -1))),
        ("hopping", overlapping.clone()),
    ];
    for (name, rows) in outputs {
        // Windows over them tell when they were, and that none of them is late.
        let timed = rows
            .key_with(("l", "r"), |row| *row)
            .window(Tumbling::of(millis(1)));
        let timed = timed.aggregate(&format!("{name}_rows"), |of| of.count("times"));
        timed.late().inspect(|row| panic!("{row:?} is late"));
        let row = move |row: &WindowRow<(i64, i64), u64>| {
            let end = row.window.end.micros() / 1000;
            (
                name.to_owned(),
                end,
                row.key.0,
                row.key.1,
                row.values as i64,
            )
        };
        let names = ("of", "end", "l", "r", "times");
        timed
            .closed()
            .columns(names, row)
            .sink(name, sink.clone())?;
    }
    Ok(())
}

fn rows_of(memory: &Memory) -> Vec<Row> {
    let rows = memory
        .rows()
        .into_iter()
        .flat_map(|values| match &values[..] {
            [
                Value::Text(of),
                Value::Int(end),
                Value::Int(l),
                Value::Int(r),
                Value::Int(times),
            ] => {
                let of = ["join", "semi", "anti", "hopping"]
                    .into_iter()
                    .find(|known| of == known);
                vec![(of.expect("an output"), *end, *l, *r); *times as usize]
            }
            _ => panic!("{values:?}"),
        });
    let mut rows: Vec<Row> = rows.collect();
    rows.sort();
    rows
}

fn late_of(memory: &Memory) -> [usize; 2] {
    let right = memory
        .rows()
        .iter()
        .filter(|row| row[0] == Value::Bool(true))
        .count();
    [memory.rows().len() - right, right]
}

/// Random input: that of each side, as it comes from two sources or from one.
fn inputs(rng: &mut Random, from: From) -> ([Partitions; 2], [Partitions; 2]) {
    let [left, right] = [(); 2].map(|()| random_input(rng));
    match from {
        From::TwoSources => ([left.clone(), right.clone()], [left, right]),
        From::Branches => {
            // The watermark is that of all records: what is not of a side stays, under a key of its own.
            let of_side = |wanted: bool| {
                let mut input = left.clone();
                for (_, hit) in input.iter_mut().flatten() {
                    if is_left(hit) != wanted {
                        hit.key = format!("not of side {wanted}");
                    }
                }
                input
            };
            ([of_side(true), of_side(false)], [left, right])
        }
    }
}

#[test]
fn joins_are_what_a_recomputation_gives() -> anyhow::Result<()> {
    for round in 0..4_u64 {
        let seed = first_seed() + round;
        let mut rng = Random::new(seed);
        let from = [From::TwoSources, From::Branches][round as usize % 2];
        let (of_sides, sources) = inputs(&mut rng, from);
        let (mut expected, n_late) = recompute([&of_sides[0], &of_sides[1]]);
        if let From::Branches = from {
            expected = without_others(&of_sides, expected);
        }
        for workers in 1..=3 {
            let records = [1 + rng.next_u32() as usize % 50, 65_536][rng.next_u32() as usize % 2];
            let (scripts, sinks) = (
                sources.each_ref().map(script),
                [Memory::new(), Memory::new()],
            );
            let to = sinks.clone();
            App::new("oracle")
                .workers(workers)
                .epochs(millis(0), records)
                .run(move |flow| pipeline(flow, &scripts, from, &to))?;
            let context =
                format!("MILLSTREAM_SEED={seed}, {workers} workers, {records} records, {from:?}");
            assert_eq!(rows_of(&sinks[0]), expected, "{context}");
            if let From::TwoSources = from {
                assert_eq!(late_of(&sinks[1]), n_late, "{context}");
            }
        }
    }
    Ok(())
}

/// The rows without those that records have which are not of their side: these have no partner, so they are alone.
fn without_others(of_sides: &[Partitions; 2], expected: Vec<Row>) -> Vec<Row> {
    let alone = windows([&of_sides[0], &of_sides[1]], SIZE_MS).0;
    let alone = alone
        .iter()
        .filter(|((_, key), _)| key.starts_with("not of side"));
    let mut rest = expected;
    for ((end, _), [left, _]) in alone {
        for l in left {
            let place = rest.iter().position(|row| *row == ("anti", *end, *l, -1));
            rest.remove(place.expect("it is alone"));
        }
    }
    rest
}

#[test]
fn restarts_make_no_difference() -> anyhow::Result<()> {
    let seed = first_seed();
    let mut rng = Random::new(seed);
    let [mut left, mut right] = [(); 2].map(|()| random_input(&mut rng));
    for partition in left.iter_mut().chain(&mut right) {
        partition.truncate(120);
    }
    let of_sides = [left, right];
    let sources = of_sides.clone();
    let (expected, _) = recompute([&of_sides[0], &of_sides[1]]);
    let records = 3 + rng.next_u32() as usize % 20;
    for way in ways(&[2]) {
        let (store, sinks) = (FaultStore::new(), [Memory::new(), Memory::new()]);
        way.run("oracle", |app| {
            let (scripts, to) = (sources.each_ref().map(script), sinks.clone());
            app.epochs(millis(0), records)
                .state(State::in_store(store.clone()).every(millis(0)))
                .run(move |flow| pipeline(flow, &scripts, From::TwoSources, &to))
        })?;
        assert_eq!(
            rows_of(&sinks[0]),
            expected,
            "MILLSTREAM_SEED={seed}, {way}"
        );
    }
    Ok(())
}

#[test]
fn sessions_are_joined_where_they_lie_together() -> anyhow::Result<()> {
    let hit = |at: i64, user, ms| {
        let hit = Hit {
            key: "k".into(),
            user,
            ms,
        };
        (EventTime::from_millis(at), hit)
    };
    // Two sessions with a gap of ten seconds between them; in the second nobody is on the right.
    let left = vec![vec![hit(0, 0, 1), hit(4_000, 0, 2), hit(60_000, 0, 3)]];
    let right = vec![vec![hit(2_000, 1, 4), hit(8_000, 1, 5), hit(90_000, 1, 6)]];
    for workers in 1..=3 {
        let (scripts, memory) = ([&left, &right].map(script), Memory::new());
        let sink = memory.clone();
        App::new("sessions")
            .workers(workers)
            .epochs(millis(0), 1)
            .run(move |flow| {
                let [left, right] = sides(flow, &scripts, From::TwoSources);
                let right = right.key_by("key", |hit| &hit.key);
                left.key_by("key", |hit| &hit.key)
                    .window(Session::gap(seconds(5)))
                    .join("together", &right, |l, r| (l.ms, r.ms))
                    .columns(("l", "r"), |row| *row)
                    .sink("rows", sink.clone())
            })?;
        let mut rows = memory.rows();
        rows.sort();
        let expected = [[1, 4], [1, 5], [2, 4], [2, 5]].map(|row| row.map(Value::Int).to_vec());
        assert_eq!(rows, expected, "{workers} workers");
    }
    Ok(())
}

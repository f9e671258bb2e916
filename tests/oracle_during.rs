//! What is open for a time and what happens meanwhile, against a naive recomputation over the whole input: any order, any
//! lateness, any cut into epochs, 1 to 3 workers, and after restarts.
//!
//! A failure prints the seed; `MILLSTREAM_SEED=<seed>` repeats it.

#[path = "support/random.rs"]
mod random;
#[path = "support/stragglers.rs"]
mod stragglers;

use std::collections::BTreeSet;

use millstream::engine::{Value, hours};
use millstream::prelude::*;
use millstream::testing::{FaultStore, Script, ways};
use random::Random;
use stragglers::{BOUND_MS, Hit, Partitions, first_seed, random_input, script, watermarks_before};

/// What is said of the intervals.
#[derive(Clone, Copy, Debug)]
struct Said {
    lateness_ms: i64,
    back_ms: i64,
    /// So much sooner an interval ends: it may be over when its record happens, or be empty.
    sooner_ms: i64,
    unique: bool,
}

impl Said {
    /// From when to when a left record of this time is open.
    fn interval(&self, at: i64, hit: &Hit) -> (i64, i64) {
        (at - self.back_ms, at + length_ms(hit) - self.sooner_ms)
    }
}

/// A record as it comes: when it happened, and the watermark it came behind; in milliseconds.
struct Come<'a> {
    at: i64,
    behind: Option<i64>,
    hit: &'a Hit,
}

fn come(input: &Partitions) -> Vec<Come<'_>> {
    let mut all = Vec::new();
    for records in input {
        for ((time, hit), watermark) in records.iter().zip(watermarks_before(records)) {
            let at = time.micros() / 1000;
            let behind = watermark.filter(|watermark| at < *watermark);
            all.push(Come { at, behind, hit });
        }
    }
    all
}

/// For how long a left record is open.
fn length_ms(hit: &Hit) -> i64 {
    500 + i64::from(hit.user) * 100
}

/// A row of one of the outputs: which it is of, and its numbers.
type Row = (&'static str, Vec<i64>);

/// Which records meet, what comes of it, and what is late.
fn recompute(left: &Partitions, right: &Partitions, said: Said) -> Vec<Row> {
    let (left, right) = (come(left), come(right));
    let mut rows = Vec::new();
    let mut has_met = vec![false; right.len()];
    for l in &left {
        let (start, end) = said.interval(l.at, l.hit);
        let end = end.max(start);
        let close = end + said.lateness_ms;
        if l.behind.is_some_and(|behind| close <= behind) {
            rows.push(("late", vec![0, l.at, l.hit.ms]));
            continue;
        }
        let meets = |r: &Come<'_>| {
            let expected = r.at + said.back_ms + said.lateness_ms;
            r.hit.key == l.hit.key
                && (start..end).contains(&r.at)
                && r.behind.is_none_or(|behind| behind < close)
                && l.behind.is_none_or(|behind| behind <= expected)
        };
        let met: Vec<usize> = (0..right.len()).filter(|n| meets(&right[*n])).collect();
        for n in &met {
            has_met[*n] = true;
            let r = &right[*n];
            rows.push(("pair", vec![l.at, l.hit.ms, r.at, r.hit.ms]));
        }
        let first = met.iter().map(|n| &right[*n]);
        let first = first.min_by_key(|r| (r.hit.ms, r.at, r.hit.user));
        if let Some(r) = first {
            rows.push(("first", vec![l.at.max(r.at), l.hit.ms, r.at, r.hit.ms]));
            let sum = met.iter().map(|n| right[*n].hit.ms).sum();
            rows.push(("folded", vec![end, l.hit.ms, met.len() as i64, sum]));
        }
    }
    for (r, has_met) in right.iter().zip(has_met) {
        let last = r.at + said.back_ms + said.lateness_ms;
        if !has_met && r.behind.is_some_and(|behind| last < behind) {
            rows.push(("late", vec![1, r.at, r.hit.ms]));
        }
    }
    rows.sort();
    rows
}

fn millis_of(ms: i64) -> std::time::Duration {
    millis(ms as u64)
}

/// A left or a right record, with its time.
type Timed = (i64, Hit);

fn pipeline(
    flow: &mut Flow<'_>,
    scripts: &[Script<Hit>; 2],
    said: Said,
    sink: &Memory,
) -> Result<()> {
    let policy = Watermarks::bounded(millis_of(BOUND_MS)).idle_after(hours(1));
    let [left, right] = ["left", "right"].map(|name| {
        let script = &scripts[usize::from(name == "right")];
        let hits = flow.source(name, script.clone());
        let hits = hits.event_time(|(time, _)| *time, policy);
        hits.map(|(time, hit)| (time.micros() / 1000, hit))
    });
    let right = right.key_by("key", |(_, hit): &Timed| &hit.key);
    let intervals = left
        .key_by("key", |(_, hit): &Timed| &hit.key)
        .during(move |(at, hit)| {
            let (start, end) = said.interval(*at, hit);
            Window {
                start: EventTime::from_millis(start),
                end: EventTime::from_millis(end),
            }
        })
        .lateness(millis_of(said.lateness_ms))
        .reaching_back(millis_of(said.back_ms));
    let intervals = match said.unique {
        true => intervals.one_at_a_time(),
        false => intervals,
    };
    let pairs = intervals.join("pairs", &right, |(at, l), (then, r)| {
        ("pair".to_owned(), *at, l.ms, *then, r.ms)
    });
    let late = pairs.late().map(|late| match late {
        Sided::Left((at, hit)) => ("late".to_owned(), 0, at, hit.ms, 0),
        Sided::Right((at, hit)) => ("late".to_owned(), 1, at, hit.ms, 0),
    });
    let order = |(at, hit): &Timed| (hit.ms, *at, hit.user);
    let first = intervals.join_first("first", &right, order);
    let folded = intervals.aggregate("folded", &right, |of| {
        (of.count("n"), of.sum("ms", |(_, hit)| hit.ms))
    });
    // Windows over them tell when they were, and that none of them is late.
    let first = first.map(|((_, l), (then, r))| ("first".to_owned(), l.ms, then, r.ms));
    let folded = folded.map(|((_, l), (n, sum))| ("folded".to_owned(), l.ms, n as i64, sum));
    let names = ("of", "a", "b", "c", "d");
    for (name, rows) in [("first_rows", first), ("folded_rows", folded)] {
        let timed = rows.key_with(("of", "a", "b", "c"), |row| row.clone());
        let timed = timed.window(Tumbling::of(millis(1)));
        let timed = timed.aggregate(name, |of| of.count("times"));
        timed.late().inspect(|row| panic!("{row:?} is late"));
        let rows = timed.closed().flat_map(|row| {
            let (of, l, b, c) = row.key;
            let at = row.window.start.micros() / 1000;
            let at = if of == "folded" { at + 1 } else { at };
            std::iter::repeat_n((of, at, l, b, c), row.values as usize)
        });
        rows.columns(names, |row| row.clone())
            .sink(name, sink.clone())?;
    }
    pairs
        .columns(names, |row| row.clone())
        .sink("pairs", sink.clone())?;
    late.columns(names, |row| row.clone())
        .sink("late", sink.clone())
}

fn rows_of(memory: &Memory) -> Vec<Row> {
    let row = |values: Vec<Value>| match &values[..] {
        [Value::Text(of), numbers @ ..] => {
            let of = ["pair", "first", "folded", "late"]
                .into_iter()
                .find(|known| of == known);
            let of = of.expect("one of the outputs");
            let numbers = numbers.iter().map(|value| match value {
                Value::Int(n) => *n,
                other => panic!("{other:?}"),
            });
            let n = if of == "late" { 3 } else { 4 };
            (of, numbers.take(n).collect())
        }
        _ => panic!("{values:?}"),
    };
    let mut rows: Vec<Row> = memory.rows().into_iter().map(row).collect();
    rows.sort();
    rows
}

/// Random records of both sides; if keys are to be unique, one left record of each.
fn inputs(rng: &mut Random, unique: bool) -> [Partitions; 2] {
    let [mut left, mut right] = [(); 2].map(|()| random_input(rng));
    if rng.next_u32().is_multiple_of(2) {
        // Much happens just when something opens, ends or closes.
        let records = left.iter_mut().chain(&mut right).flatten();
        records.for_each(|(time, _)| *time = in_tenths(*time));
    }
    if unique {
        let of_its_own = |hit: &mut Hit| hit.key = format!("{}-{}", hit.key, hit.user % 10);
        let mut known = BTreeSet::new();
        for partition in &mut left {
            partition.iter_mut().for_each(|(_, hit)| of_its_own(hit));
            partition.retain(|(_, hit)| known.insert(hit.key.clone()));
        }
        right
            .iter_mut()
            .flatten()
            .for_each(|(_, hit)| of_its_own(hit));
    }
    [left, right]
}

fn in_tenths(time: EventTime) -> EventTime {
    EventTime::from_millis(time.micros().div_euclid(100_000) * 100)
}

fn said(rng: &mut Random) -> Said {
    let mut one_of = |ms: [i64; 3]| ms[rng.next_u32() as usize % 3];
    Said {
        lateness_ms: one_of([0, 1_000, 5_000]),
        back_ms: one_of([0, 700, 4_000]),
        sooner_ms: one_of([0, 0, 3_000]),
        unique: rng.next_u32().is_multiple_of(2),
    }
}

#[test]
fn who_meets_is_what_a_recomputation_gives() -> anyhow::Result<()> {
    let mut n_rows = [0; 4];
    for round in 0..8_u64 {
        let seed = first_seed() + round;
        let mut rng = Random::new(seed);
        let said = said(&mut rng);
        let input = inputs(&mut rng, said.unique);
        let expected = recompute(&input[0], &input[1], said);
        for (n, of) in ["pair", "first", "folded", "late"].into_iter().enumerate() {
            n_rows[n] += expected.iter().filter(|row| row.0 == of).count();
        }
        for workers in 1..=3 {
            let records = [1 + rng.next_u32() as usize % 50, 65_536][rng.next_u32() as usize % 2];
            let memory = Memory::new();
            let (scripts, sink) = (input.each_ref().map(script), memory.clone());
            App::new("oracle")
                .workers(workers)
                .epochs(millis(0), records)
                .run(move |flow| pipeline(flow, &scripts, said, &sink))?;
            let context =
                format!("MILLSTREAM_SEED={seed}, {workers} workers, {records} records, {said:?}");
            assert_eq!(rows_of(&memory), expected, "{context}");
        }
    }
    assert!(n_rows.iter().all(|n| *n > 20), "{n_rows:?}");
    Ok(())
}

#[test]
fn restarts_make_no_difference() -> anyhow::Result<()> {
    for round in 0..2_u64 {
        let seed = first_seed() + round;
        let mut rng = Random::new(seed);
        let said = Said {
            unique: round == 0,
            ..said(&mut rng)
        };
        let mut input = inputs(&mut rng, said.unique);
        for partition in input.iter_mut().flatten() {
            partition.truncate(120);
        }
        let expected = recompute(&input[0], &input[1], said);
        let records = 3 + rng.next_u32() as usize % 20;
        for way in ways(&[3]) {
            let (store, memory) = (FaultStore::new(), Memory::new());
            way.run("oracle", |app| {
                let (scripts, sink) = (input.each_ref().map(script), memory.clone());
                app.epochs(millis(0), records)
                    .state(State::in_store(store.clone()).every(millis(0)))
                    .run(move |flow| pipeline(flow, &scripts, said, &sink))
            })?;
            let context = format!("MILLSTREAM_SEED={seed}, {way}, {said:?}");
            assert_eq!(rows_of(&memory), expected, "{context}");
        }
    }
    Ok(())
}

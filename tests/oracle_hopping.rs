//! Windows that overlap against a naive recomputation over the whole input: any order, any lateness, any cut into epochs,
//! 1 to 3 workers, and stopped, crashed and rescaled in every way.
//!
//! A failure prints the seed; `MILLSTREAM_SEED=<seed>` repeats it.

#[path = "support/last_views.rs"]
mod last_views;
#[path = "support/random.rs"]
mod random;
#[path = "support/stragglers.rs"]
mod stragglers;

use std::collections::{BTreeMap, BTreeSet};

use last_views::LastViews;
use millstream::engine::{Value, ViewSettings, hours};
use millstream::prelude::*;
use millstream::testing::{FaultStore, Script, ways};
use random::Random;
use stragglers::{BOUND_MS, Hit, Partitions, first_seed, random_input, script, watermarks_before};

/// How long the windows are, how far apart they begin, and how long they can be corrected, in milliseconds.
#[derive(Clone, Copy, Debug)]
struct Cut {
    size: i64,
    hop: i64,
    lateness: i64,
}

const CUTS: [Cut; 5] = [
    Cut {
        size: 10_000,
        hop: 2_000,
        lateness: 4_000,
    },
    Cut {
        size: 10_000,
        hop: 3_000,
        lateness: 0,
    },
    Cut {
        size: 7_000,
        hop: 5_000,
        lateness: 9_000,
    },
    Cut {
        size: 6_000,
        hop: 6_000,
        lateness: 4_000,
    },
    Cut {
        size: 5_000,
        hop: 250,
        lateness: 0,
    },
];

impl Cut {
    /// When the windows begin that hold `time`.
    fn starts(self, time: i64) -> impl Iterator<Item = i64> {
        let last = time.div_euclid(self.hop) * self.hop;
        let starts = (0..).map(move |n| last - n * self.hop);
        starts.take_while(move |start| start + self.size > time)
    }

    fn windows(self) -> Hopping {
        let millis_of = |ms: i64| millis(ms as u64);
        let windows = Hopping::of(millis_of(self.size)).every(millis_of(self.hop));
        windows.lateness(millis_of(self.lateness))
    }
}

/// Start, key, how many, how many users, sum of milliseconds.
type Row = (i64, String, i64, i64, i64);

/// What should come out: rows sorted, and how many were late.
fn recompute(input: &Partitions, cut: Cut) -> (Vec<Row>, u64) {
    let mut groups: BTreeMap<(i64, String), Vec<&Hit>> = BTreeMap::new();
    let mut n_late = 0;
    for partition in input {
        for ((time, hit), watermark) in partition.iter().zip(watermarks_before(partition)) {
            let open = cut
                .starts(time.micros() / 1000)
                .filter(|start| watermark.is_none_or(|at| start + cut.size + cut.lateness > at));
            let mut is_late = true;
            for start in open {
                let group = groups.entry((start, hit.key.clone())).or_default();
                group.push(hit);
                is_late = false;
            }
            n_late += u64::from(is_late);
        }
    }
    let row = |((start, key), hits): ((i64, String), Vec<&Hit>)| {
        let users: BTreeSet<_> = hits.iter().map(|hit| hit.user).collect();
        let ms = hits.iter().map(|hit| hit.ms).sum();
        (start, key, hits.len() as i64, users.len() as i64, ms)
    };
    (groups.into_iter().map(row).collect(), n_late)
}

fn pipeline(
    flow: &mut Flow<'_>,
    input: &Script<Hit>,
    cut: Cut,
    [rows, late]: &[Memory; 2],
) -> Result<()> {
    let policy = Watermarks::bounded(millis(BOUND_MS as u64)).idle_after(hours(1));
    let table = flow
        .source("hits", input.clone())
        .event_time(|(time, _)| *time, policy)
        .map(|(_, hit)| hit)
        .key_by("key", |hit| &hit.key)
        .window(cut.windows())
        .aggregate("hits", |of| {
            (
                of.count("n"),
                of.count_distinct("users", |hit| &hit.user),
                of.sum("ms", |hit| hit.ms),
            )
        });
    table.view_with("hits", ViewSettings::default().keep(hours(24)))?;
    table.closed().sink("rows", rows.clone())?;
    let late_hits = table.late().columns("key", |hit| hit.key.clone());
    late_hits.sink("late", late.clone())
}

/// The rows of a table, without the ends of windows.
fn rows_of(values: impl IntoIterator<Item = Vec<Value>>) -> Vec<Row> {
    let row = |values: Vec<Value>| match &values[..] {
        [
            Value::Time(start),
            Value::Time(_),
            Value::Text(key),
            Value::Int(n),
            Value::Int(users),
            Value::Int(ms),
            ..,
        ] => (start.micros() / 1000, key.clone(), *n, *users, *ms),
        _ => panic!("{values:?}"),
    };
    let mut rows: Vec<_> = values.into_iter().map(row).collect();
    rows.sort();
    rows
}

/// Whether what came out is what should; `seen` is the view as it was last shown.
fn check(
    (expected, n_late): &(Vec<Row>, u64),
    [rows, late]: &[Memory; 2],
    seen: &LastViews,
    context: &str,
) {
    assert_eq!(rows_of(rows.rows()), *expected, "{context}");
    assert_eq!(late.rows().len() as u64, *n_late, "late: {context}");
    let seen = seen.rows("hits");
    let is_final = |row: &Vec<Value>| row.last() == Some(&Value::Bool(true));
    assert!(seen.iter().all(is_final), "open for ever: {context}");
    assert_eq!(rows_of(seen), *expected, "in the view: {context}");
}

#[test]
fn windows_are_what_a_recomputation_gives() -> anyhow::Result<()> {
    for round in 0..15_u64 {
        let seed = first_seed() + round;
        let mut rng = Random::new(seed);
        let input = random_input(&mut rng);
        let cut = CUTS[round as usize % CUTS.len()];
        let expected = recompute(&input, cut);
        for workers in 1..=3 {
            let records = [1 + rng.next_u32() as usize % 50, 65_536][rng.next_u32() as usize % 2];
            let context = format!(
                "MILLSTREAM_SEED={seed}, {cut:?}, {workers} workers, {records} records an epoch"
            );
            let (sinks, seen) = ([Memory::new(), Memory::new()], LastViews::default());
            let (script, to) = (script(&input), sinks.clone());
            let app = App::new("oracle").workers(workers);
            let report = seen
                .of(app.epochs(millis(0), records))
                .run(move |flow| pipeline(flow, &script, cut, &to))?;
            check(&expected, &sinks, &seen, &context);
            assert_eq!(report.late, expected.1, "{context}");
        }
    }
    Ok(())
}

#[test]
fn restarts_make_no_difference() -> anyhow::Result<()> {
    let seed = first_seed();
    let mut rng = Random::new(seed);
    for (n, cut) in CUTS.into_iter().take(3).enumerate() {
        let input = random_input(&mut rng);
        let expected = recompute(&input, cut);
        let records = 3 + rng.next_u32() as usize % 20;
        for way in ways(&[1 + n as u64, 7]) {
            let context = format!("MILLSTREAM_SEED={seed}, {cut:?}, {way}");
            let (store, seen) = (FaultStore::new(), LastViews::default());
            let sinks = [Memory::new(), Memory::new()];
            let script = script(&input);
            way.run("oracle", |app| {
                let (script, to) = (script.clone(), sinks.clone());
                seen.of(app.epochs(millis(0), records))
                    .state(State::in_store(store.clone()).every(millis(0)))
                    .run(move |flow| pipeline(flow, &script, cut, &to))
            })?;
            check(&expected, &sinks, &seen, &context);
        }
    }
    Ok(())
}

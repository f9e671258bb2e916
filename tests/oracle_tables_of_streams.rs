//! Tables of streams against a naive recomputation over the whole input: aggregates, the first and the last record, the first
//! few; what is shown last, what is told, and what is final. Any order, ties, 1 to 3 workers, and after restarts.
//!
//! A failure prints the seed; `MILLSTREAM_SEED=<seed>` repeats it.

#[path = "support/apart.rs"]
mod apart;
#[path = "support/random.rs"]
mod random;
#[path = "support/stragglers.rs"]
mod stragglers;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use apart::apart;
use millstream::engine::{Snapshot, Value, hours};
use millstream::prelude::*;
use millstream::testing::{FaultStore, Script, ways};
use random::Random;
use stragglers::{BOUND_MS, Hit, Partitions, first_seed, random_input, script};

/// The tables: by name, by key, the numbers of the row.
type Tables = BTreeMap<&'static str, BTreeMap<(String, i64), Vec<i64>>>;

const NAMES: [&str; 6] = ["counts", "first", "last", "top_1", "top_3", "top_10"];

/// What is kept of a hit. Many are equal in `ms / 100`, some in all that there is of them.
fn numbers(hit: &Hit) -> Vec<i64> {
    vec![hit.ms, i64::from(hit.user)]
}

fn recompute(input: &Partitions) -> Tables {
    let mut keys: BTreeMap<&str, Vec<&Hit>> = BTreeMap::new();
    for (_, hit) in input.iter().flatten() {
        keys.entry(&hit.key).or_default().push(hit);
    }
    let mut tables = Tables::new();
    for (key, mut hits) in keys {
        let mut put = |name, rank, row| {
            let rows: &mut BTreeMap<_, _> = tables.entry(name).or_default();
            rows.insert((key.to_owned(), rank), row);
        };
        let sum = hits.iter().map(|hit| hit.ms).sum();
        put("counts", 0, vec![hits.len() as i64, sum]);
        hits.sort_by_key(|hit| (hit.ms / 100, apart(hit)));
        put("first", 0, numbers(hits[0]));
        put("last", 0, numbers(hits[hits.len() - 1]));
        hits.sort_by_key(|hit| (Reverse(hit.ms / 100), apart(hit)));
        for (name, k) in [("top_1", 1), ("top_3", 3), ("top_10", 10)] {
            for (rank, hit) in (1..=k).zip(&hits) {
                put(name, rank, numbers(hit));
            }
        }
    }
    tables
}

/// What a pipeline is seen by.
#[derive(Clone)]
struct Seen {
    closed: [Memory; 6],
    changes: [Memory; 6],
    last: Arc<Mutex<Arc<Snapshot>>>,
}

impl Seen {
    fn new() -> Self {
        Seen {
            closed: [(); 6].map(|()| Memory::new()),
            changes: [(); 6].map(|()| Memory::new()),
            last: Arc::default(),
        }
    }

    /// Runs the pipeline over `input`.
    fn run(&self, app: App, input: &Partitions) -> Result<Report> {
        let (script, seen, last) = (script(input), self.clone(), Arc::clone(&self.last));
        app.watch(move |run| {
            run.catalog().watch(move |snapshot| {
                *last.lock().expect("nobody panicked") = Arc::clone(snapshot);
            });
        })
        .run(move |flow| seen.pipeline(flow, &script))
    }

    fn pipeline(&self, flow: &mut Flow<'_>, input: &Script<Hit>) -> Result<()> {
        let policy = Watermarks::bounded(millis(BOUND_MS as u64)).idle_after(hours(1));
        let hits = flow.source("hits", input.clone());
        let hits = hits
            .event_time(|(time, _)| *time, policy)
            .map(|(_, hit)| hit);
        let keyed = hits.key_by("key", |hit| &hit.key);
        let of_kept = |hit: &Kept<Hit>| (hit.ms, i64::from(hit.user));
        let columns = ("a", "b");
        let counts = keyed.aggregate("counts", |of| (of.count("n"), of.sum("ms", |hit| hit.ms)));
        let counts = counts.map_values(columns, |(n, sum)| (*n as i64, *sum));
        self.see(0, &counts)?;
        self.see(
            1,
            &keyed
                .keep_first("first", |hit| hit.ms / 100)
                .map_values(columns, of_kept),
        )?;
        self.see(
            2,
            &keyed
                .keep_last("last", |hit| hit.ms / 100)
                .map_values(columns, of_kept),
        )?;
        for (n, k) in [(3, 1), (4, 3), (5, 10)] {
            let top = keyed.top_k(NAMES[n], k, |hit| Reverse(hit.ms / 100));
            self.see(n, &top.map_values(columns, of_kept))?;
        }
        Ok(())
    }

    fn see<K: millstream::engine::Key>(
        &self,
        n: usize,
        table: &Table<'_, K, (i64, i64)>,
    ) -> Result<()> {
        table.view(NAMES[n])?;
        table
            .closed()
            .sink(&format!("{}_closed", NAMES[n]), self.closed[n].clone())?;
        table
            .changes()
            .sink(&format!("{}_changes", NAMES[n]), self.changes[n].clone())
    }

    /// Compares all that was seen with `expected`.
    fn check(&self, expected: &Tables, context: &str) {
        let last = self.last.lock().expect("nobody panicked");
        for (n, name) in NAMES.into_iter().enumerate() {
            let expected = expected.get(name).cloned().unwrap_or_default();
            let closed = self.closed[n].rows();
            assert_eq!(
                closed.len(),
                expected.len(),
                "{context}: {name}, each row once"
            );
            assert_eq!(table_of(closed), expected, "{context}: {name}, final");
            // They come in no order that a sink would keep; so it is only seen that the last are among them.
            let changes = self.changes[n].rows().into_iter();
            let changes = changes.map(|mut row| {
                assert_eq!(row.pop(), Some(Value::Bool(false)), "nothing is deleted");
                table_of(vec![row])
            });
            let changes: Vec<_> = changes.collect();
            for (key, row) in &expected {
                let change = BTreeMap::from([(key.clone(), row.clone())]);
                assert!(changes.contains(&change), "{context}: {name}, {change:?}");
            }
            let shown = last.views[name].rows().map(|(_, row)| row.to_vec());
            assert_eq!(
                table_of(shown.collect()),
                expected,
                "{context}: {name}, view"
            );
        }
    }
}

/// The last row of each key.
fn table_of(rows: Vec<Vec<Value>>) -> BTreeMap<(String, i64), Vec<i64>> {
    let number = |value: &Value| match value {
        Value::Int(n) => *n,
        other => panic!("{other:?}"),
    };
    let row = |row: Vec<Value>| {
        let Value::Text(key) = &row[0] else {
            panic!("{row:?}")
        };
        let numbers: Vec<i64> = row[1..].iter().map(number).collect();
        match numbers[..] {
            [rank, a, b] => ((key.clone(), rank), vec![a, b]),
            _ => ((key.clone(), 0), numbers),
        }
    };
    rows.into_iter().map(row).collect()
}

#[test]
fn tables_are_what_a_recomputation_gives() -> anyhow::Result<()> {
    for round in 0..8_u64 {
        let seed = first_seed() + round;
        let mut rng = Random::new(seed);
        let input = random_input(&mut rng);
        let expected = recompute(&input);
        for workers in 1..=3 {
            let records = [1 + rng.next_u32() as usize % 50, 65_536][rng.next_u32() as usize % 2];
            let app = App::new("oracle")
                .workers(workers)
                .epochs(millis(0), records);
            let seen = Seen::new();
            seen.run(app, &input)?;
            seen.check(
                &expected,
                &format!("MILLSTREAM_SEED={seed}, {workers} workers, {records} records"),
            );
        }
    }
    Ok(())
}

#[test]
fn restarts_make_no_difference() -> anyhow::Result<()> {
    let seed = first_seed();
    let mut rng = Random::new(seed);
    let input = random_input(&mut rng);
    let expected = recompute(&input);
    // Small epochs, and one that is all there is: then the first commit is the last, and tells what is final.
    for (records, nth) in [(20 + rng.next_u32() as usize % 20, 2), (usize::MAX, 1)] {
        for way in ways(&[nth]) {
            let (store, seen) = (FaultStore::new(), Seen::new());
            way.run("oracle", |app| {
                let state = State::in_store(store.clone()).every(millis(0));
                seen.run(app.epochs(hours(1), records).state(state), &input)
            })?;
            let context = format!("MILLSTREAM_SEED={seed}, {records} records an epoch, {way}");
            seen.check(&expected, &context);
        }
    }
    Ok(())
}

//! Tables of streams go on from a snapshot: a view, a sink and a join that are new in the pipeline are told all rows that were
//! kept; those that go on are told nothing that they have heard.

#[path = "support/random.rs"]
mod random;
#[path = "support/stragglers.rs"]
mod stragglers;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use millstream::engine::{Snapshot, Value, hours};
use millstream::prelude::*;
use millstream::testing::{FaultStore, Script, ways};
use random::Random;
use stragglers::{BOUND_MS, Hit, Partitions, first_seed, random_input, script};

/// What a pipeline is seen by: the changes for one that is there from the start, and for one that comes later.
#[derive(Clone, Default)]
struct Seen {
    from_the_start: Memory,
    later: Memory,
    last: Arc<Mutex<Arc<Snapshot>>>,
}

fn pipeline(flow: &mut Flow<'_>, input: &Script<Hit>, seen: &Seen, has_grown: bool) -> Result<()> {
    let policy = Watermarks::bounded(millis(BOUND_MS as u64)).idle_after(hours(1));
    let hits = flow
        .source("hits", input.clone())
        .event_time(|(time, _)| *time, policy)
        .map(|(_, hit)| hit);
    let keyed = hits.key_by("key", |hit| &hit.key);
    let counts = keyed.aggregate("counts", |of| of.count("n"));
    let slowest = keyed
        .keep_last("slowest", |hit| (hit.ms, hit.user))
        .map_values("ms", |hit| hit.ms);
    counts
        .changes()
        .sink("changes", seen.from_the_start.clone())?;
    slowest.view("slowest")?;
    if has_grown {
        counts.changes().sink("later", seen.later.clone())?;
        counts.view("counts")?;
        counts.join("both", &slowest).view("both")?;
    }
    Ok(())
}

/// How many hits each key has, and its slowest.
fn recompute(input: &Partitions) -> BTreeMap<String, (i64, i64)> {
    let mut keys: BTreeMap<String, (i64, i64)> = BTreeMap::new();
    for (_, hit) in input.iter().flatten() {
        let of_key = keys.entry(hit.key.clone()).or_insert((0, i64::MIN));
        *of_key = (of_key.0 + 1, of_key.1.max(hit.ms));
    }
    keys
}

/// The rows of a view: a key and numbers.
fn rows(snapshot: &Snapshot, view: &str) -> Vec<Vec<Value>> {
    let rows = snapshot.views[view].rows();
    rows.map(|(_, row)| row.to_vec()).collect()
}

/// The last change of each key, none of which was told twice: counts only grow.
fn last_of(changes: &Memory, context: &str) -> BTreeMap<String, i64> {
    let mut last = BTreeMap::new();
    for row in changes.rows() {
        let [Value::Text(key), Value::Int(n), Value::Bool(false)] = &row[..] else {
            panic!("{context}: {row:?}")
        };
        let before = last.insert(key.clone(), *n);
        assert!(before < Some(*n), "{context}: {row:?} after {before:?}");
    }
    last
}

#[test]
fn who_is_new_is_told_what_was_kept() -> anyhow::Result<()> {
    let mut n_grown = 0;
    let seed = first_seed();
    let input = random_input(&mut Random::new(seed));
    let expected = recompute(&input);
    for way in ways(&[1, 3]) {
        let context = format!("MILLSTREAM_SEED={seed}, {way}");
        let (store, seen, n) = (FaultStore::new(), Seen::default(), Cell::new(0));
        way.run("readers", |app| {
            let has_grown = n.replace(n.get() + 1) > 0;
            let (script, seen) = (script(&input), seen.clone());
            let last = Arc::clone(&seen.last);
            app.epochs(millis(0), 40)
                .state(State::in_store(store.clone()).every(millis(0)))
                .watch(move |run| {
                    run.catalog().watch(move |snapshot| {
                        *last.lock().expect("nobody panicked") = Arc::clone(snapshot);
                    });
                })
                .run(move |flow| pipeline(flow, &script, &seen, has_grown))
        })?;
        let counts: BTreeMap<_, _> = expected
            .iter()
            .map(|(key, of)| (key.clone(), of.0))
            .collect();
        assert_eq!(last_of(&seen.from_the_start, &context), counts, "{context}");
        let last = seen.last.lock().expect("nobody panicked");
        if last.views.contains_key("both") {
            n_grown += 1;
            let row = |(key, (n, ms)): (&String, &(i64, i64))| {
                vec![Value::Text(key.clone()), Value::Int(*n), Value::Int(*ms)]
            };
            let both: Vec<_> = expected.iter().map(row).collect();
            assert_eq!(rows(&last, "both"), both, "{context}");
            assert_eq!(last_of(&seen.later, &context), counts, "{context}");
            let of_counts = both.iter().map(|row| row[..2].to_vec());
            assert_eq!(
                rows(&last, "counts"),
                of_counts.collect::<Vec<_>>(),
                "{context}"
            );
        }
    }
    assert!(n_grown > 5, "hardly any went on with more: {n_grown}");
    Ok(())
}

//! Tables of tables go on from a snapshot: who went on with them is told nothing twice, who is new is told everything.
//!
//! The pipeline is run in every way that must not make a difference: killed at each step of a commit, stopped and started
//! with another number of workers. Its views are compared with a recomputation at every epoch. Its changes go to sinks, and as
//! no number comes twice in the input, a row that comes twice in a sink was told twice.
//!
//! In the second test the pipeline has grown when it is started again: by steps, views and sinks over what was kept.

#[path = "support/changed_tables.rs"]
mod changed_tables;
#[path = "support/made_of_tables.rs"]
mod made_of_tables;
#[path = "support/random.rs"]
mod random;

use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, ensure};
use changed_tables::{Partitions, Said, Tables, first_seed, random_input, scripts};
use made_of_tables::{all_of, check, joined, shown, tables};
use millstream::engine::Value;
use millstream::prelude::*;
use millstream::testing::{FaultStore, Script, Way, ways};
use random::Random;

/// What came of the runs of a way.
#[derive(Clone, Default)]
struct Seen {
    last: Arc<Mutex<(Tables, Option<String>)>>,
    /// The changes of what is joined, the final rows of it, and the changes once more for who comes later.
    changes: Memory,
    closed: Memory,
    later: Memory,
}

impl Seen {
    /// Looks at every snapshot of `app`.
    fn watch(&self, app: App) -> App {
        let last = Arc::clone(&self.last);
        app.watch(move |run| {
            run.catalog().watch(move |snapshot| {
                let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
                last.0 = shown(snapshot);
                last.1 = last.1.take().or(check(snapshot).err());
            })
        })
    }

    fn pipeline(
        &self,
        flow: &mut Flow<'_>,
        scripts: &[Script<Said>; 2],
        has_grown: bool,
    ) -> Result<()> {
        let tables = tables(flow, scripts);
        let joined = joined(&tables)?;
        let named = joined.map_values(("n", "m"), |(Kept(item), place)| (item.1, **place));
        named.changes().sink("changes", self.changes.clone())?;
        named.closed().sink("closed", self.closed.clone())?;
        if has_grown {
            named.changes().sink("later", self.later.clone())?;
            all_of(&tables, &joined)?;
        }
        Ok(())
    }

    /// Compares what came of it with what the input comes to.
    fn check(&self, input: &Partitions, has_grown: bool) -> anyhow::Result<()> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        ensure!(last.1.is_none(), "{:?}", last.1);
        let expected = Tables::after(input);
        ensure!(
            last.0 == expected,
            "{:?}, and should be {expected:?}",
            last.0
        );
        let items = expected.items.iter();
        let final_rows: Vec<Vec<Value>> = items
            .filter_map(|(key, (group, n))| {
                let place = expected.places.get(group)?;
                Some([*key, *n, *place].map(Value::Int).to_vec())
            })
            .collect();
        ensure!(
            self.closed.rows() == final_rows,
            "the final rows are {:?}, and should be {final_rows:?}",
            self.closed.rows()
        );
        told_once(&self.changes, &final_rows).context("who went on")?;
        if has_grown {
            told_once(&self.later, &final_rows).context("who came later")?;
        }
        Ok(())
    }
}

/// All rows that are left were told, and none twice.
fn told_once(changes: &Memory, left: &[Vec<Value>]) -> anyhow::Result<()> {
    let mut told = BTreeSet::new();
    for mut row in changes.rows() {
        if row.pop() == Some(Value::Bool(false)) {
            ensure!(told.insert(row.clone()), "{row:?} is told twice");
        }
    }
    for row in left {
        ensure!(told.contains(row), "{row:?} is never told");
    }
    Ok(())
}

/// Runs the pipeline in a way; gives how often, and whether the last run was of a pipeline that had grown.
fn run(
    way: &Way,
    input: &Partitions,
    records: usize,
    grows: bool,
) -> anyhow::Result<(usize, bool)> {
    let (store, seen, n) = (FaultStore::new(), Seen::default(), Cell::new(0));
    let was_grown = Cell::new(false);
    let ran = way.run("tables", |app| {
        let has_grown = !grows || n.replace(n.get() + 1) > 0;
        let (scripts, seen_by) = (scripts(input), seen.clone());
        let report = seen
            .watch(app)
            .epochs(millis(0), records)
            .state(State::in_store(store.clone()).every(millis(0)))
            .run(move |flow| seen_by.pipeline(flow, &scripts, has_grown))?;
        was_grown.set(has_grown);
        Ok(report)
    })?;
    seen.check(input, was_grown.get())?;
    Ok((ran.runs, was_grown.get()))
}

#[expect(
    clippy::print_stdout,
    reason = "how much was tried is part of the result"
)]
fn in_all_ways(grows: bool, rounds: u64) -> anyhow::Result<()> {
    let (mut n_runs, mut n_grown) = (0, 0);
    for round in 0..rounds {
        let seed = first_seed() + round;
        let mut rng = Random::new(seed);
        let input = random_input(&mut rng, 150);
        let records = 1 + rng.next_u32() as usize % 20;
        for way in ways(&[1, 3]) {
            let ran = run(&way, &input, records, grows);
            let context = || format!("MILLSTREAM_SEED={seed}, {records} records an epoch, {way}");
            let (runs, was_grown) = ran.with_context(context)?;
            n_runs += runs;
            n_grown += usize::from(was_grown && runs > 1);
        }
    }
    println!("{n_runs} runs; {n_grown} ways went on with a pipeline of more");
    ensure!(!grows || n_grown > 10, "hardly any way went on");
    Ok(())
}

#[test]
fn who_went_on_is_told_nothing_twice() -> anyhow::Result<()> {
    in_all_ways(false, 2)
}

#[test]
fn who_is_new_is_told_everything() -> anyhow::Result<()> {
    in_all_ways(true, 3)
}

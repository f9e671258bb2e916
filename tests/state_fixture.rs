//! State that an earlier version of a program has left: a type that has gained a field since reads it, another does not.
//!
//! The directory in `fixtures/state-1` was written by the first version of the aggregate below:
//! `cargo test --test state_fixture -- --ignored` writes it anew.

use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::time::Duration;

use millstream::engine::{Data, StateError, Value, VirtualClock};
use millstream::operators::Aggregate;
use millstream::prelude::*;
use millstream::testing::{Act, Script};
use serde::{Deserialize, Serialize};

/// What the first version kept: how much there was, and the longest name.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Version1 {
    total: i64,
    longest: Option<String>,
}

/// What the second version keeps: also how much was given back.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Version2 {
    total: i64,
    longest: Option<String>,
    #[serde(default)]
    given_back: i64,
}

/// What reads neither.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Another {
    words: Vec<String>,
}

/// A name, and an amount that is negative when something was given back.
type Item = (EventTime, (String, i64));

/// What all versions do, each with what it keeps.
trait Keeps: Data + Default {
    fn add(&mut self, name: &str, amount: i64);
    fn merge(&mut self, other: Self);
    /// The total and the longest name; a version says both in columns of the same names and types.
    fn read(&self) -> (i64, Option<String>);
}

fn longer(a: Option<String>, b: Option<String>) -> Option<String> {
    a.into_iter()
        .chain(b)
        .max_by_key(|name| (name.len(), name.clone()))
}

impl Keeps for Version1 {
    fn add(&mut self, name: &str, amount: i64) {
        self.total += amount;
        self.longest = longer(self.longest.take(), Some(name.into()));
    }

    fn merge(&mut self, other: Self) {
        self.total += other.total;
        self.longest = longer(self.longest.take(), other.longest);
    }

    fn read(&self) -> (i64, Option<String>) {
        (self.total, self.longest.clone())
    }
}

impl Keeps for Version2 {
    fn add(&mut self, name: &str, amount: i64) {
        self.total += amount.max(0);
        self.given_back -= amount.min(0);
        self.longest = longer(self.longest.take(), Some(name.into()));
    }

    fn merge(&mut self, other: Self) {
        self.total += other.total;
        self.given_back += other.given_back;
        self.longest = longer(self.longest.take(), other.longest);
    }

    /// What is given back costs a thousand.
    fn read(&self) -> (i64, Option<String>) {
        (self.total - 1_000 * self.given_back, self.longest.clone())
    }
}

impl Keeps for Another {
    fn add(&mut self, name: &str, _amount: i64) {
        self.words.push(name.into());
    }

    fn merge(&mut self, mut other: Self) {
        self.words.append(&mut other.words);
    }

    fn read(&self) -> (i64, Option<String>) {
        (self.words.len() as i64, self.words.iter().max().cloned())
    }
}

/// The aggregate, of whichever version.
struct Sales<S>(std::marker::PhantomData<fn() -> S>);

impl<S: Keeps> Aggregate<Item> for Sales<S> {
    type State = S;
    type Output = (i64, Option<String>);

    fn names(&self) -> Vec<String> {
        vec!["total".into(), "longest".into()]
    }
    fn add(&self, state: &mut S, (_, (name, amount)): &Item) {
        state.add(name, *amount);
    }
    fn merge(&self, state: &mut S, other: S) {
        state.merge(other);
    }
    fn output(&self, state: &S) -> (i64, Option<String>) {
        state.read()
    }
    fn heap_bytes(&self, _state: &S) -> usize {
        0
    }
}

/// Ten sales of two shops in the first minute.
fn sold_before() -> Vec<Act<(String, i64)>> {
    let sale = |n: i64| Act::Emit(EventTime::from_millis(n * 1000), (format!("sale-{n}"), n));
    (0..10).map(sale).collect()
}

/// Three more, of which one is given back, and one in the next minute.
fn sold_after() -> Vec<Act<(String, i64)>> {
    [
        (20, "sale-20", 20),
        (21, "given back", -1),
        (22, "sale-22", 22),
        (70, "sale-70", 70),
    ]
    .map(|(second, name, n)| Act::Emit(EventTime::from_millis(second * 1000), (name.to_owned(), n)))
    .to_vec()
}

fn sales<S: Keeps>(
    flow: &mut Flow<'_>,
    acts: Vec<Act<(String, i64)>>,
    memory: &Memory,
) -> Result<()> {
    let sales = flow
        .source("sales", Script::new(vec![acts]))
        .event_time(|(time, _)| *time, Watermarks::bounded(seconds(0)))
        .key_with("shop", |(_, (_, n))| n.abs() % 2)
        .window(Tumbling::of(minutes(1)))
        .aggregate("sales", |_| Sales::<S>(std::marker::PhantomData));
    sales.view("sales")?;
    sales.closed().sink("sales", memory.clone())
}

fn app(state: &Path, workers: usize) -> App {
    App::new("shops")
        .workers(workers)
        .clock(VirtualClock::starting_at(EventTime::from_micros(0)))
        .state(State::in_directory(state))
}

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/state-1")
}

fn copy_all(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        std::fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}

#[test]
#[ignore = "writes the fixture"]
fn write_the_fixture() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (taken, n_taken) = channel();
    let running = app(folder.path(), 2)
        .watch(move |run| {
            let status = run.clone();
            run.catalog().watch(move |_| {
                // Nobody listens any more once all is there.
                let _ = taken.send(status.status().sources[0].events);
            });
        })
        .start(|flow| {
            let acts = sold_before().into_iter().chain([Act::Rest]).collect();
            sales::<Version1>(flow, acts, &Memory::new())
        })?;
    while n_taken.recv_timeout(Duration::from_secs(60))? < 10 {}
    running.run().stop();
    assert!(running.wait()?.committed.is_some());
    let kept = fixture();
    if kept.exists() {
        std::fs::remove_dir_all(&kept)?;
    }
    copy_all(folder.path(), &kept)?;
    std::fs::remove_file(kept.join("lock"))?;
    Ok(())
}

/// Goes on from the fixture with what is sold afterwards.
fn go_on<S: Keeps>(workers: usize) -> anyhow::Result<(Result<Report>, Memory)> {
    let folder = tempfile::tempdir()?;
    copy_all(&fixture(), folder.path())?;
    let memory = Memory::new();
    let sink = memory.clone();
    let report = app(folder.path(), workers).run(move |flow| {
        let acts = sold_before().into_iter().chain(sold_after()).collect();
        sales::<S>(flow, acts, &sink)
    });
    Ok((report, memory))
}

fn row(minute: i64, shop: i64, total: i64, longest: &str) -> Vec<Value> {
    let start = EventTime::from_millis(minute * 60_000);
    vec![
        Value::Time(start),
        Value::Time(start.plus(minutes(1))),
        Value::Int(shop),
        Value::Int(total),
        Value::Text(longest.into()),
    ]
}

#[test]
fn a_type_with_a_field_more_reads_what_was_kept() -> anyhow::Result<()> {
    for workers in 1..=3 {
        let (report, memory) = go_on::<Version2>(workers)?;
        assert_eq!(report?.events, 14, "with those of the run before");
        let expected = [
            row(0, 0, 20 + 20 + 22, "sale-22"),
            row(0, 1, 25 - 1_000, "given back"),
            row(1, 0, 70, "sale-70"),
        ];
        assert_eq!(memory.rows(), expected, "{workers} workers");
    }
    Ok(())
}

#[test]
fn the_type_that_wrote_it_reads_it() -> anyhow::Result<()> {
    let (report, memory) = go_on::<Version1>(3)?;
    assert_eq!(report?.events, 14);
    assert_eq!(memory.rows()[1], row(0, 1, 25 - 1, "given back"));
    Ok(())
}

#[test]
fn another_type_is_an_error_that_names_the_step() -> anyhow::Result<()> {
    for workers in 1..=3 {
        let (report, memory) = go_on::<Another>(workers)?;
        let error = match report {
            Err(Error::State(error)) => error,
            other => panic!("{other:?}"),
        };
        let told = error.to_string();
        assert!(matches!(error, StateError::Unreadable { name, .. } if name == "window:sales"));
        for part in [
            "window sales cannot read its state",
            "Another",
            "serde(default)",
            "--drop-state window:sales",
        ] {
            assert!(told.contains(part), "{told:?} lacks {part:?}");
        }
        assert!(memory.rows().is_empty());
    }
    Ok(())
}

//! Wherever the disk fails, tears or loses power, the next start goes on from the last commit, and nothing is lost or twice.
//!
//! A straight run tells how many writing operations there are. Then the disk breaks at each of them, in each way there is;
//! what is durable is what a machine finds that is started again, and the pipeline goes on from there on another number of
//! workers. Rows, views and counters must be those of the straight run.
//!
//! The clock moves on with each commit and the input waits for it, so that there are many commits however fast the disk.

#[path = "support/last_views.rs"]
mod last_views;

use std::sync::OnceLock;

use anyhow::{Context, ensure};
use last_views::LastViews;
use millstream::engine::{CommitStep, Run, StateError, Store, Value, VirtualClock};
use millstream::prelude::*;
use millstream::testing::{Act, FaultStore, Script};

const N_PARTITIONS: i64 = 3;
const N_CHUNKS: i64 = 8;
const CHUNK: i64 = 12;

fn at(ms: i64) -> EventTime {
    EventTime::from_millis(ms)
}

/// Chunks of records, and before each but the first a wait for one more second of the clock. Every tenth comes 25 s late.
///
/// All records of the last chunk are of one moment: it takes more than one epoch, so the watermark comes up to there before
/// the end, however the epochs are cut, and what has left a view is known for sure.
fn script() -> Script<(i64, i64)> {
    let emit = |p: i64, n: i64| {
        let late = if n % 10 == 9 { 25_000 } else { 0 };
        let last = (N_CHUNKS - 1) * CHUNK;
        let time = if n < last { n * 500 - late } else { last * 500 };
        Act::Emit(at(time), ((n * 5 + p) % 7, n * 3 + p))
    };
    let chunk = |p: i64, chunk: i64| {
        let records = (0..CHUNK).map(move |n| emit(p, chunk * CHUNK + n));
        std::iter::once(Act::Until(at(chunk * 1000))).chain(records)
    };
    let partition = |p| (0..N_CHUNKS).flat_map(|n| chunk(p, n)).collect();
    Script::new((0..N_PARTITIONS).map(partition).collect())
}

fn pipeline(flow: &mut Flow<'_>, rows: &Memory) -> Result<()> {
    let policy = Watermarks::bounded(seconds(1)).idle_after(hours(1000));
    let events = flow
        .source("events", script())
        .event_time(|(time, _)| *time, policy);
    let by_key = events
        .key_with("key", |(_, (key, _))| *key)
        .window(Tumbling::of(seconds(10)).lateness(seconds(5)))
        .aggregate("by_key", |of| {
            (
                of.count("n"),
                of.sum("sum", |(_, (_, n))| *n),
                of.count_distinct("values", |(_, (_, n))| n),
            )
        });
    by_key.view("by_key")?;
    by_key.closed().sink("rows", rows.clone())?;
    let settings = ViewSettings::default().keep(seconds(20));
    events
        .window(Tumbling::of(seconds(5)))
        .aggregate("all", |of| {
            of.approx_count_distinct("keys", |(_, (key, _))| key)
        })
        .view_with("all", settings)
}

/// A pipeline with its state and what came out of it, in all its runs.
#[derive(Default)]
struct Job {
    store: FaultStore,
    rows: Memory,
    views: LastViews,
    last_run: OnceLock<Run>,
}

/// What came out: rows, two views, and what was counted; line by line.
type Answer = Vec<String>;

impl Job {
    /// Runs it, with its clock at `now`, and moved on by each commit.
    fn run(&mut self, workers: usize, now: EventTime) -> Result<Report> {
        let clock = VirtualClock::starting_at(now);
        let moved = clock.clone();
        let rows = self.rows.clone();
        let running = self
            .views
            .of(App::new("fault_points"))
            .workers(workers)
            .clock(clock)
            .epochs(millis(0), 9)
            .state(State::in_store(self.store.clone()).every(millis(0)))
            .follow_commits(move |step, _| {
                if step == CommitStep::Committed {
                    moved.advance(seconds(1));
                }
                Ok(())
            })
            .start(move |flow| pipeline(flow, &rows))?;
        self.last_run = OnceLock::from(running.run().clone());
        running.wait()
    }

    fn answer(&self) -> anyhow::Result<Answer> {
        let run = self.last_run.get().context("it was never started")?;
        let status = run.status();
        let steps = || status.steps.iter();
        let sink = steps().find(|step| step.kind == "sink");
        let events = status.sources[0].events;
        let late = steps().map(|step| step.late).max().unwrap_or(0);
        let n_rows = sink.context("it has a sink")?.records_in;
        let line = |of: &'static str| move |row: &Vec<Value>| format!("{of}: {row:?}");
        let (rows, by_key) = (self.rows.rows(), self.views.rows("by_key"));
        let mut lines = vec![format!("{events} events, {late} late, {n_rows} rows")];
        lines.extend(rows.iter().map(line("rows")));
        lines.extend(by_key.iter().map(line("by_key")));
        lines.extend(self.views.rows("all").iter().map(line("all")));
        Ok(lines)
    }
}

/// Says where two answers differ first.
fn compare(answer: &Answer, expected: &Answer) -> anyhow::Result<()> {
    let same = answer.iter().zip(expected).take_while(|(a, b)| a == b);
    let n = same.count();
    let (found, wanted) = (answer.get(n), expected.get(n));
    ensure!(
        found == wanted,
        "line {n} is {found:?}, and should be {wanted:?}"
    );
    Ok(())
}

/// What comes of it where nothing breaks, and how many operations that takes.
fn straight() -> anyhow::Result<(Answer, u64)> {
    let mut job = Job::default();
    job.run(2, at(0))?;
    let merged = job.store.names()?;
    let merged = merged.iter().filter(|name| name.starts_with("merged-"));
    ensure!(merged.count() > 0, "no files were merged");
    let answer = job.answer()?;
    let n_events = N_PARTITIONS * N_CHUNKS * CHUNK;
    // The last of every ten records of a partition, but for those of the last chunk.
    let n_late = N_PARTITIONS * ((N_CHUNKS - 1) * CHUNK / 10);
    let counts = format!("{n_events} events, {n_late} late, ");
    ensure!(answer[0].starts_with(&counts), "{}", answer[0]);
    Ok((answer, job.store.n_operations()))
}

/// Breaks the disk by `fault` at each operation, brings it back by `restart`, and goes on.
#[expect(
    clippy::print_stdout,
    reason = "how much was tried is part of the result"
)]
fn check(
    name: &str,
    every: usize,
    fault: impl Fn(&FaultStore, u64),
    restart: impl Fn(&FaultStore),
) -> anyhow::Result<()> {
    let (expected, n_operations) = straight()?;
    let (mut n_broken, mut n_anew) = (0, 0);
    let points = (1..=n_operations).step_by(every);
    let n_points = points.clone().count();
    for n in points {
        let point = format!("{name} at operation {n} of {n_operations}");
        let mut job = Job::default();
        fault(&job.store, n);
        if let Err(error) = job.run(2, at(0)) {
            n_broken += 1;
            let said = error.to_string();
            ensure!(said.contains("the disk is gone"), "{point}: {said}");
        }
        restart(&job.store);
        let workers = [1, 3, 4][n as usize % 3];
        // Nothing is waited for any more.
        match job.run(workers, at(N_CHUNKS * 1000)) {
            Ok(_) => {}
            // It broke when all was done.
            Err(Error::State(StateError::Finished { .. })) => {}
            Err(error) => return Err(error).context(point),
        }
        n_anew += u64::from(
            job.last_run
                .get()
                .is_some_and(|run| run.resumed().is_none()),
        );
        compare(&job.answer()?, &expected).context(point)?;
    }
    println!(
        "{name}: {n_points} points of {n_operations}; the run broke at {n_broken}, and {n_anew} began anew after it"
    );
    // A few of the last may not be come to: runs differ in how their commits fall.
    ensure!(
        n_broken * 10 >= n_points * 8,
        "only {n_broken} of {n_points} runs broke"
    );
    // The state is made by ten operations, and nothing is committed before.
    ensure!(
        n_anew >= 10_u64.div_ceil(every as u64),
        "only {n_anew} began anew"
    );
    Ok(())
}

#[test]
fn an_operation_that_fails() -> anyhow::Result<()> {
    check("fail", 1, FaultStore::fail_at, FaultStore::crash)
}

#[test]
fn an_operation_that_is_torn() -> anyhow::Result<()> {
    check("tear", 1, FaultStore::tear_at, FaultStore::crash)
}

#[test]
fn power_that_is_lost_after_an_operation() -> anyhow::Result<()> {
    check("lose", 1, FaultStore::lose_at, FaultStore::crash)
}

#[test]
fn a_process_that_is_killed_in_an_operation() -> anyhow::Result<()> {
    check(
        "tear, and the machine lives",
        3,
        FaultStore::tear_at,
        FaultStore::kill,
    )?;
    check(
        "fail, and the machine lives",
        5,
        FaultStore::fail_at,
        FaultStore::kill,
    )
}

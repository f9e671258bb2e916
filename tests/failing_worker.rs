//! A worker that fails takes its epoch with it: it is never committed, and nothing of it is published, whatever the other
//! workers do meanwhile. The next run has everything once.
//!
//! What a worker fails at is a panic in a closure, an error of a source, or an error or a panic of its part of a sink. The
//! manifest says which records are committed; what is published must be among them.

#[path = "support/failing_sink.rs"]
mod failing_sink;
#[path = "support/manifests.rs"]
mod manifests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, ensure};
use failing_sink::{Asked, FailingSink, SinkFault};
use manifests::Manifest;
use millstream::engine::{CommitStep, Epoch, Value, VirtualClock};
use millstream::prelude::*;
use millstream::testing::{Act, FaultStore, Script};

const N_PARTITIONS: i64 = 5;
const N_CHUNKS: i64 = 6;
const CHUNK: i64 = 10;

fn at(ms: i64) -> EventTime {
    EventTime::from_millis(ms)
}

/// What fails, once.
#[derive(Clone, Copy, Debug)]
enum Fails {
    /// The closure of a `map`, at this record of this partition.
    Closure { partition: i64, record: i64 },
    /// The source, before this record of this partition.
    Source { partition: i64, record: i64 },
    /// A part of a sink.
    Sink(SinkFault),
}

/// Chunks of numbered records, and before each but the first a wait for one more second of the clock.
fn acts(fails: Fails, p: i64) -> Vec<Act<(i64, i64)>> {
    let act = |n: i64| Act::Emit(at(n * 100), (p, n));
    let mut acts = Vec::new();
    for n in 0..N_CHUNKS * CHUNK {
        if n % CHUNK == 0 {
            acts.push(Act::Until(at(n / CHUNK * 1000)));
        }
        if matches!(fails, Fails::Source { partition, record } if (partition, record) == (p, n)) {
            acts.push(Act::Crash);
        }
        acts.push(act(n));
    }
    acts
}

/// A pipeline that fails once, with its state and what came out of it.
struct Job {
    fails: Fails,
    store: FaultStore,
    script: Script<(i64, i64)>,
    records: Memory,
    sink: FailingSink,
    windows: Memory,
    /// The closure has panicked.
    has_panicked: Arc<AtomicBool>,
}

impl Job {
    fn new(fails: Fails) -> Self {
        let fault = match fails {
            Fails::Sink(fault) => Some(fault),
            Fails::Closure { .. } | Fails::Source { .. } => None,
        };
        let records = Memory::new();
        Job {
            fails,
            store: FaultStore::new(),
            script: Script::new((0..N_PARTITIONS).map(|p| acts(fails, p)).collect()),
            sink: FailingSink::new(&records, fault),
            records,
            windows: Memory::new(),
            has_panicked: Arc::default(),
        }
    }

    /// The closure of the `map`.
    fn map(
        &self,
    ) -> impl Fn((EventTime, (i64, i64))) -> (i64, i64) + Clone + Send + Sync + 'static {
        let (fails, has_panicked) = (self.fails, Arc::clone(&self.has_panicked));
        move |(_, number)| {
            let is_poison = matches!(fails, Fails::Closure { partition, record } if (partition, record) == number);
            assert!(
                !is_poison || has_panicked.swap(true, Ordering::SeqCst),
                "{number:?} is poison"
            );
            number
        }
    }

    /// Runs it; the input waits for the clock, which begins at `now` and is moved on by each commit.
    fn run(&self, workers: usize, now: EventTime) -> Result<Report> {
        let clock = VirtualClock::starting_at(now);
        let (moved, map, script) = (clock.clone(), self.map(), self.script.clone());
        let (records, windows) = (self.sink.clone(), self.windows.clone());
        App::new("failing")
            .workers(workers)
            .clock(clock)
            .epochs(millis(0), 7)
            .state(State::in_store(self.store.clone()).every(millis(0)))
            .follow_commits(move |step, _| {
                if step == CommitStep::Committed {
                    moved.advance(seconds(1));
                }
                Ok(())
            })
            .run(move |flow| {
                let policy = Watermarks::bounded(seconds(0)).idle_after(hours(1000));
                let numbers = flow
                    .source("numbers", script.clone())
                    .event_time(|(time, _)| *time, policy)
                    .map(map.clone());
                numbers
                    .columns(("partition", "record"), |number| *number)
                    .sink("records", records.clone())?;
                numbers
                    .window(Tumbling::of(seconds(1)))
                    .aggregate("windows", |of| {
                        (of.count("n"), of.count_distinct("records", |(_, n)| n))
                    })
                    .closed()
                    .sink("windows", windows.clone())
            })
    }

    /// How many records of each partition are published; those that are must be the first ones, each once.
    fn n_published(&self) -> anyhow::Result<BTreeMap<i64, i64>> {
        let mut published: BTreeMap<i64, i64> = (0..N_PARTITIONS).map(|p| (p, 0)).collect();
        for row in self.records.rows() {
            let [Value::Int(partition), Value::Int(record)] = row[..] else {
                anyhow::bail!("{row:?}");
            };
            let n = published.get_mut(&partition).context("a partition")?;
            ensure!(
                *n == record,
                "after {n} of partition {partition} there is {record}"
            );
            *n += 1;
        }
        Ok(published)
    }

    /// The last epoch that is committed, and how many records of each partition.
    fn committed(&self) -> anyhow::Result<(Epoch, BTreeMap<i64, i64>)> {
        let [manifest, _] = Manifest::both(&self.store)?;
        let mut committed: BTreeMap<i64, i64> = (0..N_PARTITIONS).map(|p| (p, 0)).collect();
        for (partition, n_acts) in manifest.positions("numbers")? {
            let acts = acts(self.fails, partition).into_iter();
            let acts = acts.take(usize::try_from(n_acts)?);
            let n = acts.filter(|act| matches!(act, Act::Emit(..))).count();
            committed.insert(partition, i64::try_from(n)?);
        }
        Ok((manifest.epoch, committed))
    }
}

/// What the error of a run must say.
fn says(fails: Fails) -> &'static [&'static str] {
    match fails {
        Fails::Closure { .. } => &["map at tests/failing_worker.rs:", "is poison"],
        Fails::Source { .. } => &["source \"numbers\"", "as its script says"],
        Fails::Sink(fault) if fault.asked_to == Asked::Save => &["panicked: it fails to Save"],
        Fails::Sink(_) => &["sink \"records\": it fails to"],
    }
}

/// Has it fail on `workers`, looks at what is committed and published, and goes on.
fn check(fails: Fails, workers: usize, paced: bool, crash: bool) -> anyhow::Result<()> {
    let job = Job::new(fails);
    let end = at(N_CHUNKS * 1000);
    match job.run(workers, if paced { at(0) } else { end }) {
        Err(error) => {
            let said = error.to_string();
            ensure!(says(fails).iter().all(|say| said.contains(say)), "{said}");
        }
        Ok(_) => {
            // Where commits are few, it is not asked as often.
            let is_asked = paced || job.sink.failed_at().is_some();
            ensure!(
                matches!(fails, Fails::Sink(_)) && !is_asked,
                "it has not failed"
            );
            return Ok(());
        }
    }
    without_the_failure(&job)?;
    if crash {
        job.store.crash();
    }
    let report = job.run(1 + workers % 3, end)?;
    everything_once(&job, &report)
}

/// Nothing is committed that the failure was part of, and nothing published that is not committed.
fn without_the_failure(job: &Job) -> anyhow::Result<()> {
    let (epoch, committed) = job.committed()?;
    let failed_at = job.sink.failed_at();
    match job.fails {
        Fails::Closure { partition, record } | Fails::Source { partition, record } => {
            let n = committed[&partition];
            ensure!(n <= record, "{n} records are committed");
        }
        Fails::Sink(fault) if fault.asked_to == Asked::Publish => {
            ensure!(
                Some(epoch) >= failed_at,
                "what is to be published is committed"
            );
        }
        Fails::Sink(_) => {
            ensure!(
                Some(epoch) < failed_at,
                "{epoch} is committed, of {failed_at:?}"
            );
        }
    }
    for (partition, n) in job.n_published()? {
        let of = committed[&partition];
        ensure!(
            n <= of,
            "{n} of partition {partition} are published, {of} committed"
        );
    }
    Ok(())
}

fn everything_once(job: &Job, report: &Report) -> anyhow::Result<()> {
    let n_records = N_CHUNKS * CHUNK;
    ensure!(
        report.events as i64 == N_PARTITIONS * n_records,
        "{report:?}"
    );
    let published = job.n_published()?;
    ensure!(published.values().all(|n| *n == n_records), "{published:?}");
    let per_window = |second: i64| {
        let times = [second, second + 1].map(|second| Value::Time(at(second * 1000)));
        let counts = [N_PARTITIONS * 10, 10].map(Value::Int);
        times.into_iter().chain(counts).collect::<Vec<_>>()
    };
    let expected: Vec<_> = (0..n_records / 10).map(per_window).collect();
    ensure!(job.windows.rows() == expected, "{:?}", job.windows.rows());
    Ok(())
}

/// Checks it with two workers and with three, with few commits and with many, with and without a loss of power.
fn check_all(all: impl IntoIterator<Item = Fails>) -> anyhow::Result<()> {
    for fails in all {
        for workers in [2, 3] {
            for paced in [true, false] {
                let crash = (workers == 2) == paced;
                check(fails, workers, paced, crash)
                    .with_context(|| format!("{fails:?} with {workers} workers, paced: {paced}"))?;
            }
        }
    }
    Ok(())
}

/// The first record, some that begin or end a chunk or an epoch, some in the middle, and the last.
const MOMENTS: [(i64, i64); 7] = [(0, 0), (1, 7), (2, 19), (3, 20), (4, 33), (1, 47), (0, 59)];

#[test]
fn a_closure_that_panics() -> anyhow::Result<()> {
    check_all(MOMENTS.map(|(partition, record)| Fails::Closure { partition, record }))
}

#[test]
fn a_source_that_fails() -> anyhow::Result<()> {
    check_all(MOMENTS.map(|(partition, record)| Fails::Source { partition, record }))
}

fn sink(asked_to: Asked) -> impl Iterator<Item = Fails> {
    let fault = move |worker, nth| SinkFault {
        asked_to,
        worker,
        nth,
    };
    let of = move |worker| [1, 2, 4].map(|nth| Fails::Sink(fault(worker, nth)));
    [0, 1].into_iter().flat_map(of)
}

#[test]
fn a_sink_that_fails_to_write_or_stage() -> anyhow::Result<()> {
    check_all(sink(Asked::Write).chain(sink(Asked::Stage)))
}

#[test]
fn a_sink_that_panics_when_it_saves() -> anyhow::Result<()> {
    check_all(sink(Asked::Save))
}

#[test]
fn a_sink_that_fails_to_publish() -> anyhow::Result<()> {
    check_all(sink(Asked::Publish))
}

//! A worker that fails takes its epoch with it: it is never committed, and nothing of it is published, whatever the other
//! workers do meanwhile. The next run has everything once.
//!
//! What a worker fails at is a panic in a closure, an error of a source, or an error or a panic of its part of a sink. The
//! manifest says which records are committed; what is published must be among them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, ensure};
use millstream::engine::{
    BoxError, CommitStep, Delivery, Epoch, Published, Sink, SinkContext, SinkPart, SinkRow,
    StageAt, Staged, Store, Unpublished, Value, VirtualClock,
};
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
    /// The part of a sink on a worker, the nth time it is asked to do this.
    Sink {
        asked_to: Asked,
        worker: usize,
        nth: u64,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Write,
    Stage,
    /// It cannot fail but by a panic.
    Save,
    Publish,
}

/// What fails when its turn comes; a clone is the same.
#[derive(Clone)]
struct Fault {
    fails: Fails,
    asked: Arc<AtomicU64>,
    has_failed: Arc<AtomicBool>,
    /// The epoch at which a sink failed.
    epoch: Arc<Mutex<Option<Epoch>>>,
}

impl Fault {
    fn new(fails: Fails) -> Self {
        Fault {
            fails,
            asked: Arc::default(),
            has_failed: Arc::default(),
            epoch: Arc::default(),
        }
    }

    /// Panics if this is the record.
    fn map(&self, partition: i64, record: i64) {
        let Fails::Closure {
            partition: p,
            record: n,
        } = self.fails
        else {
            return;
        };
        if (p, n) == (partition, record) && !self.has_failed.swap(true, Ordering::SeqCst) {
            panic!("record {record} of partition {partition} is poison");
        }
    }

    /// Fails if this is what it is to fail at.
    fn ask(&self, to: Asked, of: usize, epoch: Epoch) -> Result<(), BoxError> {
        let Fails::Sink {
            asked_to,
            worker,
            nth,
        } = self.fails
        else {
            return Ok(());
        };
        if (asked_to, worker) == (to, of) && self.asked.fetch_add(1, Ordering::SeqCst) + 1 == nth {
            *self.epoch.lock().unwrap_or_else(PoisonError::into_inner) = Some(epoch);
            self.has_failed.store(true, Ordering::SeqCst);
            return Err(format!("it fails to {to:?}").into());
        }
        Ok(())
    }
}

/// Rows in memory, by way of parts of which one fails.
#[derive(Clone)]
struct Failing(Memory, Fault);

struct FailingPart {
    part: Box<dyn SinkPart>,
    fault: Fault,
    worker: usize,
    epoch: Epoch,
}

impl Sink for Failing {
    fn check(&self, cx: &SinkContext) -> Result<(), BoxError> {
        self.0.check(cx)
    }
    fn open(&self, cx: &SinkContext) -> Result<Box<dyn SinkPart>, BoxError> {
        Ok(Box::new(FailingPart {
            part: self.0.open(cx)?,
            fault: self.1.clone(),
            worker: cx.worker,
            epoch: Epoch::default(),
        }))
    }
    fn delivery(&self) -> Delivery {
        self.0.delivery()
    }
    fn recover(&self, cx: &SinkContext, at: Epoch, staged: &[Staged]) -> Result<(), BoxError> {
        self.0.recover(cx, at, staged)
    }
}

impl FailingPart {
    fn ask(&self, to: Asked) -> Result<(), BoxError> {
        self.fault.ask(to, self.worker, self.epoch)
    }
}

impl SinkPart for FailingPart {
    fn write(&mut self, epoch: Epoch, rows: &mut Vec<SinkRow>) -> Result<(), BoxError> {
        self.epoch = epoch;
        self.ask(Asked::Write)?;
        self.part.write(epoch, rows)
    }
    fn stage(&mut self, at: StageAt) -> Result<Vec<Staged>, BoxError> {
        self.epoch = at.epoch;
        self.ask(Asked::Stage)?;
        self.part.stage(at)
    }
    fn publish(&mut self, staged: &[Staged]) -> Result<Vec<Published>, BoxError> {
        // Later epochs may have been written meanwhile: the names of what is staged tell its own.
        let epochs = staged.iter().filter_map(|staged| {
            let mut words = staged.0.rsplitn(4, '-');
            words.nth(2)?.parse::<Epoch>().ok()
        });
        let epoch = epochs.max().unwrap_or_default();
        self.fault.ask(Asked::Publish, self.worker, epoch)?;
        self.part.publish(staged)
    }
    fn holds_rows(&self) -> bool {
        self.part.holds_rows()
    }
    fn save(&mut self, unpublished: &mut Unpublished) {
        if let Err(error) = self.ask(Asked::Save) {
            panic!("{error}");
        }
        self.part.save(unpublished);
    }
    fn restore(&mut self, bucket: &str, rows: Vec<SinkRow>) -> Result<(), BoxError> {
        self.part.restore(bucket, rows)
    }
    fn note(&mut self) -> Option<String> {
        self.part.note()
    }
    fn restore_note(&mut self, note: &str) -> Result<(), BoxError> {
        self.part.restore_note(note)
    }
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
    fault: Fault,
    store: FaultStore,
    script: Script<(i64, i64)>,
    records: Memory,
    windows: Memory,
}

impl Job {
    fn new(fails: Fails) -> Self {
        Job {
            fault: Fault::new(fails),
            store: FaultStore::new(),
            script: Script::new((0..N_PARTITIONS).map(|p| acts(fails, p)).collect()),
            records: Memory::new(),
            windows: Memory::new(),
        }
    }

    /// Runs it; the input waits for the clock, which begins at `now` and is moved on by each commit.
    fn run(&self, workers: usize, now: EventTime) -> Result<Report> {
        let clock = VirtualClock::starting_at(now);
        let (moved, fault, script) = (clock.clone(), self.fault.clone(), self.script.clone());
        let records = Failing(self.records.clone(), fault.clone());
        let windows = self.windows.clone();
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
                let fault = fault.clone();
                let numbers = flow
                    .source("numbers", script.clone())
                    .event_time(|(time, _)| *time, policy)
                    .map(move |(_, (partition, record))| {
                        fault.map(partition, record);
                        (partition, record)
                    });
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

    /// The last epoch that is committed, and how many acts of each partition.
    fn committed(&self) -> anyhow::Result<(Epoch, BTreeMap<i64, i64>)> {
        let mut newest: Option<serde_json::Value> = None;
        for slot in ["manifest-0", "manifest-1"] {
            let length = usize::try_from(self.store.length(slot)?)?;
            let text = String::from_utf8(self.store.read(slot, 0, length)?)?;
            let (_, json) = text.split_once('\n').context("it has a first line")?;
            let manifest: serde_json::Value = serde_json::from_str(json)?;
            let sequence = |manifest: &serde_json::Value| manifest["sequence"].as_u64();
            if newest.as_ref().and_then(sequence) < sequence(&manifest) {
                newest = Some(manifest);
            }
        }
        let manifest = newest.context("there is a manifest")?;
        let partitions = manifest["sources"]["numbers"]["partitions"].as_object();
        let mut n_acts: BTreeMap<i64, i64> = (0..N_PARTITIONS).map(|p| (p, 0)).collect();
        for (partition, state) in partitions.context("partitions")? {
            let position = state["position"].as_str().context("a position")?;
            n_acts.insert(partition.parse()?, position.parse()?);
        }
        let epoch = manifest["epoch"].as_u64().context("an epoch")?;
        Ok((Epoch::from_u64(epoch), n_acts))
    }
}

/// What the error of a run must say.
fn says(fails: Fails) -> &'static [&'static str] {
    match fails {
        Fails::Closure { .. } => &["map at tests/failing_worker.rs:", "is poison"],
        Fails::Source { .. } => &["source \"numbers\"", "as its script says"],
        Fails::Sink {
            asked_to: Asked::Save,
            ..
        } => &["panicked: it fails to Save"],
        Fails::Sink { .. } => &["sink \"records\": it fails to"],
    }
}

/// Has it fail on `workers`, looks at what is committed and published, and goes on.
fn check(fails: Fails, workers: usize, paced: bool, crash: bool) -> anyhow::Result<()> {
    let job = Job::new(fails);
    let end = at(N_CHUNKS * 1000);
    let error = match job.run(workers, if paced { at(0) } else { end }) {
        Err(error) => error.to_string(),
        // Where commits are few, it is not asked as often.
        Ok(_) => {
            let is_never_asked = matches!(fails, Fails::Sink { .. });
            ensure!(is_never_asked && !paced && !job.fault.has_failed.load(Ordering::SeqCst));
            return Ok(());
        }
    };
    ensure!(says(fails).iter().all(|say| error.contains(say)), "{error}");

    // 1. Nothing is committed that the failure was part of.
    let (epoch, n_acts) = job.committed()?;
    let acts_of = |p: i64| acts(fails, p);
    let n_committed = |p: i64| {
        let acts = acts_of(p);
        let before = acts.iter().take(n_acts[&p] as usize);
        before.filter(|act| matches!(act, Act::Emit(..))).count() as i64
    };
    let failed_at = *job
        .fault
        .epoch
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    match fails {
        Fails::Closure { partition, record } | Fails::Source { partition, record } => {
            let n = n_committed(partition);
            ensure!(n <= record, "{n} records are committed");
        }
        Fails::Sink {
            asked_to: Asked::Publish,
            ..
        } => {
            ensure!(
                Some(epoch) >= failed_at,
                "what is to be published is committed"
            );
        }
        Fails::Sink { .. } => {
            ensure!(
                Some(epoch) < failed_at,
                "{epoch} is committed, it failed at {failed_at:?}"
            );
        }
    }

    // 2. Nothing is published that is not committed.
    for (partition, n) in job.n_published()? {
        let committed = n_committed(partition);
        ensure!(
            n <= committed,
            "{n} of partition {partition} are published, {committed} committed"
        );
    }

    // 3. The next run has everything once.
    if crash {
        job.store.crash();
    }
    let report = job.run(1 + workers % 3, end)?;
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
    let of = move |worker| {
        [1, 2, 4].map(|nth| Fails::Sink {
            asked_to,
            worker,
            nth,
        })
    };
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

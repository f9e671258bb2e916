//! What durable state costs, and how soon a run goes on.
//!
//! `cargo bench -p millstream-benches --bench recovery`, which prints a table:
//!
//! - *throughput*: the main job's three tables, views and Parquet files over made-up page views, with snapshots every second
//!   and without any, in turn; the ratio within each pair counts, for both had the same machine.
//! - *stall*: a million keys in an open window, all of which change from snapshot to snapshot: the longest that a snapshot
//!   has held a worker up at a time, and the longest time between two polls of a partition, with and without snapshots.
//! - *restart*: from the start of a run until it is ready, with the state of those million keys.
//!
//! A name after `--`, `throughput` or `restart`, measures that alone; `MILLSTREAM_ROUNDS` says how many rounds there are (5 if it is not set).
#![expect(clippy::print_stdout, reason = "the result")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use millstream::engine::{
    Arrival, BoxError, CommitStep, Intake, Partition, Polled, Position, Rewind, SourceContext,
    Waker,
};
use millstream::prelude::*;
use millstream_benches::{is_asked, median, rounds};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const N_KEYS: u64 = 1_000_000;
const N_PARTITIONS: u32 = 4;

fn main() {
    let rounds = rounds();
    for workers in [1, 2] {
        if is_asked("throughput") {
            throughput(workers, rounds);
        }
    }
    for workers in [1, 2] {
        if is_asked("restart") {
            stall_and_restart(workers, rounds);
        }
    }
}

fn state(folder: &Path, every: Option<Duration>) -> Option<State> {
    every.map(|every| State::in_directory(folder.join("state")).every(every))
}

fn app(workers: usize, state: Option<State>) -> App {
    let app = App::new("recovery").workers(workers);
    match state {
        Some(state) => app.state(state),
        None => app,
    }
}

fn throughput(workers: usize, rounds: usize) {
    let (mut ratios, mut with, mut without) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let [none, durable] = [None, Some(seconds(1))].map(|every| main_job(workers, every));
        without.push(none / 1e6);
        with.push(durable / 1e6);
        ratios.push(durable / none);
    }
    println!(
        "throughput, {workers} workers, no snapshots : {}",
        median(without, 2, "M events/s")
    );
    println!(
        "throughput, {workers} workers, every second : {}",
        median(with, 2, "M events/s")
    );
    println!(
        "throughput, {workers} workers, ratio        : {}",
        median(ratios, 2, "")
    );
}

/// Events a second of the main job over made-up page views.
fn main_job(workers: usize, every: Option<Duration>) -> f64 {
    const N_EVENTS: u64 = 6_000_000;
    let folder = tempfile::tempdir().expect("a temporary directory");
    let app = app(workers, state(folder.path(), every));
    let out = folder.path().to_owned();
    let started = Instant::now();
    let report = app.run(move |flow| {
        let views = flow
            .source("views", Clickstream::new().rate(Rate::Max).events(N_EVENTS))
            .event_time(|e| e.timestamp, Watermarks::bounded(seconds(5)));
        let minute = Tumbling::of(minutes(1)).lateness(seconds(30));
        let pages = views
            .key_by("url", |e| &e.data.url)
            .window(minute)
            .aggregate("pages", |of| {
                (
                    of.count("views"),
                    of.count_distinct("visitors", |e| &e.data.user_id),
                    of.quantile("p95_duration_ms", 0.95, |e| f64::from(e.data.duration_ms)),
                )
            });
        pages.view("pages")?;
        pages
            .closed()
            .sink("pages", ParquetFiles::new(out.join("pages")))?;
        let countries = views
            .key_by("country", |e| &e.data.country)
            .window(minute)
            .aggregate("countries", |of| {
                (
                    of.count("views"),
                    of.approx_count_distinct("approx_visitors", |e| &e.data.user_id),
                )
            });
        countries.view("countries")?;
        countries
            .closed()
            .sink("countries", ParquetFiles::new(out.join("countries")))?;
        let traffic = views.window(minute).aggregate("traffic", |of| {
            (
                of.count("views"),
                of.count_distinct("visitors", |e| &e.data.user_id),
                of.count_distinct("sessions", |e| &e.data.session_id),
            )
        });
        traffic.view("traffic")?;
        traffic
            .closed()
            .sink("traffic", ParquetFiles::new(out.join("traffic")))
    });
    assert_eq!(report.expect("it runs").events, N_EVENTS);
    N_EVENTS as f64 / started.elapsed().as_secs_f64()
}

/// Keys in turn, all in one hour of event time, as fast as they are taken; notes how long it was not polled.
#[derive(Clone)]
struct Keys {
    longest_gap: Arc<AtomicU64>,
}

struct KeysPartition {
    next: u64,
    polled: Option<Instant>,
    longest_gap: Arc<AtomicU64>,
}

impl Source for Keys {
    type Item = u64;
    type Partition = KeysPartition;

    fn partitions(&self, _cx: &SourceContext) -> Result<u32, BoxError> {
        Ok(N_PARTITIONS)
    }
    fn open(
        &self,
        partition: u32,
        _cx: &SourceContext,
        _waker: Waker,
    ) -> Result<KeysPartition, BoxError> {
        Ok(KeysPartition {
            next: partition.into(),
            polled: None,
            longest_gap: Arc::clone(&self.longest_gap),
        })
    }
    fn resume(
        &self,
        partition: u32,
        position: &Position,
        cx: &SourceContext,
        waker: Waker,
    ) -> Result<KeysPartition, BoxError> {
        let next = position.0.parse()?;
        Ok(KeysPartition {
            next,
            ..self.open(partition, cx, waker)?
        })
    }
    fn rewind(&self, _cx: &SourceContext) -> Rewind {
        Rewind::Seek
    }
    fn arrival(&self) -> Arrival {
        Arrival::MadeUp
    }
}

impl Partition for KeysPartition {
    type Item = u64;

    fn poll(&mut self, intake: &mut Intake<'_, u64>) -> Result<Polled, BoxError> {
        let now = Instant::now();
        if let Some(before) = self.polled.replace(now).filter(|_| self.next >= N_KEYS) {
            let gap = u64::try_from((now - before).as_micros())?;
            self.longest_gap.fetch_max(gap, Relaxed);
        }
        while intake.room() > 0 {
            intake.accept(self.next % N_KEYS)?;
            self.next += u64::from(N_PARTITIONS);
        }
        Ok(Polled::Ready)
    }
    fn position(&self) -> Option<Position> {
        Some(Position(self.next.to_string()))
    }
}

/// What a run over the keys was like.
struct Keyed {
    stall_ms: f64,
    gap_ms: f64,
    ready: Option<Duration>,
}

/// Runs over the keys for `time` after all of them were there, and at least `commits` commits; then stops.
fn keyed(workers: usize, state: Option<State>, time: Duration, commits: u64) -> Keyed {
    let longest_gap = Arc::new(AtomicU64::new(0));
    let keys = Keys {
        longest_gap: Arc::clone(&longest_gap),
    };
    let committed = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&committed);
    let durable = state.is_some();
    let running = app(workers, state)
        .follow_commits(move |step, _epoch| {
            counted.fetch_add(u64::from(step == CommitStep::Committed), Relaxed);
            Ok(())
        })
        .start(move |flow| {
            flow.source("keys", keys.clone())
                .event_time(
                    |_| EventTime::from_micros(0),
                    Watermarks::bounded(seconds(5)),
                )
                .key_by("key", |key| key)
                .window(Tumbling::of(hours(1)))
                .aggregate("keys", |of| (of.count("n"), of.sum("sum", |key| *key)))
                .closed()
                .sink("memory", Memory::new())
        })
        .expect("it starts");
    let run = running.run().clone();
    let wait = |until: &dyn Fn() -> bool| {
        while !until() {
            std::thread::park_timeout(Duration::from_millis(1));
        }
    };
    wait(&|| run.is_ready());
    let ready = run.resumed().map(|resumed| resumed.took);
    let events = || run.status().sources[0].events;
    wait(&|| events() >= N_KEYS);
    let (since, before) = (Instant::now(), committed.load(Relaxed));
    wait(&|| {
        let enough = !durable || committed.load(Relaxed) >= before + commits;
        since.elapsed() >= time && enough
    });
    let stall_ms = run.status().snapshot_stall_us as f64 / 1e3;
    run.stop();
    running.wait().expect("it stops in order");
    Keyed {
        stall_ms,
        gap_ms: longest_gap.load(Relaxed) as f64 / 1e3,
        ready,
    }
}

fn stall_and_restart(workers: usize, rounds: usize) {
    let (mut stalls, mut gaps, mut gaps_without, mut readies) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let durable = || state(folder.path(), Some(seconds(1)));
        let without = keyed(workers, None, seconds(3), 0);
        let with = keyed(workers, durable(), seconds(3), 3);
        let again = keyed(workers, durable(), Duration::ZERO, 0);
        gaps_without.push(without.gap_ms);
        gaps.push(with.gap_ms);
        stalls.push(with.stall_ms);
        readies.push(again.ready.expect("it goes on").as_secs_f64());
    }
    println!(
        "stall, {workers} workers, longest by a snapshot : {}",
        median(stalls, 2, "ms")
    );
    println!(
        "stall, {workers} workers, longest between polls : {}",
        median(gaps, 2, "ms")
    );
    println!(
        "stall, {workers} workers, the same, no snapshots: {}",
        median(gaps_without, 2, "ms")
    );
    println!(
        "restart, {workers} workers, until ready         : {}",
        median(readies, 2, "s")
    );
}

//! Whether a table keeps up with its changes: the first ten of a thousand groups, and the first hundred of all, over a
//! million rows of which a hundred thousand change each second.
//!
//! `cargo bench -p millstream-benches --bench tables -- seconds=180 rows=1000000 rate=100000 groups=1000 workers=2 top=both`
//! (these are the defaults; `top` is `groups`, `all`, `both`, or `none` for the table alone; `made=join`, `aggregate` or `both` adds a join
//! of every row with one of its group, and the count and the greatest of each group). A snapshot goes to disk every
//! second. It prints how long the rows took to come, and then every ten seconds how far the views were behind the changes, what
//! share of the cores was used, and the resident size. At the end it is stopped and started again, and how long it takes until
//! there is a view of a new epoch, with all rows.
#![expect(clippy::print_stdout, reason = "the result")]

#[path = "tables/changes.rs"]
mod changes;
#[path = "tables/process.rs"]
mod process;

use std::cmp::Reverse;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use changes::Changes;
use millstream::engine::{Epoch, SystemClock, WallClock};
use millstream::prelude::*;
use process::{cpu_seconds, resident_mib};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What `name` is set to on the command line.
fn setting(name: &str) -> Option<String> {
    let mut args = std::env::args();
    args.find_map(|arg| Some(arg.strip_prefix(name)?.strip_prefix('=')?.to_owned()))
}

fn number(name: &str, otherwise: u64) -> u64 {
    setting(name).map_or(otherwise, |given| given.parse().expect("a number"))
}

/// How far the views were behind, in milliseconds, since it was last asked.
type Lags = Arc<Mutex<Vec<f64>>>;

fn pipeline(
    flow: &mut Flow<'_>,
    changes: &Changes,
    groups: u64,
    top: &str,
    made: &str,
) -> Result<()> {
    let n_groups = groups;
    let changes = flow
        .source("changes", changes.clone())
        .event_time(|changed| changed.time, Watermarks::bounded(millis(0)));
    let rows = changes
        .key_with("id", |changed| changed.id)
        .upsert("rows", |changed| Some(changed.score));
    if top == "groups" || top == "both" {
        rows.group_by("group", move |id, _| id % groups)
            .top_k("top_of_groups", 10, |_, score| Reverse(**score))
            .map_values(("id", "score"), |(id, score)| (*id, **score))
            .view("top_of_groups")?;
    }
    if top == "all" || top == "both" {
        rows.group_by((), |_, _| ())
            .top_k("top_of_all", 100, |_, score| Reverse(**score))
            .map_values(("id", "score"), |(id, score)| (*id, **score))
            .view("top_of_all")?;
    }
    if made == "join" || made == "both" {
        let groups = changes
            .key_with("group", move |changed| changed.id % groups)
            .upsert("groups", move |changed| Some(changed.id % groups));
        rows.group_by("group", move |id, _| id % n_groups)
            .join("with_group", &groups)
            .filter(|id, _| *id < 10)
            .map_values("score", |(score, _)| **score)
            .view("with_group")?;
    }
    if made == "aggregate" || made == "both" {
        rows.group_by("group", move |id, _| id % n_groups)
            .aggregate("of_group", |of| {
                (of.count("n"), of.max("most", |score| **score))
            })
            .view("of_group")?;
    }
    // One row, so that there is a view in every case.
    rows.filter(|id, _| *id == 0)
        .map_values("score", |score| **score)
        .view("first")
}

fn watch(app: App, lags: &Lags) -> App {
    let lags = Arc::clone(lags);
    app.watch(move |run| {
        let clock = SystemClock::new();
        run.catalog().watch(move |snapshot| {
            let now = clock.now();
            let marks = snapshot.views.values().map(|view| view.watermark);
            if let Some(watermark) = marks.min().and_then(EventTime::finite) {
                let lag = now.since(watermark).as_secs_f64() * 1e3;
                let mut lags = lags.lock().unwrap_or_else(PoisonError::into_inner);
                lags.push(lag);
            }
        })
    })
}

/// How long it takes to go on with what `state` has until the views are of an epoch after `last`.
fn restart(
    app: App,
    last: Epoch,
    build: impl Fn(&mut Flow<'_>) -> Result<()> + Send + Sync + 'static,
) -> f64 {
    let (started, (send, seen)) = (Instant::now(), std::sync::mpsc::channel());
    let app = app.watch(move |run| {
        run.catalog().watch(move |snapshot| {
            if snapshot.epoch > last {
                // Only the first is waited for.
                let _ = send.send(());
            }
        })
    });
    let running = app.start(build).expect("it goes on");
    seen.recv().expect("a view");
    let took = started.elapsed().as_secs_f64();
    running.run().stop();
    running.wait().expect("it stops");
    took
}

/// Says every ten seconds how it goes.
fn follow(started: Instant, seconds: u64, workers: usize, lags: &Lags) {
    let mut before = cpu_seconds();
    lags.lock().unwrap_or_else(PoisonError::into_inner).clear();
    for round in 1..=seconds.div_ceil(10) {
        std::thread::park_timeout(
            Duration::from_secs(10 * round).saturating_sub(started.elapsed()),
        );
        let mut lags = std::mem::take(&mut *lags.lock().unwrap_or_else(PoisonError::into_inner));
        lags.sort_by(f64::total_cmp);
        let at = |share: f64| lags.get((lags.len() as f64 * share) as usize).copied();
        let cpu = cpu_seconds();
        println!(
            "{:4} s: {} snapshots of the views, behind by {:.0} ms in the middle, {:.0} ms at 99 of 100, {:.0} % of {workers} cores, {:.0} MiB",
            started.elapsed().as_secs(),
            lags.len(),
            at(0.5).unwrap_or(f64::NAN),
            at(0.99).unwrap_or(f64::NAN),
            (cpu - before) / 10.0 / workers as f64 * 100.0,
            resident_mib(),
        );
        before = cpu;
    }
}

fn main() {
    let seconds = number("seconds", 180);
    let (rows, rate) = (number("rows", 1_000_000), number("rate", 100_000));
    let (groups, workers) = (number("groups", 1_000), number("workers", 2) as usize);
    let top = setting("top").unwrap_or_else(|| "both".into());
    let made = setting("made").unwrap_or_else(|| "none".into());
    let state = tempfile::tempdir().expect("a temporary directory");
    let (lags, changes) = (Lags::default(), Changes::new(rows, rate));
    let source = changes.clone();
    println!(
        "{rows} rows in {groups} groups, {rate} changes a second, {workers} workers, top={top} made={made}"
    );
    let started = Instant::now();
    let app = || {
        let state = State::in_directory(state.path());
        App::new("tables").workers(workers).state(state)
    };
    let build = move |flow: &mut Flow<'_>| pipeline(flow, &source, groups, &top, &made);
    let running = watch(app(), &lags).start(build.clone()).expect("it starts");
    while !changes.all_rows_came() {
        std::thread::park_timeout(Duration::from_millis(10));
    }
    println!(
        "rows read in {:.1} s, {:.0} MiB",
        started.elapsed().as_secs_f64(),
        resident_mib()
    );
    let started = Instant::now();
    follow(started, seconds, workers, &lags);
    let status = running.run().status();
    for step in status.steps {
        println!(
            "{} {}: {} keys, {:.0} MiB",
            step.kind,
            step.name,
            step.keys,
            step.state_bytes as f64 / f64::from(1 << 20)
        );
    }
    println!(
        "longest hold-up by a snapshot: {} µs",
        status.snapshot_stall_us
    );
    running.run().stop();
    let report = running.wait().expect("it stops");
    let churned = report.events.saturating_sub(rows) as f64;
    println!(
        "{:.0} changes a second were taken in",
        churned / started.elapsed().as_secs_f64()
    );
    let took = restart(app(), report.last_epoch, build);
    println!("started again, a view of a new epoch after {took:.2} s");
}

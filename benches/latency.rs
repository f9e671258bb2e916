//! How long it takes from an event to a view that has seen it, in an open loop.
//!
//! `cargo bench -p millstream-benches --bench latency`, which prints a table. Each event is due at a time that was fixed
//! before: if the engine falls behind, the events that wait count as waiting from when they were due. First the peak is
//! measured, with all events due at once; then the same pipeline runs at 10, 50 and 80 % of it. Clicks are counted by page
//! in one table; in another the newest click of each partition stands, by which one sees what a view has seen, for all
//! views move together. A snapshot goes to disk every second.
//!
//! `MILLSTREAM_SECONDS` says how long each load lasts (10 if it is not set), `MILLSTREAM_WORKERS` on how many workers (2).
#![expect(clippy::print_stdout, reason = "the result")]

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Instant;

use millstream::engine::{
    Arrival, BoxError, Intake, Partition, Polled, Position, Rewind, Snapshot, SourceContext, Value,
    Waker,
};
use millstream::prelude::*;
use serde::{Deserialize, Serialize};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const N_PARTITIONS: u64 = 4;
const N_PAGES: u64 = 1_000;
/// How many events the peak is measured with.
const N_AT_ONCE: u64 = 20_000_000;

fn main() {
    let [seconds, workers] = [("MILLSTREAM_SECONDS", 10), ("MILLSTREAM_WORKERS", 2)].map(
        |(name, otherwise): (_, u64)| {
            let given = std::env::var(name).ok();
            given
                .and_then(|given| given.parse().ok())
                .unwrap_or(otherwise)
        },
    );
    let at_once = Load {
        n: N_AT_ONCE,
        rate: f64::INFINITY,
    };
    let took = run(at_once, workers)
        .last()
        .expect("something was seen")
        .after;
    let peak = N_AT_ONCE as f64 / took;
    println!("peak, {workers} workers: {:.2} M events/s", peak / 1e6);
    for share in [0.1, 0.5, 0.8] {
        let rate = peak * share;
        let load = Load {
            n: (rate * seconds as f64) as u64,
            rate,
        };
        let mut waits = waits(load, &run(load, workers));
        waits.sort_by(f64::total_cmp);
        let at = |share: f64| waits[((waits.len() - 1) as f64 * share) as usize] * 1e3;
        println!(
            "{:3.0} % of it, {:.2} M events/s for {seconds} s: p50 {:.1} ms, p99 {:.1}, p99.9 {:.1}, longest {:.1}",
            share * 100.0,
            rate / 1e6,
            at(0.5),
            at(0.99),
            at(0.999),
            at(1.0),
        );
    }
}

/// How many events, and how many a second are due.
#[derive(Clone, Copy)]
struct Load {
    n: u64,
    rate: f64,
}

impl Load {
    /// In seconds after the start.
    fn due(self, event: u64) -> f64 {
        event as f64 / self.rate
    }
}

/// A look at the views.
struct Seen {
    /// In seconds after the start.
    after: f64,
    /// Of each partition, how many events are in it.
    counts: Vec<u64>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Click {
    partition: u64,
    /// How many came before it in its partition.
    nth: u64,
    page: u64,
}

/// Events that are due at fixed times.
#[derive(Clone)]
struct Clicks {
    load: Load,
    /// When the first is due: when the first partition is polled.
    start: Arc<OnceLock<Instant>>,
}

struct ClicksPartition {
    clicks: Clicks,
    number: u64,
    next: u64,
}

impl Source for Clicks {
    type Item = Click;
    type Partition = ClicksPartition;

    fn partitions(&self, _cx: &SourceContext) -> Result<u32, BoxError> {
        Ok(u32::try_from(N_PARTITIONS)?)
    }
    fn open(
        &self,
        partition: u32,
        _cx: &SourceContext,
        _waker: Waker,
    ) -> Result<ClicksPartition, BoxError> {
        Ok(ClicksPartition {
            clicks: self.clone(),
            number: partition.into(),
            next: 0,
        })
    }
    fn rewind(&self, _cx: &SourceContext) -> Rewind {
        Rewind::Seek
    }
    fn arrival(&self) -> Arrival {
        Arrival::MadeUp
    }
}

impl Partition for ClicksPartition {
    type Item = Click;

    fn poll(&mut self, intake: &mut Intake<'_, Click>) -> Result<Polled, BoxError> {
        let Load { n, rate } = self.clicks.load;
        let elapsed = self.clicks.start.get_or_init(Instant::now).elapsed();
        let due = if rate.is_finite() {
            (elapsed.as_secs_f64() * rate) as u64
        } else {
            n
        };
        while intake.room() > 0 {
            let event = self.next * N_PARTITIONS + self.number;
            if event >= n {
                return Ok(Polled::Ended);
            }
            if event >= due {
                return Ok(Polled::CaughtUp {
                    until: Some(intake.now().plus(millis(1))),
                });
            }
            let page = event.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
            intake.accept(Click {
                partition: self.number,
                nth: self.next,
                page: page % N_PAGES,
            })?;
            self.next += 1;
        }
        Ok(Polled::Ready)
    }
    fn position(&self) -> Option<Position> {
        Some(Position(self.next.to_string()))
    }
}

/// Runs the pipeline under `load`; gives what was seen of it, from time to time.
fn run(load: Load, workers: u64) -> Vec<Seen> {
    let start = Arc::new(OnceLock::new());
    let clicks = Clicks {
        load,
        start: Arc::clone(&start),
    };
    let looks: Arc<Mutex<Vec<Seen>>> = Arc::default();
    let to = Arc::clone(&looks);
    let state = tempfile::tempdir().expect("a temporary directory");
    let report = App::new("latency")
        .workers(usize::try_from(workers).expect("workers are few"))
        .state(State::in_directory(state.path()))
        .watch(move |run| {
            run.catalog()
                .watch(move |snapshot| look(snapshot, &start, &to));
        })
        .run(move |flow| {
            let clicks = flow.source("clicks", clicks.clone()).event_time(
                |c| EventTime::from_micros(c.nth as i64 * 10),
                Watermarks::bounded(seconds(1)),
            );
            let ten_seconds = Tumbling::of(seconds(10));
            clicks
                .key_by("page", |c| &c.page)
                .window(ten_seconds)
                .aggregate("pages", |of| of.count("clicks"))
                .view("pages")?;
            clicks
                .key_by("partition", |c| &c.partition)
                .window(ten_seconds)
                .aggregate("newest", |of| of.max("nth", |c| c.nth))
                .view("newest")
        });
    assert_eq!(report.expect("it runs").events, load.n);
    let mut looks = looks.lock().expect("not poisoned");
    std::mem::take(&mut *looks)
}

/// Notes how far the views have come.
fn look(snapshot: &Snapshot, start: &OnceLock<Instant>, to: &Mutex<Vec<Seen>>) {
    let Some(after) = start.get().map(|start| start.elapsed().as_secs_f64()) else {
        return;
    };
    let mut counts = vec![0; N_PARTITIONS as usize];
    for (key, row) in snapshot.views["newest"].rows() {
        if let ([Value::Int(partition)], Some(Value::Int(nth))) = (&*key.key, row.get(3)) {
            let count = &mut counts[*partition as usize];
            *count = (*count).max(*nth as u64 + 1);
        }
    }
    to.lock()
        .expect("not poisoned")
        .push(Seen { after, counts });
}

/// How long each event waited until it was seen, in seconds.
fn waits(load: Load, looks: &[Seen]) -> Vec<f64> {
    let mut waits = Vec::new();
    let mut seen = vec![0; N_PARTITIONS as usize];
    for look in looks {
        for (partition, (seen, count)) in (0..).zip(seen.iter_mut().zip(&look.counts)) {
            let news = (*seen..*count).map(|nth| load.due(nth * N_PARTITIONS + partition));
            waits.extend(news.map(|due| look.after - due));
            *seen = (*seen).max(*count);
        }
    }
    assert_eq!(waits.len() as u64, load.n, "each event is seen once");
    waits
}

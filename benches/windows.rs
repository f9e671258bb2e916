//! The windowed path, in memory: page views that were made beforehand through one-minute windows by url.
//!
//! `cargo bench --bench windows`. Throughput is in events; the clock runs from the start of the workers to their end.

use std::hint::black_box;
use std::sync::{Arc, Mutex};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use millstream::engine::{Arrival, BoxError, Intake, Partition, Polled, SourceContext, Waker};
use millstream::prelude::*;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const N_EVENTS: u64 = 1_000_000;
const N_PARTITIONS: usize = 8;

type Part = Mutex<Option<Vec<Event<PageView>>>>;

/// Events that lie ready; each is moved into the pipeline.
#[derive(Clone)]
struct Ready(Arc<Vec<Part>>);

struct ReadyPartition(std::vec::IntoIter<Event<PageView>>);

impl Source for Ready {
    type Item = Event<PageView>;
    type Partition = ReadyPartition;

    fn partitions(&self, _cx: &SourceContext) -> Result<u32, BoxError> {
        Ok(u32::try_from(self.0.len())?)
    }
    fn open(
        &self,
        partition: u32,
        _cx: &SourceContext,
        _waker: Waker,
    ) -> Result<ReadyPartition, BoxError> {
        let events = self.0[partition as usize]
            .lock()
            .expect("not poisoned")
            .take();
        Ok(ReadyPartition(
            events.expect("each is opened once").into_iter(),
        ))
    }
    fn arrival(&self) -> Arrival {
        Arrival::MadeUp
    }
}

impl Partition for ReadyPartition {
    type Item = Event<PageView>;

    fn poll(&mut self, intake: &mut Intake<'_, Event<PageView>>) -> Result<Polled, BoxError> {
        while intake.room() > 0 {
            let Some(event) = self.0.next() else {
                return Ok(Polled::Ended);
            };
            intake.accept(event)?;
        }
        Ok(Polled::Ready)
    }
}

/// Contiguous pieces of each ten seconds go round the partitions, as the lanes of a file do.
fn made_beforehand() -> Vec<Vec<Event<PageView>>> {
    let generator = Clickstream::new().rate(Rate::Max).seed(7);
    let start = EventTime::from_millis(1_700_000_000_000);
    let mut partitions = vec![Vec::new(); N_PARTITIONS];
    for n in 0..N_EVENTS {
        partitions[(n / 4096) as usize % N_PARTITIONS].push(generator.event(n, start));
    }
    partitions
}

fn run(events: Vec<Vec<Event<PageView>>>, workers: usize, tables: Tables) -> Report {
    let ready = Ready(Arc::new(
        events
            .into_iter()
            .map(|part| Mutex::new(Some(part)))
            .collect(),
    ));
    let pipeline = move |flow: &mut Flow<'_>| {
        let views = flow
            .source("ready", ready.clone())
            .event_time(|e| e.timestamp, Watermarks::bounded(seconds(60)));
        let minute = Tumbling::of(minutes(1)).lateness(seconds(30));
        let pages = views.key_by("url", |e| &e.data.url).window(minute);
        match tables {
            Tables::Count => {
                let counts = pages.aggregate("pages", |of| of.count("views"));
                counts.closed().inspect(|row| {
                    black_box(row);
                });
            }
            Tables::Distinct => {
                let counts = pages.aggregate("pages", |of| {
                    (
                        of.count("views"),
                        of.count_distinct("visitors", |e| &e.data.user_id),
                    )
                });
                counts.closed().inspect(|row| {
                    black_box(row);
                });
            }
        }
        Ok(())
    };
    App::new("windows")
        .workers(workers)
        .run(pipeline)
        .expect("it runs")
}

#[derive(Clone, Copy)]
enum Tables {
    Count,
    Distinct,
}

fn windows(criterion: &mut Criterion) {
    let events = made_beforehand();
    let mut group = criterion.benchmark_group("windows");
    group
        .throughput(Throughput::Elements(N_EVENTS))
        .sample_size(10);
    for (name, tables) in [
        ("count", Tables::Count),
        ("count_and_distinct", Tables::Distinct),
    ] {
        for workers in [1, 2] {
            group.bench_function(format!("{name}/{workers}_workers"), |bencher| {
                bencher.iter_batched(
                    || events.clone(),
                    |events| assert_eq!(run(events, workers, tables).events, N_EVENTS),
                    BatchSize::PerIteration,
                );
            });
        }
    }
    group.finish();
}

criterion_group!(benches, windows);
criterion_main!(benches);

//! NDJSON bytes to page views, in memory: what one core decodes.
//!
//! `cargo bench --bench decoding`. Throughput is in events.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use millstream::prelude::*;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const N_EVENTS: u64 = 100_000;

fn lines() -> Vec<Vec<u8>> {
    let generator = Clickstream::new().rate(Rate::Max).seed(7);
    let start = EventTime::from_millis(1_700_000_000_000);
    (0..N_EVENTS)
        .map(|n| serde_json::to_vec(&generator.event(n, start)).expect("serialisable"))
        .collect()
}

fn decoding(criterion: &mut Criterion) {
    let lines = lines();
    let bytes: usize = lines.iter().map(Vec::len).sum();
    eprintln!("{} bytes an event", bytes / lines.len());
    let mut group = criterion.benchmark_group("decoding");
    group
        .throughput(Throughput::Elements(N_EVENTS))
        .sample_size(20);
    group.bench_function("json_page_views", |bencher| {
        let json = Json::<Event<PageView>>::new();
        bencher.iter(|| {
            for line in &lines {
                black_box(json.decode(line).expect("a page view"));
            }
        });
    });
    group.finish();
}

criterion_group!(benches, decoding);
criterion_main!(benches);

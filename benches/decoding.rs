//! NDJSON bytes to values, in memory: what one core decodes, beside what `serde_json` alone does.
//!
//! `cargo bench --bench decoding`. Throughput is in events.

#[path = "decoding/made.rs"]
mod made;

use std::hint::black_box;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use millstream::engine::Data;
use millstream::prelude::*;

use made::*;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Decodes `lines` to `T`, by the format and by the parser alone, both from bytes of which nothing is known.
///
/// As files are read, the format looks once whether all is text.
fn both<T: Data>(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, lines: &[Vec<u8>]) {
    let bytes = lines.concat();
    let mut end = 0;
    let ranges: Vec<_> = lines
        .iter()
        .map(|line| {
            end += line.len();
            end - line.len()..end
        })
        .collect();
    eprintln!("{name}: {} bytes an event", bytes.len() / lines.len());
    group.bench_function(format!("{name}/json"), |bencher| {
        let mut json = Json::<T>::new();
        bencher.iter(|| {
            let text = std::str::from_utf8(&bytes).expect("text");
            for range in &ranges {
                black_box(json.decode_text(&text[range.clone()]).expect("an event"));
            }
        });
    });
    group.bench_function(format!("{name}/serde_json"), |bencher| {
        bencher.iter(|| {
            for range in &ranges {
                let event = serde_json::from_slice::<T>(&bytes[range.clone()]);
                black_box(event.expect("an event"));
            }
        });
    });
}

fn decoding(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decoding");
    group
        .throughput(Throughput::Elements(N_EVENTS))
        .sample_size(20);
    let lines = flat_views();
    both::<View>(&mut group, "three_of_ten", &lines);
    both::<FlatView>(&mut group, "all_of_ten", &lines);
    let lines = page_views();
    both::<Event<View>>(&mut group, "three_in_envelope", &lines);
    both::<Event<PageView>>(&mut group, "page_view", &lines);
    both::<Nexmark>(&mut group, "nexmark", &nexmark());
    both::<Tagged>(&mut group, "tagged", &tagged());
    both::<OfAnyKind>(&mut group, "of_ten_kinds", &of_ten_kinds());
    both::<Sparse>(&mut group, "sparse", &sparse());
    group.finish();
}

criterion_group!(benches, decoding);
criterion_main!(benches);

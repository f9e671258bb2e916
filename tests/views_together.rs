//! All views move together: in every snapshot two views of one source have seen exactly the same input.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use millstream::engine::{Snapshot, Value};
use millstream::prelude::*;
use millstream::testing::{Act, Script};

fn sum(snapshot: &Snapshot, view: &str, column: usize) -> i64 {
    let value = |values: &Arc<[Value]>| {
        if let Value::Int(n) = values[column] {
            n
        } else {
            panic!("an integer")
        }
    };
    snapshot.views[view]
        .rows()
        .map(|(_, values)| value(values))
        .sum()
}

#[test]
fn two_views_agree_in_every_snapshot() -> anyhow::Result<()> {
    for workers in 1..=3 {
        let n_checked = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&n_checked);
        let acts = |p: i64| {
            (0..2_000)
                .map(move |i| Act::Emit(EventTime::from_millis(i * 10 + p), i * 4 + p))
                .collect()
        };
        let script = Script::new((0..4).map(acts).collect());
        let report = App::new("together")
            .workers(workers)
            .epochs(millis(0), 100)
            .watch(move |run| {
                run.catalog().watch(move |snapshot| {
                    assert_eq!(
                        sum(snapshot, "by_key", 3),
                        sum(snapshot, "total", 2),
                        "at {}",
                        snapshot.epoch
                    );
                    counted.fetch_add(1, Ordering::Relaxed);
                });
            })
            .run(move |flow| {
                let numbers = flow
                    .source("numbers", script.clone())
                    .event_time(|(time, _)| *time, Watermarks::bounded(seconds(1)));
                let second = Tumbling::of(seconds(1)).lateness(hours(1));
                numbers
                    .key_with("key", |(_, n)| n % 17)
                    .window(second)
                    .aggregate("by_key", |of| of.count("n"))
                    .view("by_key")?;
                numbers
                    .window(second)
                    .aggregate("total", |of| of.count("n"))
                    .view("total")
            })?;
        assert_eq!(report.events, 8_000);
        assert!(
            n_checked.load(Ordering::Relaxed) > 5,
            "many snapshots were checked"
        );
    }
    Ok(())
}

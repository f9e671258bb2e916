//! The disk under a collector and its pipeline breaks at each of its operations in turn: what was acknowledged counts once
//! after the restart, and so does what is sent again because it was not.

#[path = "support/random.rs"]
mod random;

use std::collections::BTreeSet;

use millstream::engine::{Refusal, Value};
use millstream::prelude::*;
use millstream::testing::FaultStore;
use random::Random;

const N_BATCHES: i64 = 5;
const BATCH: i64 = 4;

/// How the disk breaks at its n-th operation.
type Break = fn(&FaultStore, u64);

/// A pipeline behind a collector, whose rows and state are in memory.
struct Shop {
    store: FaultStore,
    rows: Memory,
}

impl Shop {
    fn open(&self, workers: usize) -> Result<Running> {
        let rows = self.rows.clone();
        let app = App::new("shop")
            .workers(workers)
            .epochs(millis(0), 3)
            .state(State::in_store(self.store.clone()).every(millis(0)));
        app.start(move |flow| {
            // Segments so small that there are several.
            let log = TopicSettings::new().partitions(2).segment_bytes(300);
            let orders = Collector::new().kept(log).decode(Json::<Event<i64>>::new());
            flow.source("orders", orders)
                .event_time(|order| order.timestamp, Watermarks::bounded(seconds(5)))
                .columns("n", |order| order.data)
                .sink("rows", rows.clone())
        })
    }

    /// Posts the batches that are not `acknowledged`, and adds those that are; gives their tokens.
    fn post(&self, running: &Running, acknowledged: &mut BTreeSet<i64>) -> Vec<String> {
        let inlet = running.run().inlet("orders").expect("it is pushed");
        let mut tokens = Vec::new();
        for batch in 0..N_BATCHES {
            if acknowledged.contains(&batch) {
                continue;
            }
            match inlet.offer_and_wait(Some("application/x-ndjson"), body(batch).as_bytes()) {
                Ok(receipt) => {
                    assert_eq!((receipt.accepted, receipt.rejected), (BATCH as usize, 0));
                    acknowledged.insert(batch);
                    tokens.extend(receipt.token);
                }
                Err(Refusal::Broken { .. } | Refusal::Stopping { .. }) => {}
                Err(other) => panic!("{other}"),
            }
        }
        tokens
    }
}

fn body(batch: i64) -> String {
    let event = |i| {
        let n = batch * BATCH + i;
        format!("{{\"eventId\":\"{n}\",\"timestamp\":\"2026-01-15T10:30:00Z\",\"data\":{n}}}\n")
    };
    (0..BATCH).map(event).collect()
}

/// Breaks the disk at operation `n`, and checks what is there in the end; gives whether there were as many operations.
fn check(breaks: Break, n: u64, workers: [usize; 2], context: &str) -> anyhow::Result<bool> {
    let shop = Shop {
        store: FaultStore::new(),
        rows: Memory::new(),
    };
    breaks(&shop.store, n);
    let mut acknowledged = BTreeSet::new();
    if let Ok(running) = shop.open(workers[0]) {
        shop.post(&running, &mut acknowledged);
        running.run().stop();
        // It may have failed, and its rows are published or not.
        let _ = running.wait();
    }
    let was_reached = shop.store.n_operations() >= n;
    shop.store.crash();
    let kept = acknowledged.clone();
    let running = shop.open(workers[1])?;
    let mut all = BTreeSet::new();
    // Everyone sends everything again: what was acknowledged must be known, and what was not need not be.
    let tokens = shop.post(&running, &mut all);
    assert_eq!(tokens.len(), N_BATCHES as usize, "{context}: {all:?}");
    // What is not read when it stops is read by the next run.
    let inlet = running.run().inlet("orders").expect("it is pushed");
    for token in tokens {
        while inlet.seen(&token)?.is_none() {
            std::thread::yield_now();
        }
    }
    running.run().stop();
    let report = running.wait()?;
    let expected: Vec<_> = (0..N_BATCHES * BATCH)
        .map(|n| vec![Value::Int(n)])
        .collect();
    assert_eq!(
        shop.rows.rows(),
        expected,
        "{context}; acknowledged: {kept:?}"
    );
    assert_eq!(report.events as i64, N_BATCHES * BATCH, "{context}");
    Ok(was_reached)
}

#[test]
fn what_was_acknowledged_counts_once_wherever_the_disk_breaks() -> anyhow::Result<()> {
    let seed = std::env::var("MILLSTREAM_SEED").map_or(Ok(20_261_123), |seed| seed.parse())?;
    let mut random = Random::new(seed);
    let ways: [(&str, Break); 3] = [
        ("fail", |store, n| store.fail_at(n)),
        ("tear", |store, n| store.tear_at(n)),
        ("lose", |store, n| store.lose_at(n)),
    ];
    for (way, breaks) in ways {
        // How the threads meet decides how many operations there are; beyond the last there is nothing to break.
        let mut n = 1;
        loop {
            let workers = [(); 2].map(|()| random.next_u32() as usize % 3 + 1);
            let context = format!("MILLSTREAM_SEED={seed}, {way} at {n}, {workers:?} workers");
            if !check(breaks, n, workers, &context)? {
                break;
            }
            n += 1;
        }
        println!("{way}: {} operations", n - 1);
        assert!(n > 30, "there is something to break: {n}");
    }
    Ok(())
}

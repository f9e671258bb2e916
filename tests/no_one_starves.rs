//! A partition that always has more does not keep its worker from the others.

use std::sync::{Arc, Mutex};

use millstream::engine::VirtualClock;
use millstream::prelude::*;
use millstream::testing::{Act, Script};

#[test]
fn all_partitions_of_a_worker_have_their_turn() -> anyhow::Result<()> {
    const EPOCH_RECORDS: usize = 10;
    const N_PARTITIONS: usize = 3;
    let order = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&order);
    let acts = |p: usize| {
        let n = if p == 0 { 1_000 } else { 20 };
        (0..n)
            .map(|i| Act::Emit(EventTime::from_millis(i), p))
            .collect()
    };
    let script = Script::new((0..N_PARTITIONS).map(acts).collect());
    App::new("turns")
        .workers(1)
        .clock(VirtualClock::starting_at(EventTime::from_millis(0)))
        .epochs(millis(0), EPOCH_RECORDS)
        .run(move |flow| {
            let noted = Arc::clone(&noted);
            flow.source("numbers", script.clone())
                .event_time(|(time, _)| *time, Watermarks::bounded(seconds(0)))
                .inspect(move |(_, p)| noted.lock().expect("no one panics with it").push(*p));
            Ok(())
        })?;
    let order = order.lock().expect("no one panics with it");
    for p in 0..N_PARTITIONS {
        let first = order
            .iter()
            .position(|of| *of == p)
            .expect("it has records");
        assert!(
            first < 2 * N_PARTITIONS * EPOCH_RECORDS,
            "partition {p} has its first turn after {first} records"
        );
    }
    Ok(())
}

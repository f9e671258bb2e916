//! Steps over tables against a naive recomputation: of every snapshot of the views, and of the end; over random changes, any
//! cut into epochs, 1 to 3 workers.
//!
//! Every table has a view, and views move together: so what is made of the three tables must at every epoch be what a
//! recomputation makes of them as they are shown at that epoch.
//!
//! A failure prints the seed; `MILLSTREAM_SEED=<seed>` repeats it.

#[path = "support/changed_tables.rs"]
mod changed_tables;
#[path = "support/made_of_tables.rs"]
mod made_of_tables;
#[path = "support/random.rs"]
mod random;

use std::sync::{Arc, Mutex};

use changed_tables::{Tables, first_seed, random_input, scripts};
use made_of_tables::{check, pipeline, shown};
use millstream::prelude::*;
use random::Random;

#[derive(Default)]
struct Seen {
    n_snapshots: usize,
    last: Tables,
    wrong: Option<String>,
}

#[test]
fn tables_are_what_a_recomputation_gives() -> anyhow::Result<()> {
    let mut n_snapshots = 0;
    for round in 0..12_u64 {
        let seed = first_seed() + round;
        let mut rng = Random::new(seed);
        let n = 50 + rng.next_u32() as usize % 400;
        let input = random_input(&mut rng, n);
        let expected = Tables::after(&input);
        for workers in 1..=3 {
            let records = [1 + rng.next_u32() as usize % 20, 65_536][rng.next_u32() as usize % 2];
            let context =
                format!("MILLSTREAM_SEED={seed}, {workers} workers, {records} records an epoch");
            let seen: Arc<Mutex<Seen>> = Arc::default();
            let (scripts, watched) = (scripts(&input), Arc::clone(&seen));
            App::new("oracle")
                .workers(workers)
                .epochs(millis(0), records)
                .watch(move |run| {
                    run.catalog().watch(move |snapshot| {
                        let mut seen = watched.lock().expect("no one panics");
                        seen.n_snapshots += 1;
                        seen.last = shown(snapshot);
                        let wrong = check(snapshot).err();
                        seen.wrong = seen.wrong.take().or(wrong);
                    })
                })
                .run(move |flow| pipeline(flow, &scripts))?;
            let seen = seen.lock().expect("no one panics");
            assert_eq!(seen.wrong, None, "{context}");
            assert_eq!(seen.last, expected, "{context}");
            n_snapshots += seen.n_snapshots;
        }
    }
    println!("{n_snapshots} snapshots of 19 views compared");
    Ok(())
}

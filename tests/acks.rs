//! A source is told how far it was read for good: never further than the older of the two manifests goes back.

#[path = "support/manifests.rs"]
mod manifests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use manifests::Manifest;
use millstream::engine::{
    Ack, Arrival, BoxError, CommitStep, Position, Rewind, Source, SourceContext, VirtualClock,
    Waker,
};
use millstream::prelude::*;
use millstream::testing::{Act, FaultStore, Script};

const N_CHUNKS: i64 = 6;

/// A script that is told how far it was read, and looks what the manifests say at that moment.
#[derive(Clone)]
struct Told {
    script: Script<i64>,
    told: Arc<ToldOf>,
}

#[derive(Default)]
struct ToldOf {
    store: Option<FaultStore>,
    positions: Mutex<BTreeMap<i64, i64>>,
}

impl Ack for ToldOf {
    fn ack(&self, partition: u32, position: &Position) -> std::result::Result<(), BoxError> {
        let (partition, position) = (i64::from(partition), position.0.parse()?);
        if let Some(store) = &self.store {
            for manifest in Manifest::both(store)? {
                let kept: BTreeMap<i64, i64> = manifest.positions("numbers")?.into_iter().collect();
                let least = kept.get(&partition).copied().unwrap_or(0);
                assert!(
                    position <= least,
                    "{position} of {partition} is ahead of {kept:?}"
                );
            }
        }
        let mut positions = self.positions.lock().expect("no one panics with it");
        let before = positions.insert(partition, position);
        assert!(before <= Some(position), "{before:?}, then {position}");
        Ok(())
    }
}

impl Source for Told {
    type Item = <Script<i64> as Source>::Item;
    type Partition = <Script<i64> as Source>::Partition;

    fn partitions(&self, cx: &SourceContext) -> std::result::Result<u32, BoxError> {
        self.script.partitions(cx)
    }
    fn open(
        &self,
        partition: u32,
        cx: &SourceContext,
        waker: Waker,
    ) -> std::result::Result<Self::Partition, BoxError> {
        self.script.open(partition, cx, waker)
    }
    fn resume(
        &self,
        partition: u32,
        position: &Position,
        cx: &SourceContext,
        waker: Waker,
    ) -> std::result::Result<Self::Partition, BoxError> {
        self.script.resume(partition, position, cx, waker)
    }
    fn rewind(&self, cx: &SourceContext) -> Rewind {
        self.script.rewind(cx)
    }
    fn arrival(&self) -> Arrival {
        Source::arrival(&self.script)
    }
    fn ack(&self, _cx: &SourceContext) -> Option<Arc<dyn Ack>> {
        Some(Arc::clone(&self.told) as Arc<dyn Ack>)
    }
}

fn at(ms: i64) -> EventTime {
    EventTime::from_millis(ms)
}

/// Two partitions whose chunks come a second apart on a clock that each commit moves on; gives what was told of each.
fn run(workers: usize, store: Option<&FaultStore>) -> anyhow::Result<BTreeMap<i64, i64>> {
    let chunk = |n: i64| {
        let numbers = (0..5).map(move |i| Act::Emit(at(n * 100 + i), i));
        std::iter::once(Act::Until(at(n * 1000))).chain(numbers)
    };
    let acts: Vec<_> = (0..N_CHUNKS).flat_map(chunk).collect();
    let told = Told {
        script: Script::new(vec![acts.clone(), acts]),
        told: Arc::new(ToldOf {
            store: store.cloned(),
            positions: Mutex::default(),
        }),
    };
    let clock = VirtualClock::starting_at(at(0));
    let (moved, heard) = (clock.clone(), Arc::clone(&told.told));
    let mut app = App::new("acks")
        .workers(workers)
        .clock(clock)
        .epochs(millis(0), 100)
        .follow_commits(move |step, _| {
            if step == CommitStep::Committed {
                moved.advance(seconds(1));
            }
            Ok(())
        });
    if let Some(store) = store {
        app = app.state(State::in_store(store.clone()).every(millis(0)));
    }
    let report = app.run(move |flow| {
        flow.source("numbers", told.clone())
            .event_time(|(time, _)| *time, Watermarks::bounded(seconds(0)))
            .columns("n", |(_, n)| *n)
            .sink("memory", Memory::new())
    })?;
    assert_eq!(report.events, 2 * 5 * N_CHUNKS as u64);
    let positions = heard.positions.lock().expect("no one panics with it");
    Ok(positions.clone())
}

#[test]
fn what_the_older_manifest_goes_back_to_is_not_given_up() -> anyhow::Result<()> {
    for workers in 1..=3 {
        let store = FaultStore::new();
        let told = run(workers, Some(&store))?;
        let [_, older] = Manifest::both(&store)?;
        let kept: BTreeMap<_, _> = older.positions("numbers")?.into_iter().collect();
        assert!(!told.is_empty(), "with {workers} workers");
        for (partition, position) in told {
            assert!(
                position > 0 && position <= kept[&partition],
                "{workers} workers"
            );
        }
    }
    Ok(())
}

#[test]
fn a_run_without_state_gives_up_what_it_has_committed() -> anyhow::Result<()> {
    for workers in 1..=3 {
        let told = run(workers, None)?;
        let all = 6 * N_CHUNKS;
        assert_eq!(
            told,
            BTreeMap::from([(0, all), (1, all)]),
            "with {workers} workers"
        );
    }
    Ok(())
}

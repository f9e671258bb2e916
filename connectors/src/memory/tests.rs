//! What a handle on rows in memory has after its pipeline was killed.

use millstream_engine::{EventTime, StatePlace, seconds};

use super::*;
use crate::testing::{Buckets, Killed, Random, TestedPart, numbered, sink_context};

impl TestedPart for MemoryPart {
    fn hand_over_to(&mut self, to: &mut Buckets) {
        self.held.hand_over(to);
    }
}

#[test]
fn each_row_is_there_once_however_often_the_pipeline_is_killed() {
    for seed in 0..100 {
        let memory = Memory::new();
        let times = (0..700).map(|n| EventTime::from_micros(0).plus(seconds(n)));
        let rows = numbered(times);
        Killed {
            sink: &memory,
            open: &|cx| Box::new(memory.part(cx)),
            stopped: &|| {},
            rows: &rows,
            n_kills: 10,
            n_workers_max: 4,
            loses_commits: true,
            random: Random::new(seed),
        }
        .run();
        let expected: Vec<_> = rows.into_iter().map(|row| row.values).collect();
        assert_eq!(memory.rows(), expected, "seed {seed}");
    }
}

/// A part that has staged `n`, and the name.
fn staged(memory: &Memory, cx: &SinkContext, n: i64) -> (MemoryPart, Vec<Staged>, Buckets) {
    let mut part = memory.part(cx);
    let epoch = Epoch::first_of_run(1);
    let row = SinkRow {
        time: EventTime::MIN,
        values: vec![Value::Int(n)],
    };
    part.write(epoch, &mut vec![row]).unwrap();
    assert!(part.holds_rows());
    let at = StageAt {
        epoch,
        watermark: EventTime::MIN,
        now: EventTime::MIN,
        last: false,
    };
    let staged = part.stage(at).unwrap();
    assert!(!part.holds_rows());
    let mut buckets = Buckets::default();
    part.hand_over_to(&mut buckets);
    (part, staged, buckets)
}

#[test]
fn a_bucket_lives_from_staging_to_the_snapshot_after_publishing() {
    let memory = Memory::new();
    let cx = sink_context(0, 1, &Arc::default());
    let (mut part, staged, mut buckets) = staged(&memory, &cx, 7);
    assert_eq!(buckets.names(), ["r-1-1.0-0-0"]);
    part.publish(&staged).unwrap();
    part.hand_over_to(&mut buckets);
    assert_eq!(buckets.names(), [""; 0]);
    part.hand_over_to(&mut buckets);
}

#[test]
fn two_sinks_on_one_handle_have_rows_of_their_own() {
    let memory = Memory::new();
    let first = sink_context(0, 1, &Arc::default());
    let second = SinkContext {
        name: "other".into(),
        ..first.clone()
    };
    for (cx, n) in [(&first, 1), (&second, 2)] {
        let (mut part, staged, _) = staged(&memory, cx, n);
        assert_eq!(part.publish(&staged).unwrap().len(), 1);
    }
    assert_eq!(memory.rows(), [[Value::Int(1)], [Value::Int(2)]]);
    memory.recover(&first, Epoch::default(), &[]).unwrap();
    assert_eq!(memory.rows(), [[Value::Int(2)]]);
    assert_eq!(memory.delivery(), Delivery::Idempotent);
}

#[test]
fn runs_without_snapshots_add_up() {
    let memory = Memory::new();
    let cx = SinkContext {
        place: StatePlace::none(),
        ..sink_context(0, 1, &Arc::default())
    };
    for n in 0..2 {
        let (mut part, staged, _) = staged(&memory, &cx, n);
        assert_eq!(part.publish(&staged).unwrap().len(), 1);
    }
    assert_eq!(memory.rows().len(), 2);
}

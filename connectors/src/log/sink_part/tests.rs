//! What a topic has after the pipeline that writes it was killed.

use millstream_engine::{EventTime, Sink, Value, seconds, testing::FaultStore};

use super::*;
use crate::log::{MemoryStore, TopicSettings, TopicSink};
use crate::testing::{Buckets, Killed, Random, TestedPart, numbered, sink_context};

impl TestedPart for TopicPart {
    fn hand_over_to(&mut self, to: &mut Buckets) {
        self.held.hand_over(to);
    }
}

/// Settings under which nothing is found by its id: what is found is found by reading.
fn forgetful(partitions: u32) -> TopicSettings {
    TopicSettings::new().partitions(partitions).remember_ids(0)
}

/// The numbers that are in `topic`, sorted.
fn numbers(topic: &Topic) -> Vec<i64> {
    let mut numbers = Vec::new();
    for partition in 0..topic.partitions() {
        let mut reader = topic.read(partition, 0);
        while let Some(record) = reader.next().unwrap() {
            let row: serde_json::Value = serde_json::from_slice(record.payload).unwrap();
            numbers.push(row["n"].as_i64().unwrap());
        }
    }
    numbers.sort_unstable();
    numbers
}

#[test]
fn each_row_is_there_once_however_often_the_pipeline_is_killed() {
    for seed in 0..60 {
        let store = Arc::new(MemoryStore::new());
        let topic = Topic::open_in(store, forgetful(1 + seed as u32 % 3)).unwrap();
        let sink = TopicSink::new(&topic);
        let times = (0..500).map(|n| EventTime::from_micros(0).plus(seconds(n)));
        let rows = numbered(times);
        Killed {
            sink: &sink,
            open: &|cx| Box::new(sink.part(cx).unwrap()),
            stopped: &|| {},
            rows: &rows,
            n_kills: 10,
            n_workers_max: 4,
            // What was published cannot be taken back.
            loses_commits: false,
            random: Random::new(seed),
        }
        .run();
        let expected: Vec<i64> = (0..500).collect();
        assert_eq!(numbers(&topic), expected, "seed {seed}");
    }
}

/// A row with the number `n`.
fn row(n: i64) -> SinkRow {
    SinkRow {
        time: EventTime::MIN,
        values: vec![Value::Int(n)],
    }
}

fn stage(part: &mut TopicPart, epoch: Epoch, rows: std::ops::Range<i64>) -> Vec<Staged> {
    part.write(epoch, &mut rows.map(row).collect()).unwrap();
    let at = StageAt {
        epoch,
        watermark: EventTime::MIN,
        now: EventTime::MIN,
        last: false,
    };
    part.stage(at).unwrap()
}

/// Publishes forty rows, in a topic with as many before them, while the disk breaks by `fault`; then by another process.
/// Gives how many operations the publishing took, or `None` if it broke.
fn publish_twice(fault: impl FnOnce(&FaultStore)) -> Option<u64> {
    let disk = FaultStore::new();
    let store: Arc<FaultStore> = Arc::new(disk.clone());
    let settings = || forgetful(2).segment_bytes(600);
    let topic = Topic::open_in(store.clone(), settings()).unwrap();
    let cx = sink_context(0, 1, &Arc::default());
    let mut part = TopicSink::new(&topic).part(&cx).unwrap();
    let epoch = Epoch::first_of_run(1);
    let before = stage(&mut part, epoch, 0..40);
    part.publish(&before).unwrap();
    assert!(part.note().is_none(), "all is published");

    let epoch = epoch.next();
    let staged = stage(&mut part, epoch, 40..80);
    let mut buckets = Buckets::default();
    part.hand_over_to(&mut buckets);
    let note = part.note().expect("something is staged");
    let n_before = disk.n_operations();
    fault(&disk);
    let published = part.publish(&staged);
    let n_operations = disk.n_operations() - n_before;
    // It is killed: nothing is closed in order.
    disk.fail_at(1);
    drop((part, topic));

    disk.crash();
    let topic = Topic::open_in(store, settings()).unwrap();
    let cx = sink_context(0, 1, &Arc::default());
    let mut part = TopicSink::new(&topic).part(&cx).unwrap();
    part.restore(&staged[0].0, (40..80).map(row).collect())
        .unwrap();
    part.restore_note(&note).unwrap();
    part.publish(&staged).unwrap();
    assert_eq!(numbers(&topic), (0..80).collect::<Vec<_>>());
    assert_eq!(part.publish(&staged).unwrap(), []);
    published.is_ok().then_some(n_operations)
}

#[test]
fn wherever_the_disk_breaks_what_is_published_again_is_there_once() {
    let n_operations = publish_twice(|_| {}).expect("nothing breaks");
    assert!(n_operations > 10, "{n_operations}");
    let faults = [
        FaultStore::fail_at,
        FaultStore::tear_at,
        FaultStore::lose_at,
    ];
    for n in 1..=n_operations {
        for fault in faults {
            publish_twice(|disk| fault(disk, n));
        }
    }
}

#[test]
fn the_note_is_the_least_of_what_is_staged_and_not_published() {
    let topic = Topic::open_in(Arc::new(MemoryStore::new()), forgetful(1)).unwrap();
    let cx = sink_context(0, 1, &Arc::default());
    let mut part = TopicSink::new(&topic).part(&cx).unwrap();
    let epoch = Epoch::first_of_run(1);
    let first = stage(&mut part, epoch, 0..5);
    topic
        .append_and_wait(vec![NewRecord::new("{\"n\":7}")])
        .unwrap();
    let second = stage(&mut part, epoch.next(), 5..10);
    let ends = |part: &mut TopicPart| {
        let note: Option<Note> = part.note().map(|note| serde_json::from_str(&note).unwrap());
        note.map(|note| note.ends)
    };
    assert_eq!(ends(&mut part), Some(vec![0]));
    part.publish(&first).unwrap();
    assert_eq!(ends(&mut part), Some(vec![1]));
    part.publish(&second).unwrap();
    assert_eq!(ends(&mut part), None);
    let error = part.restore_note("nonsense").unwrap_err();
    assert!(error.to_string().contains("\"nonsense\""), "{error}");
}

#[test]
fn the_topic_of_a_run_is_closed_with_its_last_part() {
    let sink = TopicSink::of_run(TopicSettings::new());
    let registry = Arc::default();
    let cxs = [0, 1].map(|worker| sink_context(worker, 2, &registry));
    // Both are of one run, so they share its state.
    let cxs = cxs.map(|cx| SinkContext {
        place: millstream_engine::StatePlace::at(Arc::new(FaultStore::new())),
        ..cx
    });
    let mut parts = cxs.map(|cx| sink.part(&cx).unwrap());
    let topic = registry.get::<Topic>("topic:out").expect("it is shared");
    let staged = stage(&mut parts[1], Epoch::first_of_run(1), 0..3);
    parts[1].publish(&staged).unwrap();
    let [first, second] = parts;
    drop(first);
    assert!(topic.append_and_wait(Vec::new()).is_ok());
    drop(second);
    assert!(topic.append_and_wait(Vec::new()).is_err());
    assert_eq!(numbers(&topic), [0, 1, 2], "it can still be read");
    assert_eq!(sink.kind(), "topic");
}

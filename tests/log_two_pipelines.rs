//! Pipelines that read one topic: each at its own pace, and each record once, however often a pipeline ends and goes on.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use anyhow::{Context, ensure};
use millstream::connectors::{
    Event, LogSource, MemoryStore, NewRecord, Progress, ReadFrom, Topic, TopicSettings,
};
use millstream::engine::{Running, Value, VirtualClock};
use millstream::prelude::*;
use millstream::testing::{FaultStore, ways};

const PATIENCE: Duration = Duration::from_secs(60);
const N_PARTITIONS: u32 = 3;

fn at(second: i64) -> EventTime {
    EventTime::from_millis(second * 1000)
}

fn topic(clock: &VirtualClock) -> anyhow::Result<Topic> {
    let settings = TopicSettings::new()
        .partitions(N_PARTITIONS)
        .clock(clock.clone());
    Ok(Topic::open_in(
        Arc::new(MemoryStore::new()),
        settings.segment_bytes(2000),
    )?)
}

/// Appends an event for each number, a few a call.
fn append(topic: &Topic, numbers: std::ops::Range<i64>) -> anyhow::Result<()> {
    let record = |n: i64| {
        let event = format!("{{\"timestamp\":\"{}\",\"data\":{n}}}", at(n));
        NewRecord::new(event).id(n.to_string())
    };
    let records: Vec<NewRecord> = numbers.map(record).collect();
    for some in records.chunks(7) {
        topic.append_and_wait(some.to_vec())?;
    }
    Ok(())
}

/// A pipeline that writes the numbers down, and the number of events after each epoch.
struct Following {
    running: Running,
    rows: Memory,
    events: Receiver<u64>,
}

impl Following {
    fn start(name: &str, topic: &Topic, from: ReadFrom) -> anyhow::Result<Self> {
        let (rows, topic) = (Memory::new(), topic.clone());
        let sink = rows.clone();
        let (seen, events) = channel();
        let running = App::new(name)
            .workers(2)
            .clock(VirtualClock::starting_at(at(10_000)))
            .epochs(millis(0), 10)
            .watch(move |run| {
                let status = run.clone();
                run.catalog().watch(move |_| {
                    // Nobody listens any more once all is there.
                    let _ = seen.send(status.status().sources[0].events);
                });
            })
            .start(move |flow| {
                let source = LogSource::new(&topic).from(from.clone());
                let events = flow
                    .source("numbers", source.decode(Json::<Event<i64>>::new()))
                    .event_time(|event| event.timestamp, Watermarks::bounded(seconds(100)));
                events
                    .window(Tumbling::of(hours(1)))
                    .aggregate("counts", |of| of.count("n"))
                    .view("counts")?;
                events
                    .columns("n", |event| event.data)
                    .sink("rows", sink.clone())
            })?;
        Ok(Following {
            running,
            rows,
            events,
        })
    }

    /// Waits until it has taken `n` events in.
    fn wait_for(&self, n: u64) -> anyhow::Result<()> {
        while self.events.recv_timeout(PATIENCE).context("it goes on")? < n {}
        Ok(())
    }

    fn stop(self) -> anyhow::Result<Vec<i64>> {
        self.running.run().stop();
        self.running.wait()?;
        Ok(numbers(&self.rows))
    }
}

fn numbers(rows: &Memory) -> Vec<i64> {
    let number = |row: Vec<Value>| match row[0] {
        Value::Int(n) => n,
        ref other => panic!("{other:?} is no number"),
    };
    rows.rows().into_iter().map(number).collect()
}

#[test]
fn one_reads_from_a_past_time_while_another_follows_the_end() -> anyhow::Result<()> {
    let clock = VirtualClock::starting_at(at(1000));
    let topic = topic(&clock)?;
    append(&topic, 0..100)?;
    clock.advance(seconds(100));
    append(&topic, 100..200)?;

    let past = Following::start("past", &topic, ReadFrom::Time(at(1001)))?;
    let tail = Following::start("tail", &topic, ReadFrom::End)?;
    past.wait_for(100)?;
    append(&topic, 200..230)?;
    tail.wait_for(30)?;
    past.wait_for(130)?;

    // Whoever appended something can tell when it was seen.
    let progress = Progress::of(past.running.run().registry(), "numbers");
    let appended = topic.append_and_wait(vec![NewRecord::new("no event").partition(1)])?;
    let (partition, end) = appended.ends[0];
    append(&topic, 230..231)?;
    past.wait_for(131)?;
    while progress.seen(partition, end).is_none() {
        std::thread::yield_now();
    }
    ensure!(progress.read_up_to(partition) >= Some(end));
    let letters = past.running.run().dead_letters();
    let letter = letters.first().context("it is a dead letter")?;
    assert_eq!((letter.partition, letter.offset), (partition, end - 1));
    assert_eq!(letter.raw, b"no event");

    assert_eq!(past.stop()?, (100..231).collect::<Vec<_>>());
    tail.wait_for(31)?;
    append(&topic, 231..240)?;
    tail.wait_for(40)?;
    assert_eq!(tail.stop()?, (200..240).collect::<Vec<_>>());
    assert_eq!(topic.readers(), ["past/numbers", "tail/numbers"]);
    topic.close()?;
    Ok(())
}

#[test]
fn each_record_counts_once_however_the_pipeline_ends_and_goes_on() -> anyhow::Result<()> {
    const N_EVENTS: i64 = 300;
    for way in ways(&[1, 2, 4]) {
        let clock = VirtualClock::starting_at(at(1000));
        let topic = topic(&clock)?;
        append(&topic, 0..N_EVENTS)?;
        let (store, rows) = (FaultStore::new(), Memory::new());
        let ran = way.run("counting", |app| {
            let (topic, sink) = (topic.clone(), rows.clone());
            app.clock(clock.clone())
                .epochs(millis(0), 8)
                .state(State::in_store(store.clone()).every(millis(0)))
                .run(move |flow| {
                    let source = LogSource::new(&topic).until_end();
                    flow.source("numbers", source.decode(Json::<Event<i64>>::new()))
                        .event_time(|event| event.timestamp, Watermarks::at_end())
                        .window(Tumbling::of(seconds(10)))
                        .aggregate("sums", |of| {
                            (of.count("n"), of.sum("sum", |event| event.data))
                        })
                        .closed()
                        .sink("rows", sink.clone())
                })
        });
        ran.with_context(|| way.to_string())?;
        let rows = rows.rows();
        let found: Vec<&[Value]> = rows.iter().map(|row| &row[2..]).collect();
        let sum = |window: i64| (window * 10..window * 10 + 10).sum();
        let expected: Vec<_> = (0..N_EVENTS / 10)
            .map(|window| [Value::Int(10), Value::Int(sum(window))])
            .collect();
        assert_eq!(found, expected, "{way}");
        let n_read: u64 = (0..N_PARTITIONS)
            .filter_map(|partition| topic.committed("counting/numbers", partition))
            .sum();
        ensure!(n_read <= N_EVENTS as u64, "{way}: {n_read}");
    }
    Ok(())
}

//! A topic that a pipeline writes, beside its state: wherever the disk breaks, each row is in it once.
//!
//! As in `fault_points`: the disk breaks at each operation, the pipeline is started again on another number of workers, and
//! the topic must hold what it holds after a run that nothing has broken.

use anyhow::{Context, ensure};
use millstream::connectors::{SyncPolicy, Topic, TopicSettings, TopicSink};
use millstream::engine::{CommitStep, StateError, Store, VirtualClock};
use millstream::prelude::*;
use millstream::testing::{Act, FaultStore, Script};

const N_CHUNKS: i64 = 6;
const CHUNK: i64 = 8;

fn at(second: i64) -> EventTime {
    EventTime::from_millis(second * 1000)
}

/// Chunks of records in two partitions, each after one more second of the clock.
fn script() -> Script<i64> {
    let chunk = |p: i64, chunk: i64| {
        let numbers = chunk * CHUNK..(chunk + 1) * CHUNK;
        let emit = move |n: i64| Act::Emit(at(n), n * 2 + p);
        std::iter::once(Act::Until(at(chunk))).chain(numbers.map(emit))
    };
    let partition = |p| (0..N_CHUNKS).flat_map(|n| chunk(p, n)).collect();
    Script::new(vec![partition(0), partition(1)])
}

/// Segments are small, and ids are forgotten at once: what is there twice is found by reading.
fn settings() -> TopicSettings {
    TopicSettings::new()
        .partitions(2)
        .segment_bytes(1000)
        .remember_ids(0)
}

fn run(store: &FaultStore, workers: usize, now: EventTime) -> Result<Report> {
    let clock = VirtualClock::starting_at(now);
    let moved = clock.clone();
    App::new("log_sink_faults")
        .workers(workers)
        .clock(clock)
        .epochs(millis(0), 9)
        .state(State::in_store(store.clone()).every(millis(0)))
        .follow_commits(move |step, _| {
            if step == CommitStep::Committed {
                moved.advance(seconds(1));
            }
            Ok(())
        })
        .run(|flow| {
            flow.source("numbers", script())
                .event_time(|(time, _)| *time, Watermarks::bounded(seconds(1)))
                .columns("n", |(_, n)| *n)
                .sink("numbers", TopicSink::of_run(settings()))
        })
}

/// The numbers in the topic, sorted.
fn numbers(store: &FaultStore) -> anyhow::Result<Vec<i64>> {
    let topic = Topic::open_in(
        store.within("sink-numbers")?,
        settings().sync(SyncPolicy::Never),
    )?;
    let mut numbers = Vec::new();
    for partition in 0..topic.partitions() {
        let mut reader = topic.read(partition, 0);
        while let Some(record) = reader.next()? {
            let row: serde_json::Value = serde_json::from_slice(record.payload)?;
            numbers.push(row["n"].as_i64().context("a number")?);
        }
    }
    numbers.sort_unstable();
    Ok(numbers)
}

#[expect(
    clippy::print_stdout,
    reason = "how much was tried is part of the result"
)]
fn check(
    name: &str,
    every: usize,
    fault: impl Fn(&FaultStore, u64),
    restart: impl Fn(&FaultStore),
) -> anyhow::Result<()> {
    let expected: Vec<i64> = (0..2 * N_CHUNKS * CHUNK).collect();
    let straight = FaultStore::new();
    run(&straight, 2, at(0))?;
    let n_operations = straight.n_operations();
    ensure!(numbers(&straight)? == expected);
    let points = (1..=n_operations).step_by(every);
    let (n_points, mut n_broken) = (points.clone().count(), 0);
    for n in points {
        let point = format!("{name} at operation {n} of {n_operations}");
        let store = FaultStore::new();
        fault(&store, n);
        if let Err(error) = run(&store, 2, at(0)) {
            n_broken += 1;
            let said = error.to_string();
            ensure!(said.contains("the disk is gone"), "{point}: {said}");
        }
        restart(&store);
        let workers = [1, 3, 4][n as usize % 3];
        match run(&store, workers, at(N_CHUNKS)) {
            // It broke when all was done.
            Ok(_) | Err(Error::State(StateError::Finished { .. })) => {}
            Err(error) => return Err(error).context(point),
        }
        let found = numbers(&store).with_context(|| point.clone())?;
        ensure!(found == expected, "{point}: {found:?}");
    }
    println!("{name}: {n_points} points of {n_operations}; the run broke at {n_broken}");
    ensure!(
        n_broken * 10 >= n_points * 8,
        "only {n_broken} of {n_points} runs broke"
    );
    Ok(())
}

#[test]
fn an_operation_that_fails() -> anyhow::Result<()> {
    check("fail", 2, FaultStore::fail_at, FaultStore::crash)
}

#[test]
fn an_operation_that_is_torn() -> anyhow::Result<()> {
    check("tear", 1, FaultStore::tear_at, FaultStore::crash)
}

#[test]
fn power_that_is_lost_after_an_operation() -> anyhow::Result<()> {
    check("lose", 1, FaultStore::lose_at, FaultStore::crash)
}

#[test]
fn a_process_that_is_killed_in_an_operation() -> anyhow::Result<()> {
    check(
        "tear, and the machine lives",
        2,
        FaultStore::tear_at,
        FaultStore::kill,
    )
}

#[test]
fn a_run_that_begins_anew_has_a_topic_that_does() -> anyhow::Result<()> {
    let store = FaultStore::new();
    run(&store, 2, at(N_CHUNKS))?;
    let all = numbers(&store)?;
    let again = run(&store, 2, at(N_CHUNKS)).expect_err("it has finished");
    ensure!(
        matches!(again, Error::State(StateError::Finished { .. })),
        "{again}"
    );
    let fresh = State::in_store(store.clone()).fresh(true);
    let report = App::new("log_sink_faults")
        .clock(VirtualClock::starting_at(at(N_CHUNKS + 1)))
        .state(fresh)
        .run(|flow| {
            flow.source("numbers", script())
                .event_time(|(time, _)| *time, Watermarks::bounded(seconds(1)))
                .columns("n", |(_, n)| *n)
                .sink("numbers", TopicSink::of_run(settings()))
        })?;
    assert_eq!(report.events, all.len() as u64);
    assert_eq!(
        numbers(&store)?,
        all,
        "what was of the old state is gone with it"
    );
    Ok(())
}

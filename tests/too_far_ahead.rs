//! An event that claims to come from too far ahead is a dead letter: measured when it arrives, or when the run started.

#[path = "support/letters.rs"]
mod letters;

use std::time::Duration;

use letters::letters_in;
use millstream::engine::{Arrival, Value, VirtualClock};
use millstream::prelude::*;
use millstream::testing::{Act, Script};

const START: i64 = 1_700_000_000_000_000;
const AHEAD: i64 = 60_000_000;
const PASSED: i64 = 100_000_000;

fn at(micros: i64) -> EventTime {
    EventTime::from_micros(START + micros)
}

/// Which of the times are taken: two around the limit at the start, two around it when some time has passed.
fn taken(arrival: Arrival, ahead: Watermarks, workers: usize) -> anyhow::Result<(Vec<i64>, u64)> {
    let times = [AHEAD, AHEAD + 1, AHEAD + PASSED, AHEAD + PASSED + 1];
    let mut acts: Vec<Act<()>> = times[..2].iter().map(|t| Act::Emit(at(*t), ())).collect();
    acts.push(Act::Until(at(PASSED)));
    acts.extend(times[2..].iter().map(|t| Act::Emit(at(*t), ())));
    let script = Script::new(vec![acts]).arrival(arrival);
    let clock = VirtualClock::starting_at(at(0));
    let memory = Memory::new();
    let sink = memory.clone();
    let (polled, polls) = std::sync::mpsc::channel();
    let running = App::new("ahead")
        .workers(workers)
        .clock(clock.clone())
        .epochs(millis(0), 65_536)
        .start(move |flow| {
            let polled = polled.clone();
            flow.source("events", script.clone())
                .event_time(|(time, ())| *time, ahead)
                .inspect(move |_| {
                    // Nobody listens any more after the first.
                    let _ = polled.send(());
                })
                .columns("at", |(time, ())| *time)
                .sink("memory", sink.clone())
        })?;
    polls.recv_timeout(Duration::from_secs(60))?;
    clock.advance(Duration::from_micros(PASSED as u64));
    let report = running.wait()?;
    let times = memory.rows().into_iter().map(|row| match row[0] {
        Value::Time(time) => time.micros() - START,
        ref other => panic!("{other:?} is no time"),
    });
    Ok((times.collect(), report.rejected))
}

#[test]
fn live_events_are_measured_when_they_arrive() -> anyhow::Result<()> {
    for workers in 1..=2 {
        let policy = Watermarks::bounded(seconds(0));
        let of_a_minute = policy.max_ahead(minutes(1));
        for policy in [policy, of_a_minute] {
            let (times, rejected) = taken(Arrival::Now, policy, workers)?;
            assert_eq!(times, [AHEAD, AHEAD + PASSED]);
            assert_eq!(rejected, 2);
        }
    }
    Ok(())
}

#[test]
fn events_of_files_are_measured_when_the_run_starts() -> anyhow::Result<()> {
    for workers in 1..=2 {
        let policy = Watermarks::bounded(seconds(0)).max_ahead(minutes(1));
        let (times, rejected) = taken(Arrival::AtStart, policy, workers)?;
        assert_eq!(times, [AHEAD]);
        assert_eq!(rejected, 3);
    }
    Ok(())
}

#[test]
fn made_up_events_are_not_measured() -> anyhow::Result<()> {
    let policy = Watermarks::bounded(seconds(0)).max_ahead(seconds(0));
    assert_eq!(taken(Arrival::MadeUp, policy, 1)?.0.len(), 4);
    Ok(())
}

#[test]
fn a_line_of_a_file_that_is_too_far_ahead_is_a_dead_letter() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("times.ndjson");
    let line = |micros: i64| format!("{{\"timestamp\":\"{}\",\"data\":1}}\n", at(micros));
    std::fs::write(&path, [AHEAD, AHEAD + 1].map(line).concat())?;
    let letters = Memory::new();
    let report = App::new("ahead")
        .workers(1)
        .clock(VirtualClock::starting_at(at(0)))
        .dead_letters(letters.clone())
        .run(move |flow| {
            let json = Json::<Event<u32>>::new();
            flow.source(
                "files",
                NdjsonFiles::new(path.to_str().expect("text")).decode(json),
            )
            .event_time(|e| e.timestamp, Watermarks::bounded(seconds(0)))
            .columns("n", |e| e.data)
            .sink("memory", Memory::new())
        })?;
    assert_eq!((report.events, report.rejected), (1, 1));
    let letters = letters_in(&letters);
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].event_time, Some(at(AHEAD + 1)));
    assert!(
        letters[0].reason.contains("Watermarks::max_ahead"),
        "{}",
        letters[0].reason
    );
    Ok(())
}

//! To the microsecond: when a window ends, when it is final, and from when on a record is late for it.

use std::sync::mpsc::channel;
use std::time::Duration;

use millstream::engine::{Value, VirtualClock};
use millstream::prelude::*;
use millstream::testing::{Act, Script};

const SECOND: i64 = 1_000_000;
/// When the window of the first ten seconds is final: at its end and five seconds of lateness.
const CLOSE: i64 = 15 * SECOND;
const AT_MOST: Duration = Duration::from_secs(20);

fn at(micros: i64) -> EventTime {
    EventTime::from_micros(micros)
}

fn window() -> Tumbling {
    Tumbling::of(seconds(10)).lateness(seconds(5))
}

/// How many of a partition's records, timed so, are late.
fn late(workers: usize, records: usize, times: &[i64]) -> anyhow::Result<u64> {
    let acts = times.iter().map(|time| Act::Emit(at(*time), ())).collect();
    let script = Script::new(vec![acts]);
    let report = App::new("late")
        .workers(workers)
        .clock(VirtualClock::starting_at(at(0)))
        .epochs(millis(0), records)
        .run(move |flow| {
            flow.source("events", script.clone())
                .event_time(|(time, ())| *time, Watermarks::bounded(seconds(0)))
                .window(window())
                .aggregate("counts", |of| of.count("n"))
                .view("counts")
        })?;
    Ok(report.late)
}

#[test]
fn late_by_its_own_partition() -> anyhow::Result<()> {
    for workers in 1..=2 {
        for records in [1, 65_536] {
            let last = 10 * SECOND - 1;
            let late = |newest| late(workers, records, &[SECOND, newest, 5 * SECOND, last]);
            assert_eq!(
                late(CLOSE - 1)?,
                0,
                "{workers} workers, epochs of {records}"
            );
            assert_eq!(late(CLOSE)?, 2, "{workers} workers, epochs of {records}");
            let next = [SECOND, CLOSE, last + 1];
            assert_eq!(
                self::late(workers, records, &next)?,
                0,
                "it is of the next window"
            );
        }
    }
    Ok(())
}

/// The same for one that was idle while another partition moved the watermark to `reached`.
fn late_after_a_pause(workers: usize, reached: i64) -> anyhow::Result<(u64, Vec<Value>)> {
    let clock = VirtualClock::starting_at(at(0));
    let memory = Memory::new();
    let sink = memory.clone();
    let pausing = vec![
        Act::Emit(at(SECOND), ()),
        Act::Until(at(1)),
        Act::Emit(at(5 * SECOND), ()),
    ];
    let script = Script::new(vec![
        pausing,
        vec![Act::Emit(at(reached), ()), Act::Until(at(1))],
    ]);
    let (published, watermarks) = channel();
    let running = App::new("late")
        .workers(workers)
        .clock(clock.clone())
        .epochs(millis(0), 65_536)
        .watch(move |run| {
            run.catalog().watch(move |snapshot| {
                // Nobody listens any more once it has come so far.
                let _ = published.send(snapshot.views["counts"].watermark);
            })
        })
        .start(move |flow| {
            let at_once = Watermarks::bounded(seconds(0)).idle_after(seconds(0));
            let counts = flow
                .source("events", script.clone())
                .event_time(|(time, ())| *time, at_once)
                .window(window())
                .aggregate("counts", |of| of.count("n"));
            counts.view("counts")?;
            counts.closed().sink("memory", sink.clone())
        })?;
    while watermarks.recv_timeout(AT_MOST)? < at(reached) {}
    // Too little for the watermark to follow the wall clock.
    clock.advance(Duration::from_micros(1));
    let late = running.wait()?.late;
    let of_first = memory
        .rows()
        .into_iter()
        .filter(|row| row[0] == Value::Time(at(0)));
    Ok((late, of_first.map(|row| row[2].clone()).collect()))
}

#[test]
fn late_by_the_others_after_a_pause() -> anyhow::Result<()> {
    for workers in 1..=3 {
        let (late, counts) = late_after_a_pause(workers, CLOSE - 1)?;
        assert_eq!(
            (late, counts),
            (0, vec![Value::Int(2)]),
            "{workers} workers"
        );
        let (late, counts) = late_after_a_pause(workers, CLOSE)?;
        assert_eq!(
            (late, counts),
            (1, vec![Value::Int(1)]),
            "{workers} workers"
        );
    }
    Ok(())
}

#[test]
fn a_window_ends_and_is_final_when_the_watermark_is_there() -> anyhow::Result<()> {
    for workers in 1..=2 {
        for (newest, stages) in [
            (10 * SECOND - 1, vec![]),
            (10 * SECOND, vec![Stage::Ended]),
            (CLOSE - 1, vec![Stage::Ended]),
            (CLOSE, vec![Stage::Ended, Stage::Final]),
        ] {
            let acts = [SECOND, newest].map(|time| Act::Emit(at(time), ()));
            let script = Script::new(vec![[&acts[..], &[Act::Rest]].concat()]);
            let (seen, stages_seen) = channel();
            let (published, watermarks) = channel();
            let running = App::new("ends")
                .workers(workers)
                .clock(VirtualClock::starting_at(at(0)))
                .epochs(millis(0), 65_536)
                .watch(move |run| {
                    run.catalog().watch(move |snapshot| {
                        // Nobody listens any more once it has come so far.
                        let _ = published.send(snapshot.views["counts"].watermark);
                    })
                })
                .start(move |flow| {
                    let counts = flow
                        .source("events", script.clone())
                        .event_time(|(time, ())| *time, Watermarks::bounded(seconds(0)))
                        .window(window())
                        .aggregate("counts", |of| of.count("n"));
                    for rows in [counts.on_close(), counts.closed()] {
                        let seen = seen.clone();
                        rows.inspect(move |row| {
                            if row.window.start == at(0) {
                                seen.send(row.stage).expect("the test listens");
                            }
                        });
                    }
                    counts.view("counts")
                })?;
            while watermarks.recv_timeout(AT_MOST)? < at(newest) {}
            running.run().stop();
            running.wait()?;
            let mut seen: Vec<_> = stages_seen.into_iter().collect();
            seen.sort();
            assert_eq!(seen, stages, "{workers} workers, at {newest}");
        }
    }
    Ok(())
}

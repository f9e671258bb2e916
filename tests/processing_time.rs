//! Records can be timed by when they are taken in: then time moves with the clock of the run, whatever comes.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use millstream::engine::{Report, Snapshot, Value, VirtualClock};
use millstream::prelude::*;
use millstream::testing::{Act, FaultStore, Script};

const START: i64 = 1_700_000_000 / 60 * 60;

fn at(second: i64) -> EventTime {
    EventTime::from_millis((START + second) * 1000)
}

/// What a record says of its own time is nothing here: it says the year 1970.
fn emit(value: u32) -> Act<u32> {
    Act::Emit(EventTime::from_micros(0), value)
}

/// Waits for a snapshot in which `wanted` holds.
fn wait_for(
    snapshots: &Receiver<Arc<Snapshot>>,
    wanted: impl Fn(&Snapshot) -> bool,
) -> Arc<Snapshot> {
    loop {
        let snapshot = snapshots
            .recv_timeout(Duration::from_secs(60))
            .expect("a snapshot in time");
        if wanted(&snapshot) {
            return snapshot;
        }
    }
}

/// The rows of the view, oldest first: second at which the window starts, records, and whether it is final.
fn rows(snapshot: &Snapshot) -> Vec<(i64, i64, bool)> {
    let row = |values: &Arc<[Value]>| match values[..] {
        [Value::Time(start), _, Value::Int(n), Value::Bool(is_final)] => {
            (start.micros() / 1_000_000 - START, n, is_final)
        }
        _ => panic!("{values:?}"),
    };
    let mut rows: Vec<_> = snapshot.views["counts"]
        .rows()
        .map(|(_, values)| row(values))
        .collect();
    rows.reverse();
    rows
}

fn pipeline(flow: &mut Flow<'_>, script: &Script<u32>) -> Result<()> {
    flow.source("numbers", script.clone())
        .processing_time()
        .window(Tumbling::of(seconds(10)))
        .aggregate("counts", |of| of.count("n"))
        .view("counts")
}

#[test]
fn records_fall_into_the_windows_they_came_in_and_these_close_by_themselves() -> anyhow::Result<()>
{
    for workers in 1..=3 {
        let sending = vec![
            emit(1),
            emit(2),
            Act::Until(at(4)),
            emit(3),
            Act::Until(at(25)),
            emit(4),
            Act::Rest,
        ];
        let held = vec![Act::Held(at(9)), Act::Rest];
        let script = Script::new(vec![sending, vec![Act::Rest], held]);
        let clock = VirtualClock::starting_at(at(0));
        let (published, snapshots) = channel();
        let running = App::new("processing")
            .workers(workers)
            .clock(clock.clone())
            .epochs(millis(0), 65_536)
            .watch(move |run| {
                run.catalog().watch(move |snapshot| {
                    let _ = published.send(Arc::clone(snapshot));
                })
            })
            .start(move |flow| pipeline(flow, &script))?;
        wait_for(&snapshots, |seen| rows(seen) == [(0, 2, false)]);
        clock.advance(seconds(4));
        wait_for(&snapshots, |seen| rows(seen) == [(0, 3, false)]);

        // Nothing comes any more, from anyone; and yet time goes on, a second at a time or more.
        clock.advance(seconds(5));
        let open = wait_for(&snapshots, |seen| seen.views["counts"].watermark == at(9));
        assert_eq!(rows(&open), [(0, 3, false)]);
        clock.advance(seconds(1));
        let closed = wait_for(&snapshots, |seen| rows(seen) == [(0, 3, true)]);
        assert_eq!(closed.views["counts"].watermark, at(10));
        let status = running.run().status();
        let reason = &status.sources[0].partitions[1].reason;
        assert!(reason.contains("the clock of the run"), "{reason}");

        clock.advance(seconds(15));
        wait_for(&snapshots, |seen| {
            rows(seen) == [(0, 3, true), (20, 1, false)]
        });
        running.run().stop();
        let report = running.wait()?;
        assert_eq!((report.events, report.late), (4, 0));
    }
    Ok(())
}

#[test]
fn each_key_has_its_windows_and_the_end_of_the_input_closes_them() -> anyhow::Result<()> {
    for workers in 1..=3 {
        let memory = Memory::new();
        let sink = memory.clone();
        let partitions = vec![vec![emit(1), emit(2)], vec![emit(1)], vec![]];
        let script = Script::new(partitions);
        let report = App::new("keys")
            .workers(workers)
            .clock(VirtualClock::starting_at(at(33)))
            .run(move |flow| {
                flow.source("numbers", script.clone())
                    .processing_time()
                    .map(|(_, number)| number)
                    .key_by("number", |number| number)
                    .window(Tumbling::of(seconds(10)))
                    .aggregate("counts", |of| of.count("n"))
                    .closed()
                    .sink("rows", sink.clone())
            })?;
        let mut rows = memory.rows();
        rows.sort();
        let row = |number, n| {
            let window = [at(30), at(40)].map(Value::Time);
            [&window[..], &[Value::Int(number), Value::Int(n)]].concat()
        };
        assert_eq!(rows, [row(1, 2), row(2, 1)]);
        assert_eq!(report.late, 0);
    }
    Ok(())
}

#[test]
fn on_a_real_clock_too_a_window_closes_by_itself() -> anyhow::Result<()> {
    let (published, snapshots) = channel();
    let script = Script::new(vec![vec![emit(1), emit(2), Act::Rest], vec![Act::Rest]]);
    let running = App::new("real")
        .workers(2)
        .watch(move |run| {
            run.catalog().watch(move |snapshot| {
                let _ = published.send(Arc::clone(snapshot));
            })
        })
        .start(move |flow| {
            flow.source("numbers", script.clone())
                .processing_time()
                .window(Tumbling::of(millis(200)))
                .aggregate("counts", |of| of.count("n"))
                .view("counts")
        })?;
    let rows = wait_for(&snapshots, |seen| {
        let mut rows = rows(seen).into_iter().peekable();
        rows.peek().is_some() && rows.all(|(_, _, is_final)| is_final)
    });
    assert_eq!(self::rows(&rows).iter().map(|row| row.1).sum::<i64>(), 2);
    running.run().stop();
    running.wait()?;
    Ok(())
}

/// The clock of a run and its workers.
type On = (VirtualClock, usize);

/// A run; when it has shown the rows that are wanted first, its clock moves on, and when it has shown those that are wanted
/// then, it is stopped. Without any it ends by itself. Gives the report, and the rows that were shown last.
fn run(
    store: &FaultStore,
    (clock, workers): On,
    partitions: Vec<Vec<Act<u32>>>,
    wanted: &[(&[(i64, i64, bool)], u64)],
) -> anyhow::Result<(Report, Vec<(i64, i64, bool)>)> {
    let (published, snapshots) = channel();
    let script = Script::new(partitions);
    let running = App::new("again")
        .workers(workers)
        .clock(clock.clone())
        .epochs(millis(0), 65_536)
        .state(State::in_store(store.clone()))
        .watch(move |run| {
            run.catalog().watch(move |snapshot| {
                let _ = published.send(Arc::clone(snapshot));
            })
        })
        .start(move |flow| pipeline(flow, &script))?;
    for (wanted, moves) in wanted {
        wait_for(&snapshots, |seen| rows(seen) == *wanted);
        clock.advance(seconds(*moves));
    }
    if !wanted.is_empty() {
        running.run().stop();
    }
    let run = running.run().clone();
    let report = running.wait()?;
    let last = run.catalog().snapshot();
    Ok((report, rows(&last)))
}

#[test]
fn after_a_restart_time_goes_on_from_now_and_never_back() -> anyhow::Result<()> {
    // The clock of the second run: later; and set back, though for those who follow it is 112 already.
    for (clock, expected) in [(at(200), (200, 1, true)), (at(50), (110, 1, true))] {
        for workers in 1..=3 {
            let store = FaultStore::new();
            // The second partition ends at 105, and has more when it is read again.
            let before = vec![vec![Act::Rest], vec![emit(1), emit(2)]];
            let on = (VirtualClock::starting_at(at(105)), 2);
            let shown: [(&[_], _); 2] = [(&[(100, 2, false)], 7), (&[(100, 2, true)], 0)];
            run(&store, on, before, &shown)?;

            let after = vec![vec![], vec![emit(1), emit(2), emit(3)]];
            let on = (VirtualClock::starting_at(clock), workers);
            let (report, last) = run(&store, on, after, &[])?;
            assert_eq!((report.events, report.late), (3, 0), "from {clock}");
            assert_eq!(last, [(100, 2, true), expected], "from {clock}");
        }
    }
    Ok(())
}

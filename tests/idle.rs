//! A window closes also when traffic stops, exactly when it should, and the program says why it is still open.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use millstream::engine::{Snapshot, Value, VirtualClock};
use millstream::prelude::*;
use millstream::testing::{Act, Script};

const START: i64 = 1_700_000_000 / 60 * 60;

fn at(second: i64) -> EventTime {
    EventTime::from_millis((START + second) * 1000)
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

fn finals(snapshot: &Snapshot) -> Vec<bool> {
    let rows = snapshot.views["counts"].rows();
    rows.map(|(_, values)| matches!(values.last(), Some(Value::Bool(true))))
        .collect()
}

/// One source sends for 20 s and ends; another one never sends anything.
fn pipeline(flow: &mut Flow<'_>) -> Result<()> {
    let policy = Watermarks::bounded(seconds(5)).idle_after(seconds(10));
    let sent = Script::new(vec![(0..=20).map(|s| Act::Emit(at(s), 1_u32)).collect()]);
    let silent = Script::new(vec![vec![Act::Rest], vec![Act::Rest]]);
    let sent = flow
        .source("sent", sent)
        .event_time(|(time, _)| *time, policy);
    let silent = flow
        .source("silent", silent)
        .event_time(|(time, _)| *time, policy);
    sent.merge(&silent)
        .window(Tumbling::of(minutes(1)).lateness(seconds(30)))
        .aggregate("counts", |of| of.count("n"))
        .view("counts")
}

fn check(workers: usize) -> anyhow::Result<()> {
    let clock = VirtualClock::starting_at(at(20));
    let (published, snapshots) = channel();
    let running = App::new("idle")
        .workers(workers)
        .clock(clock.clone())
        .epochs(millis(0), 65_536)
        .watch(move |run| {
            run.catalog().watch(move |snapshot| {
                let _ = published.send(Arc::clone(snapshot));
            })
        })
        .start(pipeline)?;
    let first = wait_for(&snapshots, |snapshot| !finals(snapshot).is_empty());
    assert_eq!(finals(&first), [false], "shown while it is open");
    let step = |status: millstream::engine::PipelineStatus| {
        status.steps.into_iter().find(|s| s.kind == "window")
    };
    let waits_for = step(running.run().status())
        .expect("a window")
        .waits_for
        .expect("it is open");
    assert!(
        waits_for.contains("the oldest window is final when the watermark reaches"),
        "{waits_for}"
    );

    // After 10 s all are idle, and the watermark goes on from 15 s: it is at 90 s after another 75 s, not before.
    clock.advance(seconds(10));
    wait_for(&snapshots, |snapshot| {
        snapshot.views["counts"].watermark >= at(15)
    });
    clock.advance(seconds(74));
    let open = wait_for(&snapshots, |snapshot| {
        snapshot.views["counts"].watermark >= at(89)
    });
    assert_eq!(
        finals(&open),
        [false],
        "the watermark stands at {}",
        open.views["counts"].watermark
    );
    let status = running.run().status();
    assert!(
        status.sources[1].partitions[0].reason.contains("idle"),
        "{:?}",
        status.sources[1]
    );
    clock.advance(seconds(1));
    let closed = wait_for(&snapshots, |snapshot| finals(snapshot) == [true]);
    assert_eq!(closed.views["counts"].watermark, at(90));

    running.run().stop();
    assert_eq!(running.wait()?.events, 21);
    Ok(())
}

#[test]
fn a_window_closes_by_itself_when_traffic_stops() -> anyhow::Result<()> {
    (1..=3).try_for_each(check)
}

/// What a step says that it waits for, whose sessions can be corrected for so long.
fn session_waits_for(lateness: Duration) -> anyhow::Result<String> {
    let (published, snapshots) = channel();
    let running = App::new("sessions")
        .workers(1)
        .clock(VirtualClock::starting_at(at(0)))
        .epochs(millis(0), 65_536)
        .watch(move |run| {
            run.catalog().watch(move |snapshot| {
                // Nobody listens any more once there is a row.
                let _ = published.send(Arc::clone(snapshot));
            })
        })
        .start(move |flow| {
            flow.source(
                "sent",
                Script::new(vec![vec![Act::Emit(at(0), 1_u32), Act::Rest]]),
            )
            .event_time(|(time, _)| *time, Watermarks::bounded(seconds(5)))
            .window(Session::gap(seconds(10)).lateness(lateness))
            .aggregate("counts", |of| of.count("n"))
            .view("counts")
        })?;
    wait_for(&snapshots, |snapshot| !finals(snapshot).is_empty());
    let mut steps = running.run().status().steps.into_iter();
    let step = steps.find(|step| step.kind == "window");
    running.run().stop();
    running.wait()?;
    let waits_for = step.and_then(|step| step.waits_for);
    anyhow::Context::context(waits_for, "it is open")
}

#[test]
fn what_a_session_waits_for_is_told_with_the_lateness_it_was_given() -> anyhow::Result<()> {
    for (lateness, told) in [
        (seconds(30), "its end and 30 s of lateness"),
        (seconds(0), "its end and 0 s of lateness"),
    ] {
        let waits_for = session_waits_for(lateness)?;
        assert!(waits_for.contains(told), "{waits_for}");
    }
    Ok(())
}

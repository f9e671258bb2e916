//! A view keeps the rows of a window for as long as it was told, and says from when on it has everything.

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use millstream::engine::{Snapshot, Value, VirtualClock};
use millstream::prelude::*;
use millstream::testing::{Act, Script};

const WINDOW: i64 = 10;
const KEEP: i64 = 30;
const N_SECONDS: i64 = 200;

fn at(second: i64) -> EventTime {
    EventTime::from_millis(second * 1000)
}

/// One event a second, one epoch each; each window has a key of its own, so that workers keep different ones.
fn snapshots(
    workers: usize,
    settings: ViewSettings,
    then: Option<Act<()>>,
) -> anyhow::Result<Vec<Arc<Snapshot>>> {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let taken = Arc::clone(&seen);
    let (publish, snapshots) = channel();
    let running = App::new("keeps")
        .workers(workers)
        .clock(VirtualClock::starting_at(at(0)))
        .epochs(millis(0), 1)
        .watch(move |run| {
            run.catalog().watch(move |snapshot| {
                taken
                    .lock()
                    .expect("no one panics with it")
                    .push(Arc::clone(snapshot));
                // Nobody listens any more once the last is there.
                let _ = publish.send(snapshot.views["counts"].watermark);
            })
        })
        .start(move |flow| {
            let ticks = (0..N_SECONDS).map(|s| Act::Emit(at(s), ()));
            let script = Script::new(vec![ticks.chain(then.clone()).collect()]);
            flow.source("ticks", script)
                .event_time(|(time, ())| *time, Watermarks::bounded(seconds(0)))
                .key_with("window", |(time, ())| time.micros() / 1_000_000 / WINDOW)
                .window(Tumbling::of(seconds(WINDOW as u64)))
                .aggregate("counts", |of| of.count("n"))
                .view_with("counts", settings)
        })?;
    while snapshots.recv_timeout(Duration::from_secs(60))? < at(N_SECONDS - 1) {}
    running.run().stop();
    running.wait()?;
    let seen = std::mem::take(&mut *seen.lock().expect("no one panics with it"));
    Ok(seen)
}

/// When the windows in the view end, in seconds, the newest first.
fn ends(snapshot: &Snapshot) -> Vec<i64> {
    let end = |window: Window| window.end.micros() / 1_000_000;
    let rows = snapshot.views["counts"].rows();
    rows.map(|(key, _)| end(key.window.expect("it is windowed")))
        .collect()
}

#[test]
fn exactly_the_windows_that_are_to_be_kept() -> anyhow::Result<()> {
    for workers in 1..=3 {
        let settings = ViewSettings::default().keep(seconds(KEEP as u64));
        let seen = snapshots(workers, settings, Some(Act::Rest))?;
        let mut n_checked = 0;
        let mut retained_from = None;
        for snapshot in &seen {
            let view = &snapshot.views["counts"];
            let Some(now) = view.watermark.finite().map(|at| at.micros() / 1_000_000) else {
                continue;
            };
            let newest = (now / WINDOW + 1) * WINDOW;
            let kept = (1..=newest / WINDOW).rev().map(|n| n * WINDOW);
            let kept: Vec<_> = kept.filter(|end| *end >= now - KEEP).collect();
            assert_eq!(ends(snapshot), kept, "{workers} workers, at {now} s");

            // Every ten seconds one leaves, when it was to be kept a second ago for the last time.
            if now - KEEP > WINDOW && (now - KEEP) % WINDOW == 1 {
                retained_from = Some(at(now - KEEP));
            }
            assert_eq!(
                view.retained_from, retained_from,
                "{workers} workers, at {now} s"
            );
            n_checked += 1;
        }
        assert!(n_checked > 100, "{n_checked} snapshots were checked");
        assert_eq!(retained_from, Some(at(161)));
    }
    Ok(())
}

#[test]
fn an_hour_unless_told_otherwise() -> anyhow::Result<()> {
    let seen = snapshots(2, ViewSettings::default(), Some(Act::Rest))?;
    let last = seen.last().expect("there are many");
    assert_eq!(ends(last).len() as i64, N_SECONDS / WINDOW);
    assert_eq!(last.views["counts"].retained_from, None);
    Ok(())
}

#[test]
fn the_end_of_the_input_forgets_nothing() -> anyhow::Result<()> {
    for workers in 1..=2 {
        let settings = ViewSettings::default().keep(seconds(KEEP as u64));
        let seen = snapshots(workers, settings, None)?;
        let last = seen.last().expect("there are many");
        assert_eq!(last.views["counts"].watermark, EventTime::MAX);
        assert_eq!(ends(last), [200, 190, 180, 170]);
        let mut rows = last.views["counts"].rows();
        assert!(rows.all(|(_, values)| values.last() == Some(&Value::Bool(true))));
    }
    Ok(())
}

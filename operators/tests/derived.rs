//! What is made of the rows of windows: windows over windows, whatever else they are merged with, and sinks.

#[path = "support/script.rs"]
mod script;

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use millstream_engine::{App, EventTime, Value, VirtualClock, Watermarks, hours, millis, seconds};
use millstream_operators::{Filter, KeyBy, Map, Tumbling, Windows};
use script::{Act, Kept, Script, Told, ends};

fn at(seconds: i64) -> EventTime {
    EventTime::from_millis(seconds * 1000)
}

fn app(workers: usize, clock: &VirtualClock) -> App {
    App::new("derived")
        .workers(workers)
        .clock(clock.clone())
        .epochs(millis(0), 64)
}

/// A source whose traffic has stopped still has a window open; it is merged with one that is far ahead.
fn check(workers: usize) {
    let clock = VirtualClock::starting_at(at(20));
    let (published, snapshots) = channel();
    let running = app(workers, &clock)
        .watch(move |run| {
            let watch = move |snapshot: &_| drop(published.send(Arc::clone(snapshot)));
            run.catalog().watch(watch);
        })
        .start(|flow| {
            let stops = (0..=20).map(|s| Act::Emit(at(s), 1)).chain([Act::Rest]);
            let goes_on = vec![Act::Emit(at(100), 1), Act::Rest];
            let policy = Watermarks::bounded(seconds(0));
            let stops = flow
                .source("stops", Script(vec![stops.collect()]))
                .event_time(|(time, _)| *time, policy.idle_after(seconds(10)));
            let goes_on = flow
                .source("goes_on", Script(vec![goes_on]))
                .event_time(|(time, _)| *time, policy.idle_after(hours(10)));
            let tens = stops
                .window(Tumbling::of(seconds(10)).lateness(seconds(5)))
                .aggregate("tens", |of| of.count("n"));
            tens.view("tens")?;
            tens.closed()
                .map(|row| row.values)
                .merge(&goes_on.map(|_| 0))
                .window(Tumbling::of(seconds(10)))
                .aggregate("sums", |of| of.sum("n", |n| *n as i64))
                .view("sums")
        })
        .expect("it starts");
    let next = || {
        let snapshot = snapshots.recv_timeout(Duration::from_secs(20));
        snapshot.expect("an idle source says so every second")
    };
    while next().views["tens"].n_rows() < 3 {}
    clock.advance(seconds(9));
    loop {
        clock.advance(seconds(1));
        let snapshot = next();
        let finals = |view: &str| {
            let rows = snapshot.views[view].rows();
            let last = rows.map(|(_, values)| values.last() == Some(&Value::Bool(true)));
            last.collect::<Vec<_>>()
        };
        assert_eq!(
            running.run().status().steps.iter().map(|s| s.late).max(),
            Some(0)
        );
        // The silent one holds no one up for longer than it has a window open.
        if finals("tens") == [true; 3] && snapshot.views["sums"].watermark == at(100) {
            assert_eq!(finals("sums"), [false, true, true, true]);
            break;
        }
    }
    running.run().stop();
    running.wait().expect("it is stopped");
}

#[test]
fn rows_of_a_source_that_fell_silent_are_not_late() {
    (1..=3).for_each(check);
}

#[test]
fn no_row_is_earlier_than_a_sink_was_told() {
    let kept = Kept::default();
    let sink = kept.clone();
    let partition = (0..40).map(|s| Act::Emit(at(s), 1)).collect();
    let script = Script(vec![partition]);
    ends(
        app(1, &VirtualClock::starting_at(at(0))).epochs(millis(0), 1),
        move |flow| {
            flow.source("ticks", script.clone())
                .event_time(|(time, _)| *time, Watermarks::bounded(seconds(0)))
                .window(Tumbling::of(seconds(10)).lateness(seconds(3)))
                .aggregate("tens", |of| of.count("n"))
                .closed()
                .sink("kept", sink.clone())
        },
    )
    .expect("it ends by itself");
    let mut told = EventTime::MIN;
    let mut seen = Vec::new();
    for entry in kept.log() {
        match entry {
            Told::Stage(watermark) => {
                told = watermark;
                seen.push(watermark);
            }
            Told::Row(time) => assert!(time >= told, "a row of {time} after {told}"),
        }
    }
    seen.dedup();
    let expected = [at(-10), at(0), at(10), at(20), at(30), EventTime::MAX];
    assert_eq!(seen, expected);
}

/// Four partitions that wander at their own pace, some records far behind.
fn wandering() -> Script<u32> {
    let mut state = 1_u64;
    let mut random = move |n: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) % n
    };
    let partition = |p: u64| {
        let mut now = 0;
        let act = |_| {
            now += random(200 + 100 * p);
            let back = if random(10) == 0 { random(30_000) } else { 0 };
            let time = EventTime::from_millis(now as i64 - back as i64);
            Act::Emit(time, random(7) as u32)
        };
        (0..500).map(act).collect()
    };
    Script([0, 1, 2, 3].map(partition).into())
}

/// The rows of windows over windows, merged with what they were made of; what each key came to by all other ways.
fn nested(workers: usize, records: usize) -> Vec<Vec<Vec<Value>>> {
    let kept: [Kept; 4] = Default::default();
    let sinks = kept.clone();
    let clock = VirtualClock::starting_at(at(0));
    let app = app(workers, &clock).epochs(millis(0), records);
    let report = ends(app, move |flow| {
        let policy = Watermarks::bounded(seconds(3)).idle_after(hours(1));
        let values = flow
            .source("wandering", wandering())
            .event_time(|(time, _)| *time, policy)
            .map(|(_, n)| n);
        let tens = values
            .key_by("key", |n| n)
            .window(Tumbling::of(seconds(10)).lateness(seconds(4)))
            .aggregate("tens", |of| of.count("n"));
        tens.closed().sink("closed", sinks[0].clone())?;
        tens.changes().sink("changes", sinks[1].clone())?;
        tens.on_close().sink("on_close", sinks[2].clone())?;
        let ones = values
            .filter(|n| *n == 1)
            .merge(&values.filter(|n| *n != 1));
        tens.closed()
            .map(|row| row.values as u32)
            .merge(&ones.map(|_| 1000))
            .window(Tumbling::of(seconds(15)))
            .aggregate("sums", |of| {
                (of.count("rows"), of.sum("n", |n| i64::from(*n)))
            })
            .closed()
            .sink("sums", sinks[3].clone())
    })
    .expect("it ends by itself");
    assert!(report.late > 0, "some come too late");
    let last_by_key = |rows: Vec<Vec<Value>>| {
        let mut last = std::collections::BTreeMap::new();
        for row in rows {
            last.insert((row[0].clone(), row[2].clone()), row[3].clone());
        }
        last.into_iter().map(|((w, k), v)| vec![w, k, v]).collect()
    };
    let [closed, changes, on_close, sums] = kept.map(|kept| kept.rows());
    // Counts only grow, and rows are sorted: the last of a key is what came last.
    vec![closed, last_by_key(changes), last_by_key(on_close), sums]
}

#[test]
fn neither_workers_nor_epochs_change_what_is_made_of_windows() {
    let expected = nested(1, 65_536);
    assert!(expected.iter().all(|rows| !rows.is_empty()));
    for (workers, records) in [(1, 1), (1, 50), (2, 1), (2, 65_536), (3, 7), (3, 500)] {
        let rows = nested(workers, records);
        assert_eq!(
            rows, expected,
            "{workers} workers, {records} records an epoch"
        );
    }
    assert_eq!(expected[1], expected[2]);
}

#[test]
fn what_changed_as_a_window_ended_is_a_change_too() {
    let kept: [Kept; 2] = Default::default();
    let sinks = kept.clone();
    let partition = [1, 12, 13, 14].map(|s| Act::Emit(at(s), "text".to_owned()));
    let script = Script(vec![partition.into()]);
    let clock = VirtualClock::starting_at(at(0));
    let noted = Arc::new(Mutex::new(None));
    let run = Arc::clone(&noted);
    let app = app(1, &clock).epochs(millis(0), 2);
    ends(
        app.watch(move |run| *noted.lock().expect("no one panics with it") = Some(run.clone())),
        move |flow| {
            let tens = flow
                .source("texts", script.clone())
                .event_time(|(time, _)| *time, Watermarks::bounded(seconds(0)))
                .window(Tumbling::of(seconds(10)).lateness(seconds(60)))
                .aggregate("tens", |of| of.count_distinct("texts", |(_, text)| text));
            tens.changes().sink("changes", sinks[0].clone())?;
            tens.on_close().sink("on_close", sinks[1].clone())
        },
    )
    .expect("it ends by itself");
    let of_first = |kept: &Kept| {
        let rows = kept.rows().into_iter();
        let of_first = rows.filter(|row| row[0] == Value::Time(at(0)));
        of_first.map(|row| row[2..].to_vec()).collect::<Vec<_>>()
    };
    let row = |last| vec![Value::Int(1), Value::Bool(last)];
    assert_eq!(
        of_first(&kept[0]),
        [row(false), row(true)],
        "shown, then final"
    );
    assert_eq!(of_first(&kept[1]), [row(false)], "not corrected");
    let status = run
        .lock()
        .expect("no one panics with it")
        .take()
        .expect("it ran")
        .status();
    let window = status.steps.iter().find(|step| step.kind == "window");
    assert_eq!(
        window.map(|step| step.state_bytes),
        Some(0),
        "state goes away"
    );
}

//! The main job is killed while it serves: its views are there again before it says that it is ready.
#![cfg(unix)]

#[path = "support/job.rs"]
mod job;
#[path = "support/live.rs"]
mod live;
#[path = "support/process.rs"]
mod process;

use std::sync::mpsc::{Sender, channel};

use live::Live;
use millstream::engine::{BoxError, Epoch, Service, VirtualClock};
use millstream::prelude::*;
use millstream::testing::{Act, FaultStore, Script};
use serde_json::Value;

const PAGES: &str = "/v1/views/pages_per_minute?limit=10000";
const POSTED: &str = "/v1/views/pages_per_minute?url=/posted";
const N_KILLS: usize = 4;

fn epoch_of(text: &Value) -> Epoch {
    let text = text.as_str().expect("an epoch");
    text.parse().expect("an epoch")
}

fn rows(answer: &Value) -> &[Value] {
    answer["rows"].as_array().expect("rows")
}

/// Posts page views into three minutes of long ago and then into this one, which makes the others final; gives their rows.
fn post_final_minutes(live: &mut Live, now: EventTime) -> anyhow::Result<Vec<Value>> {
    // Views keep an hour.
    let first = Window::tumbling(now.minus(minutes(50)), minutes(1)).start;
    for n in 0..3 {
        let views = (0..=n).map(|k| first.plus(minutes(n)).plus(seconds(k)));
        let views: Vec<String> = views.map(|time| time.to_string()).collect();
        live.post("/posted", &views)?;
    }
    live.post("/now", &[now.to_string()])?;
    let is_final = |row: &Value| row["final"] == true;
    let answer = live.get_until(POSTED, |answer| {
        let rows = rows(answer);
        rows.len() == 3 && rows.iter().all(is_final)
    })?;
    let views: Vec<_> = rows(&answer)
        .iter()
        .map(|row| row["views"].clone())
        .collect();
    assert_eq!(views, [3, 2, 1], "newest first");
    Ok(rows(&answer).to_vec())
}

#[test]
fn what_was_committed_is_shown_after_a_kill() -> anyhow::Result<()> {
    let out = tempfile::tempdir()?;
    let mut finals: Vec<Value> = Vec::new();
    let mut shown: Vec<Value> = Vec::new();
    for n in 0..N_KILLS {
        let mut live = Live::start(out.path(), n % 3 + 1, &["--rate", "500"])?;
        live.wait_until_ready()?;
        let answer = live.get(PAGES)?;
        check_nothing_is_lost(rows(&answer), &finals, &shown);
        let status = live.get("/v1/pipeline")?;
        assert_eq!(status["guarantee"]["level"], "exactly-once", "{status}");

        let now: EventTime = status["now"].as_str().expect("a time").parse()?;
        if n == 0 {
            finals = post_final_minutes(&mut live, now)?;
        }
        live.post(&format!("/run-{n}"), &[now.to_string()])?;
        let answer = live.get_until(PAGES, |answer| {
            answer.to_string().contains(&format!("\"/run-{n}\""))
        })?;
        let epoch = epoch_of(&answer["epoch"]);
        live.get_until("/v1/pipeline", |status| {
            !status["committed"].is_null() && epoch_of(&status["committed"]) >= epoch
        })?;
        live.process.kill();
        assert!(live.process.end().was_killed());
        shown = rows(&answer).to_vec();
    }
    Ok(())
}

/// Checks that all `finals` are among the rows as they were, and that the other rows that were shown have lost nothing.
fn check_nothing_is_lost(rows: &[Value], finals: &[Value], shown: &[Value]) {
    for row in finals {
        assert!(rows.contains(row), "{row} is not among {rows:?}");
    }
    for row in shown {
        let is_it = |other: &&Value| {
            ["window_start", "url"]
                .iter()
                .all(|column| other[column] == row[column])
        };
        let restored = rows.iter().find(is_it);
        let views = restored.and_then(|restored| restored["views"].as_u64());
        assert!(views >= row["views"].as_u64(), "{row} is {restored:?} now");
    }
}

/// Looks at the views in the moment in which the run says that it is ready.
struct WhenReady(Sender<usize>);

impl Service for WhenReady {
    fn name(&self) -> String {
        "when ready".into()
    }

    fn start(&mut self, run: &Run) -> Result<(), BoxError> {
        let (run, rows) = (run.clone(), self.0.clone());
        std::thread::spawn(move || {
            while !run.is_ready() {
                std::thread::yield_now();
            }
            rows.send(run.snapshot().views["counts"].n_rows())
        });
        Ok(())
    }

    fn stop(&mut self) {}
}

#[test]
fn views_are_restored_before_a_run_is_ready() -> anyhow::Result<()> {
    const N_KEYS: i64 = 100;
    let store = FaultStore::new();
    for n in 0..30 {
        let (ready, n_rows) = channel();
        let (taken, n_taken) = channel();
        let running = App::new("ready")
            .workers(n % 4 + 1)
            .clock(VirtualClock::starting_at(EventTime::from_micros(0)))
            .epochs(millis(0), 7)
            .state(State::in_store(store.clone()))
            .service(WhenReady(ready))
            .start(move |flow| {
                let emit = |key| Act::Emit(EventTime::from_millis(key), key);
                let acts = (0..N_KEYS).map(emit).chain([Act::Rest]).collect();
                let taken = taken.clone();
                flow.source("keys", Script::new(vec![acts]))
                    .event_time(|(time, _)| *time, Watermarks::bounded(seconds(0)))
                    .inspect(move |_| {
                        // Nobody counts in the runs that have nothing new.
                        let _ = taken.send(());
                    })
                    .key_with("key", |(_, key)| *key)
                    .window(Tumbling::of(minutes(1)))
                    .aggregate("counts", |of| of.count("n"))
                    .view("counts")
            })?;
        let n_restored = n_rows.recv()?;
        if n == 0 {
            assert_eq!(n_taken.iter().take(N_KEYS as usize).count(), 100);
        } else {
            assert_eq!(n_restored, N_KEYS as usize, "run {n}");
        }
        running.run().stop();
        assert!(running.wait()?.stopped);
    }
    Ok(())
}

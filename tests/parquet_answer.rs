//! A view of a run can be had over HTTP as a Parquet file, with the rows that it has as JSON.

#[path = "support/files.rs"]
mod files;

use std::sync::mpsc::channel;
use std::time::Duration;

use files::rows_below;
use millstream::engine::VirtualClock;
use millstream::prelude::*;
use millstream::queries::HttpService;
use millstream::testing::{Act, Script};
use serde_json::Value;

const N_EVENTS: i64 = 300;

/// Counts by key in windows of a minute; the source stays open.
fn pipeline(flow: &mut Flow<'_>) -> Result<()> {
    let mut acts: Vec<_> = (0..N_EVENTS)
        .map(|s| Act::Emit(EventTime::from_millis(s * 1000), format!("k{}", s % 7)))
        .collect();
    acts.push(Act::Rest);
    flow.source("events", Script::new(vec![acts]))
        .event_time(|(time, _)| *time, Watermarks::bounded(seconds(0)))
        .key_by("key", |(_, key)| key)
        .window(Tumbling::of(minutes(1)))
        .aggregate("counts", |of| of.count("n"))
        .view("counts")
}

fn check(workers: usize) -> anyhow::Result<()> {
    let http = HttpService::new("127.0.0.1:0");
    let address = http.address();
    let (published, watermarks) = channel();
    let running = App::new("answer")
        .workers(workers)
        .clock(VirtualClock::starting_at(EventTime::from_millis(0)))
        .epochs(millis(0), 65_536)
        .service(http)
        .watch(move |run| {
            run.catalog().watch(move |snapshot| {
                // Nobody listens any more once everything is in.
                let _ = published.send(snapshot.views["counts"].watermark);
            })
        })
        .start(pipeline)?;
    let last = EventTime::from_millis((N_EVENTS - 1) * 1000);
    while watermarks.recv_timeout(Duration::from_secs(60))? < last {}

    let url = format!(
        "http://{}/v1/views/counts?limit=1000",
        address.get().expect("it serves")
    );
    let mut answer = ureq::get(&url)
        .header("accept", "application/vnd.apache.parquet")
        .call()?;
    assert_eq!(
        answer.headers()["content-type"],
        "application/vnd.apache.parquet"
    );
    let file = answer.body_mut().read_to_vec()?;
    assert!(file.starts_with(b"PAR1") && file.ends_with(b"PAR1"));
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("answer.parquet"), file)?;

    // Everything is in: an epoch between the two answers changes nothing.
    let json: Value = ureq::get(&url).call()?.body_mut().read_json()?;
    let rows = json["rows"].as_array().expect("rows");
    assert_eq!(rows.len(), 5 * 7);
    let micros = |time: &Value| {
        let time: EventTime = time.as_str().expect("a time").parse().expect("a time");
        time.micros().to_string()
    };
    let row = |row: &Value| {
        let key = row["key"].as_str().expect("text").to_owned();
        let (start, end) = (micros(&row["window_start"]), micros(&row["window_end"]));
        vec![
            start,
            end,
            key,
            row["n"].to_string(),
            row["final"].to_string(),
        ]
    };
    let mut expected: Vec<_> = rows.iter().map(row).collect();
    expected.sort();
    assert_eq!(rows_below(folder.path()), expected, "{workers} workers");

    running.run().stop();
    assert_eq!(running.wait()?.events, N_EVENTS as u64);
    Ok(())
}

#[test]
fn a_view_as_parquet_has_the_rows_that_it_has_as_json() -> anyhow::Result<()> {
    (1..=2).try_for_each(check)
}

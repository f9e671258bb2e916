//! Rows of windows that overlap go to folders by time, and none comes to a folder that was said to be final.

#[path = "support/files.rs"]
mod files;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::mpsc::channel;
use std::time::Duration;

use anyhow::Context;
use files::files_below;
use millstream::engine::VirtualClock;
use millstream::prelude::*;
use millstream::testing::{Act, FaultStore, Script};

/// Sixteen minutes, a record every so many seconds.
const EVERY: i64 = 15;
const N_EVENTS: i64 = 64;

/// What the manifests below say together: how many rows there are, and how many came to a folder after it was final.
fn said(out: &Path) -> anyhow::Result<(u64, u64, usize)> {
    let (mut rows, mut late, mut folders) = (0, 0, BTreeMap::new());
    for path in files_below(out) {
        let folder = path.parent().context("a folder")?.to_path_buf();
        let is_final: &mut bool = folders.entry(folder).or_default();
        if path.ends_with("_manifest.json") {
            let manifest: serde_json::Value = serde_json::from_slice(&std::fs::read(&path)?)?;
            rows += manifest["rows"].as_u64().context("rows")?;
            late += manifest["late_corrections"].as_u64().context("late")?;
            *is_final = true;
        }
    }
    assert!(folders.values().all(|is_final| *is_final), "{folders:?}");
    Ok((rows, late, folders.len()))
}

/// What is asked of the windows: how far apart they begin and how long they can be corrected, in seconds.
#[derive(Clone, Copy, Debug)]
struct Asked {
    hop: i64,
    lateness: u64,
}

fn pipeline(flow: &mut Flow<'_>, script: Script<i64>, asked: Asked, out: &Path) -> Result<()> {
    let windows = Hopping::of(minutes(5)).every(seconds(asked.hop as u64));
    let counts = flow
        .source("numbers", script)
        .event_time(|(time, _)| *time, Watermarks::bounded(seconds(0)))
        .key_with("key", |(_, key)| *key)
        .window(windows.lateness(seconds(asked.lateness)))
        .aggregate("counts", |of| of.count("n"));
    counts.view("counts")?;
    let files = ParquetFiles::new(out).partition_by_minute();
    counts.closed().sink("rows", files)
}

/// Goes on from where the run before was stopped, until `n_events` are in; then whatever is final is published.
fn run(
    store: &FaultStore,
    n_events: i64,
    workers: usize,
    asked: Asked,
    out: &Path,
) -> anyhow::Result<()> {
    let act = |n: i64| Act::Emit(EventTime::from_millis(n * EVERY * 1000), n % 3);
    let is_last = n_events == N_EVENTS;
    let rest = (!is_last).then_some(Act::Rest);
    let script = Script::new(vec![(0..n_events).map(act).chain(rest).collect()]);
    let (seen, events) = channel();
    let out = out.to_path_buf();
    let running = App::new("folders")
        .workers(workers)
        .clock(VirtualClock::starting_at(EventTime::from_micros(0)))
        .epochs(millis(0), 4)
        .state(State::in_store(store.clone()))
        .watch(move |run| {
            let status = run.clone();
            run.catalog().watch(move |_| {
                // Nobody listens any more once all is there.
                let _ = seen.send(status.status().sources[0].events);
            });
        })
        .start(move |flow| pipeline(flow, script.clone(), asked, &out))?;
    if !is_last {
        while events.recv_timeout(Duration::from_secs(60))? < n_events as u64 {}
        running.run().stop();
    }
    running.wait()?;
    Ok(())
}

/// Runs it in pieces of half a minute, and counts rows as a recomputation would.
fn check(workers: usize, hop: i64, lateness: u64) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let out = folder.path().join("rows");
    let (store, asked) = (FaultStore::new(), Asked { hop, lateness });
    for n_events in (1..=N_EVENTS).filter(|n| n % 2 == 0) {
        run(&store, n_events, workers, asked, &out)?;
    }
    let mut windows = BTreeMap::new();
    for n in 0..N_EVENTS {
        let last = n * EVERY / hop;
        for number in last - 300 / hop - 1..=last {
            let start = number * hop;
            if start <= n * EVERY && n * EVERY < start + 300 {
                *windows.entry((start, n % 3)).or_insert(0) += 1;
            }
        }
    }
    let minutes: BTreeSet<_> = windows
        .keys()
        .map(|(start, _)| start.div_euclid(60))
        .collect();
    let (rows, late, folders) = said(&out)?;
    let context = format!("{workers} workers and {asked:?}");
    assert_eq!(late, 0, "rows came to final folders with {context}");
    assert_eq!(
        (rows, folders),
        (windows.len() as u64, minutes.len()),
        "{context}"
    );
    Ok(())
}

#[test]
fn no_row_comes_to_a_folder_that_is_final() -> anyhow::Result<()> {
    for (workers, hop, lateness) in [(1, 20, 0), (2, 20, 30), (1, 45, 0), (2, 300, 10)] {
        check(workers, hop, lateness)?;
    }
    Ok(())
}

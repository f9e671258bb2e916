//! Golden `rolling`: windows of four hours into Parquet files of five rows or more, a folder for each day.
//!
//! However a run ends and goes on, the rows of all files are the same, none is there twice, nothing is left in `.staging`
//! and every day is declared final with exactly the files that lie there. Which file a row is in is not the same.

#[path = "../support/files.rs"]
mod files;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::Path;

use anyhow::{Context, ensure};
use millstream::engine::VirtualClock;
use millstream::prelude::*;
use millstream::testing::{Act, FaultStore, Script};
use parquet::file::reader::{FileReader, SerializedFileReader};

use crate::harness::{Answer, check, counts_of, expected};
use files::{files_below, rows_below};

const COLUMNS: [&str; 6] = ["window_start", "window_end", "device", "n", "users", "ms"];
const MINUTE: i64 = 60_000_000;

/// When, on which device, who, and how long it took in milliseconds.
type Visit = (EventTime, (u8, u64, i64));

/// Three partitions, with a visit every 36 minutes for three days in each.
fn input() -> anyhow::Result<Vec<Vec<Visit>>> {
    let start: EventTime = "2026-03-01T00:00:00Z".parse()?;
    let visit = |p: i64, n: i64| {
        let at = EventTime::from_micros(start.micros() + (n * 36 + p * 5) * MINUTE);
        let (device, user) = ((n * 3 + p) % 4, (n * 7 + p * 5) % 11);
        (at, (device as u8, user.unsigned_abs(), (n * 131 + p) % 250))
    };
    Ok((0..3)
        .map(|p| (0..120).map(|n| visit(p, n)).collect())
        .collect())
}

const DEVICES: [&str; 4] = ["desktop", "mobile", "tablet", "watch"];

fn pipeline(flow: &mut Flow<'_>, script: &Script<(u8, u64, i64)>, out: &Path) -> Result<()> {
    let visits = flow
        .source("visits", script.clone())
        .event_time(|(time, _)| *time, Watermarks::bounded(minutes(10)));
    visits
        .key_with("device", |(_, (device, ..))| {
            DEVICES[*device as usize].to_owned()
        })
        .window(Tumbling::of(hours(4)))
        .aggregate("visits", |of| {
            (
                of.count("n"),
                of.approx_count_distinct("users", |(_, (_, user, _))| user),
                of.sum("ms", |(_, (.., ms))| *ms),
            )
        })
        .closed()
        .sink("visits", ParquetFiles::new(out).roll_rows(5))
}

#[test]
fn files_that_roll() -> anyhow::Result<()> {
    let partitions = input()?.into_iter().map(|visits| {
        let acts = visits.into_iter().map(|(at, visit)| Act::Emit(at, visit));
        acts.collect()
    });
    let script = Script::new(partitions.collect());
    check("rolling", &[1, 3], |way| {
        let (store, out) = (FaultStore::new(), tempfile::tempdir()?);
        let ran = way.run("rolling", |app| {
            let (script, out) = (script.clone(), out.path().to_owned());
            app.clock(VirtualClock::starting_at(EventTime::from_micros(0)))
                .epochs(millis(0), 3)
                .state(State::in_store(store.clone()).every(millis(0)))
                .run(move |flow| pipeline(flow, &script, &out))
        })?;
        look_through(out.path())?;
        let mut answer = Answer::from([("rows", rows_in_words(out.path())?)]);
        answer.extend(counts_of(&ran).map(|counts| ("counts", counts)));
        Ok((ran, answer))
    })
}

/// The rows of all files, in order, as JSON.
fn rows_in_words(out: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    for row in rows_below(out) {
        let mut words = serde_json::Map::new();
        for (column, value) in COLUMNS.into_iter().zip(row) {
            let word = match column {
                "device" => value.into(),
                "window_start" | "window_end" => {
                    EventTime::from_micros(value.parse()?).to_string().into()
                }
                _ => value.parse::<i64>()?.into(),
            };
            words.insert(column.into(), word);
        }
        text += &serde_json::Value::from(words).to_string();
        text.push('\n');
    }
    Ok(text)
}

/// The folder as a reader finds it after the run.
fn look_through(out: &Path) -> anyhow::Result<()> {
    let mut days: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    let mut finals = BTreeSet::new();
    for path in files_below(out) {
        let below = path.strip_prefix(out)?.to_string_lossy().into_owned();
        let (folder, name) = below.split_once('/').context("it lies in a folder")?;
        ensure!(folder.starts_with("date=2026-03-0"), "{below} is left");
        if name == "_manifest.json" {
            finals.insert(folder.to_owned());
        } else {
            let reader = SerializedFileReader::new(File::open(&path)?)?;
            let n_rows = u64::try_from(reader.metadata().file_metadata().num_rows())?;
            ensure!(n_rows > 0, "{below} is empty");
            let files = days.entry(folder.to_owned()).or_default();
            files.insert(name.to_owned(), n_rows);
        }
    }
    ensure!(
        finals == days.keys().cloned().collect(),
        "only {finals:?} are final of {days:?}"
    );
    ensure!(days.len() == 3, "the days are {days:?}");
    for (day, files) in days {
        let manifest = fs::read(out.join(&day).join("_manifest.json"))?;
        let manifest: serde_json::Value = serde_json::from_slice(&manifest)?;
        let listed =
            |(name, rows): (&String, &u64)| serde_json::json!({ "name": name, "rows": rows });
        let listed: Vec<_> = files.iter().map(listed).collect();
        let n_rows: u64 = files.values().sum();
        let is_right = manifest["final"] == true
            && manifest["files"] == serde_json::Value::from(listed)
            && manifest["rows"] == n_rows
            && manifest["late_corrections"] == 0;
        ensure!(is_right, "{day} has {files:?} and says {manifest}");
    }
    Ok(())
}

#[test]
fn files_that_roll_are_what_a_recomputation_gives() -> anyhow::Result<()> {
    let mut groups: BTreeMap<(i64, &str), Vec<(u64, i64)>> = BTreeMap::new();
    for (at, (device, user, ms)) in input()?.into_iter().flatten() {
        let start = at.micros().div_euclid(240 * MINUTE) * 240 * MINUTE;
        let group = groups.entry((start, DEVICES[device as usize]));
        group.or_default().push((user, ms));
    }
    let found = expected("rolling", "rows")?;
    assert_eq!(found.len(), groups.len());
    for (row, ((start, device), visits)) in found.iter().zip(groups) {
        let end = EventTime::from_micros(start + 240 * MINUTE);
        assert_eq!(
            row["window_start"],
            EventTime::from_micros(start).to_string()
        );
        assert_eq!(
            (&row["window_end"], &row["device"]),
            (&end.to_string().into(), &device.into())
        );
        let users: BTreeSet<_> = visits.iter().map(|(user, _)| user).collect();
        assert_eq!(
            (&row["n"], &row["users"]),
            (&visits.len().into(), &users.len().into())
        );
        assert_eq!(row["ms"], visits.iter().map(|(_, ms)| ms).sum::<i64>());
    }
    Ok(())
}

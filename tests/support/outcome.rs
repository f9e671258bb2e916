//! The main job over files of several days, and what must come of it however often it is killed.
#![allow(dead_code, reason = "not every test needs all of it")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use flate2::Compression;
use flate2::write::GzEncoder;
use millstream::connectors::Letter;
use millstream::prelude::*;

use crate::files::{files_below, rows_below};
use crate::job::{clickstream, of_summary};
use crate::letter_log::letters_beside;

/// The tables that the job writes.
pub(crate) const TABLES: [&str; 3] = [
    "pages_per_minute",
    "countries_per_minute",
    "traffic_per_minute",
];

/// Files of a day: eight for each lane of the source, so that its lanes go from day to day together, in many small steps.
pub(crate) const FILES_A_DAY: u64 = 8 * 16;

/// Writes page views of `n_days`, some of them late, into files of `n_events` each; gives the glob that finds them.
///
/// Some lines are broken, and some files are compressed. Between two days there is nothing, so that the
/// watermark leaves each day long before the end, and its files are published.
pub(crate) fn write_days(folder: &Path, n_days: u64, n_events: u64) -> anyhow::Result<String> {
    let generator = Clickstream::new().rate(Rate::PerSecond(100)).seed(11);
    let mut events = generator.in_order_of_arrival("2026-01-15T10:30:17.5Z".parse()?);
    for number in 0..n_days * FILES_A_DAY {
        let mut text = String::new();
        for n in 0..n_events {
            let mut event = events.next().expect("it has no end");
            event.timestamp = event.timestamp.plus(hours(24 * (number / FILES_A_DAY)));
            writeln!(text, "{}", serde_json::to_string(&event)?)?;
            if n % 20 == 19 {
                text.push_str(["{\"eventId\":\n", "not json\n", "{}\n"][(number % 3) as usize]);
            }
        }
        let path = folder.join(format!("{number:04}.ndjson"));
        if number % 16 == 7 {
            let file = std::fs::File::create(path.with_extension("ndjson.gz"))?;
            let mut packed = GzEncoder::new(file, Compression::fast());
            packed.write_all(text.as_bytes())?;
            packed.finish()?;
        } else {
            std::fs::write(path, text)?;
        }
    }
    let pattern = folder.join("*.ndjson*");
    Ok(pattern.to_str().expect("text").to_owned())
}

/// The job over what `input` finds, into `out`.
pub(crate) fn job_over(input: &str, out: &Path, workers: usize, snapshot_every: u64) -> Command {
    let mut command = clickstream();
    command
        .args(["--no-http", "--input", input, "--out"])
        .arg(out)
        .args(["--workers", &workers.to_string()])
        .args(["--snapshot-every", &snapshot_every.to_string()]);
    command
}

/// What the job says that it has done.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Counted {
    pub(crate) events: f64,
    pub(crate) rejected: f64,
    pub(crate) late: f64,
}

impl Counted {
    pub(crate) fn of(stdout: &str) -> Self {
        let of = |name| of_summary(stdout.as_bytes(), name);
        Counted {
            events: of("events"),
            rejected: of("rejected"),
            late: of("late"),
        }
    }
}

/// What came of a run, or of many that went on from one another.
#[derive(Clone)]
pub(crate) struct Outcome {
    tables: [Vec<Vec<String>>; 3],
    /// Each line that was rejected: its lane and its place.
    letters: Vec<(u64, u64)>,
}

impl Outcome {
    pub(crate) fn of(out: &Path) -> Self {
        Self::beside(out, &out.join(".state"))
    }

    /// What came of a run with its state in `state`.
    fn beside(out: &Path, state: &Path) -> Self {
        let letters = letters_beside(state);
        let place = |letter: &Letter| (u64::from(letter.partition), letter.offset);
        let mut letters: Vec<_> = letters.iter().map(place).collect();
        letters.sort_unstable();
        Outcome {
            tables: TABLES.map(|table| rows_below(&out.join(table))),
            letters,
        }
    }

    /// What comes of a run that nobody disturbs.
    pub(crate) fn straight(input: &str, out: &Path, workers: usize) -> (Outcome, Counted) {
        let ran = job_over(input, out, workers, 1000).output();
        let ran = ran.expect("it runs");
        let stderr = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "{stderr}");
        let counted = Counted::of(&String::from_utf8_lossy(&ran.stdout));
        let outcome = Outcome::of(out);
        let n_rows = outcome.tables.each_ref().map(Vec::len);
        assert!(n_rows.iter().all(|n| *n > 0), "rows: {n_rows:?}");
        assert_eq!(outcome.letters.len() as f64, counted.rejected);
        assert!(counted.rejected > 0.0 && counted.late > 0.0, "{counted:?}");
        check_nothing_is_left(out, "a straight run");
        check_days_are_final(out, "a straight run");
        (outcome, counted)
    }

    /// Checks that the same came of `out`, row for row, and that nothing half done is left there.
    pub(crate) fn check(&self, out: &Path, context: &str) {
        self.check_beside(out, &out.join(".state"), context);
    }

    /// The same of a run with its state in `state`.
    pub(crate) fn check_beside(&self, out: &Path, state: &Path, context: &str) {
        let found = Outcome::beside(out, state);
        for (table, (found, expected)) in TABLES.iter().zip(found.tables.iter().zip(&self.tables)) {
            check_rows(found, expected, &format!("{table}, {context}"));
        }
        let (n_found, n_expected) = (found.letters.len(), self.letters.len());
        assert_eq!(n_found, n_expected, "dead letters, {context}");
        assert!(
            found.letters == self.letters,
            "other dead letters, {context}"
        );
        check_nothing_is_left(out, context);
        check_days_are_final(out, context);
    }
}

/// Checks that two sorted lists are the same, and says in which rows they differ if they are not.
fn check_rows(found: &[Vec<String>], expected: &[Vec<String>], context: &str) {
    if found == expected {
        return;
    }
    let (found_set, expected_set): (BTreeSet<_>, BTreeSet<_>) =
        (found.iter().collect(), expected.iter().collect());
    let missing: Vec<_> = expected_set.difference(&found_set).take(3).collect();
    let extra: Vec<_> = found_set.difference(&expected_set).take(3).collect();
    let twice: Vec<_> = found.windows(2).filter(|two| two[0] == two[1]).collect();
    panic!(
        "{context}: {} rows, not {}; missing {missing:?}…, unexpected {extra:?}…, {} twice {:?}…",
        found.len(),
        expected.len(),
        twice.len(),
        twice.first()
    );
}

/// Checks that each folder of a day is said to be final, with just the files that are in it.
fn check_days_are_final(out: &Path, context: &str) {
    for table in TABLES {
        let mut files: BTreeMap<PathBuf, BTreeSet<String>> = BTreeMap::new();
        for path in files_below(&out.join(table)) {
            let name = path.file_name().expect("a file").to_string_lossy();
            let folder = path.parent().expect("a folder").to_owned();
            files.entry(folder).or_default().insert(name.into_owned());
        }
        for (folder, mut found) in files {
            let context = format!("{context}: {}", folder.display());
            assert!(found.remove("_manifest.json"), "{context} is not final");
            let text = std::fs::read_to_string(folder.join("_manifest.json")).expect("it is there");
            let manifest: serde_json::Value = serde_json::from_str(&text).expect("it is whole");
            let listed = manifest["files"].as_array().expect("files").iter();
            let listed: BTreeSet<String> = listed
                .map(|file| file["name"].as_str().expect("a name").to_owned())
                .collect();
            assert_eq!(listed, found, "{context}");
            let n_rows = rows_below(&folder).len();
            assert_eq!(manifest["rows"], n_rows, "{context}: {manifest}");
            assert_eq!(manifest["late_corrections"], 0, "{context}: {manifest}");
        }
    }
}

fn check_nothing_is_left(out: &Path, context: &str) {
    let is_left = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "tmp");
    let mut left = files_below(out);
    left.retain(is_left);
    assert!(left.is_empty(), "{context}: {left:?} are left");
    for table in TABLES {
        let staging = out.join(table).join(".staging");
        assert!(
            !staging.exists(),
            "{context}: {} is left",
            staging.display()
        );
    }
}

//! Queries of Nexmark are killed at steps of their commits, and go on with another number of workers: the rows in the file,
//! and in the folders of the query that writes them, are those of a run that nobody disturbed, each of them once.
#![cfg(unix)]

#[path = "support/files.rs"]
mod files;
#[path = "support/nexmark.rs"]
mod nexmark_process;
#[path = "support/process.rs"]
mod process;

use std::path::Path;
use std::process::Command;

use files::{files_below, rows_below};
use nexmark_process::{QUERIES, check_rows, lines, nexmark, ran};
use process::{Ended, Process};

/// Where runs that follow one another are killed; the first commit may be the last.
const POINTS: [&str; 6] = [
    "Staged:2",
    "Committed:1",
    "Written:3",
    "Published:2",
    "Voted:2",
    "Collected:2",
];

fn job(query: &str, input: &[&str], workers: usize, output: &Path) -> Command {
    let mut command = nexmark(query);
    command
        .args(input)
        .args(["--workers", &workers.to_string()]);
    command.arg("--output").arg(output);
    command
}

/// The same, with state: a snapshot in each epoch.
fn durable(query: &str, input: &[&str], workers: usize, folder: &Path) -> Command {
    let mut command = job(query, input, workers, &folder.join("rows.ndjson"));
    command.arg("--state").arg(folder.join("state"));
    command.args(["--snapshot-every", "0"]);
    if query == "q10" {
        command.arg("--files").arg(folder.join("files"));
    }
    command
}

/// Runs are killed at `points`, one after the other, until one comes to the end; gives how many were killed.
fn killed_at(query: &str, input: &[&str], points: &[&str], folder: &Path) -> anyhow::Result<usize> {
    for (n, point) in points.iter().enumerate() {
        let mut command = durable(query, input, n % 3 + 1, folder);
        let ended = Process::start(command.env("MILLSTREAM_KILL_AT", point))?.end();
        if !ended.was_killed() {
            check_end(query, &ended);
            return Ok(n);
        }
    }
    let mut command = durable(query, input, points.len() % 3 + 1, folder);
    check_end(query, &Process::start(&mut command)?.end());
    Ok(points.len())
}

/// It came to the end: now, or in the run before, of which only the last words are missing.
fn check_end(query: &str, ended: &Ended) {
    let has_finished = ended.stderr.contains("has finished");
    assert!(
        ended.status.success() || has_finished,
        "{query}: {}",
        ended.stderr
    );
}

/// The rows of a run that nobody disturbs.
fn straight(query: &str, input: &[&str], folder: &Path) -> Vec<String> {
    let output = folder.join("straight.ndjson");
    ran(&mut job(query, input, 2, &output));
    let rows = lines(&output);
    assert!(!rows.is_empty(), "{query}");
    rows
}

/// Kills `query`, and compares; gives how many runs were killed.
fn check(query: &str, input: &[&str], points: &[&str]) -> anyhow::Result<usize> {
    let folder = tempfile::tempdir()?;
    let expected = straight(query, input, folder.path());
    let n_killed = killed_at(query, input, points, folder.path())?;
    let context = format!("{query}, killed {n_killed} times at {points:?}");
    check_rows(
        &context,
        &lines(&folder.path().join("rows.ndjson")),
        &expected,
    );
    if query == "q10" {
        let files = folder.path().join("files");
        let n_rows = rows_below(&files).len();
        assert_eq!(n_rows, expected.len(), "{context}: in the folders");
        let hidden = files_below(&files).into_iter();
        let mut hidden = hidden.filter(|path| path.extension().is_some_and(|e| e == "staged"));
        assert_eq!(hidden.next(), None, "{context}");
    }
    Ok(n_killed)
}

#[test]
fn killed_in_the_middle() -> anyhow::Result<()> {
    let n_events = if cfg!(debug_assertions) {
        "60000"
    } else {
        "1000000"
    };
    let made_up = ["--events", n_events, "--rate-of-event-time", "200"];
    let beforehand = [&made_up[..], &["--made-beforehand"]].concat();
    let mut n_killed = 0;
    // One depends on when it runs.
    for query in QUERIES.into_iter().filter(|query| *query != "q12") {
        n_killed += check(query, &made_up, &POINTS)?;
    }
    n_killed += check("q5", &beforehand, &POINTS)?;
    assert!(n_killed > 46, "{n_killed}");
    Ok(())
}

#[test]
fn killed_at_each_step_of_the_last_commit() -> anyhow::Result<()> {
    let mut n_killed = 0;
    for step in [
        "Staged:1",
        "Written:1",
        "Voted:1",
        "Committed:1",
        "Published:1",
    ] {
        // So few that there is one snapshot, at the end.
        n_killed += check("q0", &["--events", "500"], &[step])?;
        n_killed += check("q7", &["--events", "500"], &[step, step])?;
    }
    assert!(n_killed >= 10, "{n_killed}");
    Ok(())
}

#[test]
fn killed_over_a_file() -> anyhow::Result<()> {
    let input = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/nexmark/events.ndjson");
    let input = ["--input", input.to_str().expect("text")];
    let mut n_killed = 0;
    for query in ["q9", "q11", "q15", "q19", "q22"] {
        n_killed += check(query, &input, &["Committed:1"])?;
    }
    assert_eq!(n_killed, 5);
    Ok(())
}

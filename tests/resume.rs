//! The main job is stopped in order, and goes on where it was when it is started again.
#![cfg(unix)]

#[path = "support/files.rs"]
mod files;
#[path = "support/job.rs"]
mod job;
#[path = "support/kept.rs"]
mod kept;
#[path = "support/letter_log.rs"]
mod letter_log;
#[path = "support/live.rs"]
mod live;
#[path = "support/outcome.rs"]
mod outcome;
#[path = "support/process.rs"]
mod process;

use std::path::{Path, PathBuf};
use std::process::Command;

use job::of_summary;
use kept::{n_committed, newest_manifest};
use live::Live;
use outcome::{Counted, Outcome, job_over, write_days};
use process::{Ended, Process};
use serde_json::Value;
use tempfile::TempDir;

/// So many that a run takes about a second.
const LINES_A_FILE: u64 = if cfg!(debug_assertions) { 40 } else { 400 };

/// Files of page views, and what comes of them.
struct Input {
    folder: TempDir,
    pattern: String,
    expected: Outcome,
    counted: Counted,
}

impl Input {
    fn new() -> anyhow::Result<Input> {
        let folder = tempfile::tempdir()?;
        let pattern = write_days(folder.path(), 10, LINES_A_FILE)?;
        let (expected, counted) = Outcome::straight(&pattern, &folder.path().join("straight"), 2);
        Ok(Input {
            folder,
            pattern,
            expected,
            counted,
        })
    }

    fn below(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn job(&self, out: &Path, workers: usize) -> Command {
        job_over(&self.pattern, out, workers, 20)
    }

    /// Runs `command` to the end of the input, and checks what came of it.
    fn check_to_the_end(
        &self,
        command: &mut Command,
        (out, state): (&Path, &Path),
        begins: &str,
    ) -> anyhow::Result<()> {
        let ended = Process::start(command)?.end();
        assert!(ended.status.success(), "{}", ended.stderr);
        assert!(ended.stderr.contains(begins), "{}", ended.stderr);
        assert_eq!(Counted::of(&ended.stdout), self.counted);
        self.expected.check_beside(out, state, begins);
        Ok(())
    }
}

fn n_committed_in(state: &Path) -> u64 {
    newest_manifest(state).as_ref().map_or(0, n_committed)
}

/// Runs `command` and presses Ctrl-C when it has committed something more; it ends before its input does.
fn interrupted(command: &mut Command, state: &Path) -> anyhow::Result<Ended> {
    let before = n_committed_in(state);
    let mut process = Process::start(command)?;
    assert!(process.runs_until(|| n_committed_in(state) > before));
    process.signal("INT");
    let ended = process.end();
    assert_eq!(ended.status.code(), Some(130), "{}", ended.stderr);
    let says_how = "run it again with the same flags to go on from here";
    assert!(ended.stderr.contains(says_how), "{}", ended.stderr);
    // All that was taken in is committed.
    let counted = Counted::of(&ended.stdout);
    let n_taken = counted.events + counted.rejected;
    assert_eq!(n_taken, n_committed_in(state) as f64);
    Ok(ended)
}

/// Checks that the job says from which epoch it went on, and how long that took.
fn check_says_resumed(ended: &Ended) {
    let line = ended
        .stderr
        .lines()
        .find_map(|line| line.strip_prefix("resumed from epoch "));
    let line = line.unwrap_or_else(|| panic!("{}", ended.stderr));
    let (epoch, rest) = line.split_once(" in ").expect("how long it took");
    epoch
        .parse::<millstream::engine::Epoch>()
        .expect("an epoch");
    let (seconds, guarantee) = rest.split_once(" s; ").expect("seconds");
    assert!(
        seconds.parse::<f64>().is_ok_and(|seconds| seconds > 0.0),
        "{line}"
    );
    assert!(guarantee.ends_with("events count exactly once"), "{line}");
}

#[test]
fn ctrl_c_in_the_middle_of_files_and_on_from_there() -> anyhow::Result<()> {
    let input = Input::new()?;
    let out = input.below("out");
    let state = out.join(".state");
    let first = interrupted(&mut input.job(&out, 2), &state)?;
    assert!(first.stderr.contains("begins anew"), "{}", first.stderr);
    for workers in [3, 1] {
        check_says_resumed(&interrupted(&mut input.job(&out, workers), &state)?);
    }
    assert!(n_committed_in(&state) < (input.counted.events + input.counted.rejected) as u64);
    input.check_to_the_end(
        &mut input.job(&out, 2),
        (&out, &out.join(".state")),
        "resumed from epoch ",
    )
}

#[test]
fn the_state_goes_with_the_results() -> anyhow::Result<()> {
    let input = Input::new()?;
    let out = input.below("out");
    interrupted(&mut input.job(&out, 2), &out.join(".state"))?;
    std::fs::remove_dir_all(&out)?;
    input.check_to_the_end(
        &mut input.job(&out, 1),
        (&out, &out.join(".state")),
        "begins anew",
    )
}

#[test]
fn state_in_a_directory_of_its_own() -> anyhow::Result<()> {
    let input = Input::new()?;
    let (out, state) = (input.below("out"), input.below("some/where/else"));
    let job = |workers| {
        let mut command = input.job(&out, workers);
        command.arg("--state").arg(&state);
        command
    };
    interrupted(&mut job(2), &state)?;
    assert!(!out.join(".state").exists());
    let without = Process::start(&mut input.job(&out, 2))?.end();
    assert!(!without.status.success());
    assert!(
        without.stderr.contains("holds no state to go on from"),
        "{}",
        without.stderr
    );
    input.check_to_the_end(&mut job(3), (&out, &state), "resumed from epoch ")
}

fn n_events(status: &Value) -> u64 {
    let sources = status["sources"].as_array().expect("sources");
    sources
        .iter()
        .map(|source| source["events"].as_u64().expect("a number"))
        .sum()
}

#[test]
fn a_stop_of_the_live_job_and_on_from_there() -> anyhow::Result<()> {
    let out = tempfile::tempdir()?;
    let (mut n_before, mut views_before) = (0, 0);
    for workers in [2, 3, 1] {
        let mut live = Live::start(out.path(), workers, &["--rate", "1000"])?;
        live.wait_until_ready()?;
        let status = live.get("/v1/pipeline")?;
        assert!(
            n_events(&status) >= n_before,
            "{} {n_before}",
            n_events(&status)
        );
        let now = status["now"].as_str().expect("a time").to_owned();
        live.post("/posted", std::slice::from_ref(&now))?;
        let views = |answer: &Value| {
            let rows = answer["rows"].as_array().expect("rows").iter();
            rows.map(|row| row["views"].as_u64().expect("a number"))
                .sum::<u64>()
        };
        let posted = "/v1/views/pages_per_minute?url=/posted";
        let answer = live.get_until(posted, |answer| views(answer) > views_before)?;
        views_before += 1;
        assert_eq!(views(&answer), views_before, "{answer}");
        live.process.signal("TERM");
        let ended = live.process.end();
        assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
        let n_now = of_summary(ended.stdout.as_bytes(), "events") as u64;
        assert!(n_now > n_before, "{n_now} {n_before}");
        n_before = n_now;
    }
    Ok(())
}

//! The main job is killed, at random moments and at each step of a commit, and started again on another number of workers:
//! what comes of it is what comes of a run that nobody disturbs.
#![cfg(unix)]

#[path = "support/files.rs"]
mod files;
#[path = "support/job.rs"]
mod job;
#[path = "support/kept.rs"]
mod kept;
#[path = "support/letter_log.rs"]
mod letter_log;
#[path = "support/outcome.rs"]
mod outcome;
#[path = "support/process.rs"]
mod process;
#[path = "support/random.rs"]
mod random;

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use kept::{n_committed, named_files, names_in, newest_manifest};
use millstream::engine::{CommitStep, Epoch};
use millstream::testing::{COMMIT_STEPS, CrashPoint};
use outcome::{Counted, Outcome, TABLES, job_over, write_days};
use process::{Ended, Process};
use random::Random;

/// One test at a time has the machine: how long a run takes decides when it is killed.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A run that is killed within this time has most likely not committed anything.
const STARTING: Duration = Duration::from_millis(40);

/// So many that a run takes about a second, and some ten snapshots.
const LINES_A_FILE: u64 = if cfg!(debug_assertions) { 40 } else { 400 };

/// Milliseconds between snapshots.
const EVERY_MS: u64 = 20;

/// How often the job may be started before its input must have been read.
const STARTS_MAX: usize = 300;

/// A number from the environment.
fn asked_for(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().expect("it is a number"))
}

/// When a kill came, as the state tells that was left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    /// Before the run had committed anything.
    Starting,
    FirstHalf,
    SecondHalf,
    Ending,
}

impl Phase {
    fn of(out: &Path, n_lines: f64) -> Phase {
        let Some(manifest) = newest_manifest(&out.join(".state")) else {
            return Phase::Starting;
        };
        let n_read = n_committed(&manifest) as f64;
        let committed = manifest["epoch"].as_u64().map(Epoch::from_u64);
        let run = manifest["run"]
            .as_u64()
            .and_then(|run| u32::try_from(run).ok());
        if manifest["finished"] == true {
            Phase::Ending
        } else if committed < run.map(Epoch::first_of_run) {
            Phase::Starting
        } else if n_read < n_lines / 2.0 {
            Phase::FirstHalf
        } else {
            Phase::SecondHalf
        }
    }
}

/// The job came to the end of its input: now, or in the run before, which was killed when only its last words were missing.
fn check_ended(ended: &Ended, counted: Counted, context: &str) {
    if ended.stderr.contains("has finished") {
        assert!(ended.stderr.contains("--fresh"), "{}", ended.stderr);
        return;
    }
    assert!(ended.status.success(), "{context}: {}", ended.stderr);
    assert_eq!(Counted::of(&ended.stdout), counted, "{context}");
}

/// Starts the job over `input` again and again, and kills it after what `wait` says of each start, until it comes to the end.
fn kill_until_the_end(
    input: &str,
    out: &Path,
    mut wait: impl FnMut(usize) -> Duration,
    mut killed: impl FnMut(),
) -> anyhow::Result<Ended> {
    for start in 0..STARTS_MAX {
        let mut process = Process::start(&mut job_over(input, out, start % 3 + 1, EVERY_MS))?;
        if process.runs_for(wait(start)) {
            process.kill();
        }
        let ended = process.end();
        if !ended.was_killed() {
            return Ok(ended);
        }
        killed();
    }
    anyhow::bail!("it does not get on")
}

#[test]
fn killed_at_random_moments() -> anyhow::Result<()> {
    let _alone = alone();
    let n_kills = asked_for("MILLSTREAM_KILLS").unwrap_or(20);
    let seed = asked_for("MILLSTREAM_SEED").unwrap_or_else(|| RandomState::new().hash_one(0));
    println!("MILLSTREAM_SEED={seed} MILLSTREAM_KILLS={n_kills}");
    let mut random = Random::new(seed);
    let folder = tempfile::tempdir()?;
    let input = write_days(folder.path(), 10, LINES_A_FILE)?;
    let (expected, counted) = Outcome::straight(&input, &folder.path().join("straight"), 2);
    let started = Instant::now();
    let again = job_over(&input, &folder.path().join("again"), 2, EVERY_MS).output()?;
    assert!(again.status.success(), "with many snapshots");
    let took = started.elapsed();
    // Many kills come early, the first of each round too.
    let mut wait = |start| {
        let most = match (start, random.next_u32() % 4) {
            (0, _) | (_, 0) => STARTING,
            _ => took,
        };
        most.mul_f64(f64::from(random.next_u32()) / f64::from(u32::MAX))
    };
    let mut phases: BTreeMap<Phase, u64> = BTreeMap::new();
    for round in 1.. {
        let context = format!("seed {seed}, round {round}");
        let out = folder.path().join(format!("out-{round}"));
        let n_lines = counted.events + counted.rejected;
        let ended = kill_until_the_end(&input, &out, &mut wait, || {
            *phases.entry(Phase::of(&out, n_lines)).or_default() += 1;
        })?;
        check_ended(&ended, counted, &context);
        expected.check(&out, &context);
        std::fs::remove_dir_all(out)?;
        if phases.values().sum::<u64>() >= n_kills {
            println!("a straight run takes {took:?}; {round} rounds, killed {phases:?}");
            break;
        }
    }
    assert!(phases.contains_key(&Phase::Starting), "{phases:?}");
    let between = [Phase::FirstHalf, Phase::SecondHalf];
    assert!(
        between.iter().any(|phase| phases.contains_key(phase)),
        "{phases:?}"
    );
    Ok(())
}

/// Has the job over `input` kill itself at `point`.
fn killed_at(point: CrashPoint, input: &str, out: &Path, workers: usize) -> anyhow::Result<Ended> {
    let mut command = job_over(input, out, workers, 0);
    command.env("MILLSTREAM_KILL_AT", point.to_string());
    Ok(Process::start(&mut command)?.end())
}

/// Checks that the directories are as a process leaves them that dies at `step`.
fn check_died_at(step: CommitStep, out: &Path) {
    let state = out.join(".state");
    let manifest = newest_manifest(&state).expect("a run has begun");
    let (named, found) = (named_files(&manifest), names_in(&state));
    assert!(named.is_subset(&found), "{step}: {named:?}, {found:?}");
    let has_unnamed = |kind: &str| {
        let mut unnamed = found.difference(&named);
        unnamed.any(|name| name.starts_with(kind))
    };
    let staged = manifest["staged"].as_array().expect("a list");
    let is_committed = n_committed(&manifest) > 0;
    let has_published = |table: &str| !files::rows_below(&out.join(table)).is_empty();
    match step {
        CommitStep::Written | CommitStep::Voted => {
            assert!(has_unnamed("state-"), "{step}: {found:?}")
        }
        CommitStep::Merged => assert!(has_unnamed("merged-"), "{step}: {found:?}"),
        CommitStep::Committed | CommitStep::Merging | CommitStep::Collected => {
            assert!(is_committed, "{step}");
        }
        CommitStep::Published => {
            let is_named = !staged.is_empty() || manifest["finished"] == true;
            assert!(
                is_named,
                "what is published is named until the next commit: {manifest}"
            );
            assert!(TABLES.iter().any(|table| has_published(table)), "{step}");
        }
        _ => {}
    }
}

#[test]
fn killed_at_each_step_of_a_commit() -> anyhow::Result<()> {
    let _alone = alone();
    let folder = tempfile::tempdir()?;
    let input = write_days(folder.path(), 10, LINES_A_FILE)?;
    let (expected, counted) = Outcome::straight(&input, &folder.path().join("straight"), 1);
    let steps = COMMIT_STEPS.into_iter();
    let points = steps.flat_map(|step| [1, 2, 3].map(|nth| CrashPoint { step, nth }));
    let mut points = points.peekable();
    // Each run goes on from the one before; where the input ends, a new round begins with the point that was not reached.
    for round in 0.. {
        let out = folder.path().join(format!("out-{round}"));
        let mut reached = Vec::new();
        let ended = loop {
            let workers = reached.len() % 3 + 1;
            let Some(point) = points.peek() else {
                break Process::start(&mut job_over(&input, &out, workers, 0))?.end();
            };
            let ended = killed_at(*point, &input, &out, workers)?;
            if !ended.was_killed() {
                break ended;
            }
            check_died_at(point.step, &out);
            reached.extend(points.next());
        };
        let killed: Vec<_> = reached.iter().map(CrashPoint::to_string).collect();
        let context = format!("killed at {killed:?}");
        println!("round {round} {context}");
        check_ended(&ended, counted, &context);
        expected.check(&out, &context);
        std::fs::remove_dir_all(out)?;
        match points.peek() {
            None => break,
            Some(point) if reached.is_empty() => {
                // How often files are merged depends on how fast the machine is.
                assert!(point.nth > 1, "{} is never reached", point.step);
                println!("{point} is not reached");
                points.next();
            }
            Some(_) => {}
        }
    }
    Ok(())
}

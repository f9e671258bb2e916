//! Ways: one pipeline, run straight and in every way that must not make a difference.
//!
//! | way | workers | what happens |
//! |---|---|---|
//! | straight | 1 | nothing |
//! | three | 3 | nothing |
//! | crash | 2 | it crashes at a step of a commit, and is started again |
//! | rescale | 1, then 3, then 2 | it is stopped in order after a commit, and started again |
//! | both | 2, then 3, then 1 | it crashes at a step of a commit, twice |

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use crate::app::App;
use crate::error::{Error, Result};
use crate::run::Run;
use crate::snapshot::error::StateError;
use crate::snapshot::follow::CommitStep;
use crate::status::Report;

use super::crash::{COMMIT_STEPS, CrashPoint, Crashed};

/// One way to run a pipeline to its end.
#[derive(Clone, Debug)]
pub struct Way {
    name: &'static str,
    /// The number of workers of each run; the last one again, for whatever runs follow.
    workers: Vec<usize>,
    /// How each run ends, before the last.
    ends: Vec<End>,
}

#[derive(Clone, Copy, Debug)]
enum End {
    Crash(CrashPoint),
    /// An orderly stop after the nth commit.
    Stop(u64),
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} with workers {:?}", self.name, self.workers)?;
        for end in &self.ends {
            match end {
                End::Crash(point) => write!(f, ", crash at {point}")?,
                End::Stop(nth) => write!(f, ", stop after commit {nth}")?,
            }
        }
        Ok(())
    }
}

/// All ways, with crashes at each step of the `nth` commits.
#[must_use]
pub fn ways(nth: &[u64]) -> Vec<Way> {
    let way = |name, workers: &[usize], ends: &[End]| Way {
        name,
        workers: workers.to_vec(),
        ends: ends.to_vec(),
    };
    let mut ways = vec![
        way("straight", &[1], &[]),
        way("three", &[3], &[]),
        way("rescale", &[1, 3, 2], &[End::Stop(2), End::Stop(1)]),
    ];
    for nth in nth {
        for step in COMMIT_STEPS {
            let crash = End::Crash(CrashPoint { step, nth: *nth });
            let again = End::Crash(CrashPoint { step, nth: 1 });
            ways.push(way("crash", &[2], &[crash]));
            ways.push(way("both", &[2, 3, 1], &[crash, again]));
        }
    }
    ways
}

/// What came of a way.
#[derive(Clone, Debug)]
pub struct Ran {
    /// The report of the last run: its counters go on from those before.
    pub report: Report,
    /// How many runs there were.
    pub runs: usize,
}

impl Way {
    /// Runs a pipeline this way to its end: `run` is given an application whose workers and follower are set; it must keep
    /// its state in the same place each time, and give what [`App::run`] does.
    ///
    /// # Errors
    /// What ended a run, other than the crash it was told.
    pub fn run(&self, name: &str, run: impl Fn(App) -> Result<Report>) -> Result<Ran> {
        let mut ends = self.ends.iter();
        for n in 0.. {
            let workers = self.workers[n.min(self.workers.len() - 1)];
            let app = App::new(name).workers(workers);
            let end = ends.next();
            let app = match end {
                None => app,
                Some(End::Crash(point)) => app.follow_commits(point.crash()),
                Some(End::Stop(nth)) => stop_after(app, *nth),
            };
            match run(app) {
                Ok(report) if report.stopped => {}
                Ok(report) => {
                    return Ok(Ran {
                        report,
                        runs: n + 1,
                    });
                }
                Err(Error::State(StateError::Followed(end))) if end.is::<Crashed>() => {}
                // The crash came when all was done: between the last commit and the end.
                Err(Error::State(StateError::Finished { .. })) if n > 0 => {
                    return Ok(Ran {
                        report: Report::default(),
                        runs: n,
                    });
                }
                Err(error) => return Err(error),
            }
        }
        unreachable!("the ends run out")
    }
}

/// Has the run stopped in order after its `nth` commit.
fn stop_after(app: App, nth: u64) -> App {
    let run: Arc<OnceLock<Run>> = Arc::default();
    let watched = Arc::clone(&run);
    let commits = AtomicU64::new(0);
    app.watch(move |run| drop(watched.set(run.clone())))
        .follow_commits(move |step, _epoch| {
            let is_it =
                step == CommitStep::Committed && commits.fetch_add(1, Ordering::SeqCst) + 1 == nth;
            if let Some(run) = run.get().filter(|_| is_it) {
                run.stop();
            }
            Ok(())
        })
}

//! The job: what the command line asks for, and one run of it.

mod refuse;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use clap::Parser;
use millstream::engine::{BoxError, CommitStep, Epoch};
use millstream::prelude::*;
use millstream::testing::CrashPoint;

use super::files::Files;
use super::generator::Generator;
use super::input::Input;
use super::ndjson_file::NdjsonFile;
use super::output::Output;
use super::queries::{QUERIES, Query, by_name};
use super::seen::Seen;
use super::source::Events;
use super::summary::{Summary, peak_rss_bytes};

/// Names a step of a commit, as in `Committed:3`, at which the process kills itself: what a test of crashes needs.
const KILL_AT: &str = "MILLSTREAM_KILL_AT";

/// The folder, beside the state, of what the output is put together from.
const PARTS: &str = "output.parts";

/// Nexmark: the events of an auction house, and one of the queries that streaming engines are compared by.
#[derive(Clone, Parser)]
#[command(name = "nexmark", version)]
pub(crate) struct Job {
    /// Which query: q0, q1, …
    #[arg(long, value_parser = query)]
    query: &'static Query,

    /// How many events are made up.
    #[arg(long, default_value_t = 1_000_000, conflicts_with = "input")]
    events: u64,

    /// Worker threads; as many as there are cores if not given.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    workers: Option<u16>,

    /// How many of the made-up events happen in a second of event time.
    #[arg(long, default_value_t = 1_000, conflicts_with = "input", value_parser = clap::value_parser!(u64).range(1..))]
    rate_of_event_time: u64,

    /// What decides all that looks like chance in them.
    #[arg(long, default_value_t = 1, conflicts_with = "input")]
    seed: u64,

    /// Make up all events before the clock starts: what is measured is the query alone. They must fit into memory.
    #[arg(long, conflicts_with = "input")]
    made_beforehand: bool,

    /// Read events from NDJSON instead, as {"Bid":{…}}: a file, a glob, or - for standard input; plain, gzip or zstd.
    #[arg(long, value_name = "FILE|GLOB|-")]
    input: Option<String>,

    /// The lines of the input are in order of event time but for so many milliseconds; without, they may be in any order,
    /// and windows close at the end.
    #[arg(long, value_name = "MS", requires = "input")]
    out_of_orderness_ms: Option<u64>,

    /// Write the rows to a file, as NDJSON, which appears when the input has ended; without, they are counted and dropped.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Where query 10 writes its files; a temporary folder, removed at the end, if not given.
    #[arg(long, value_name = "DIR")]
    files: Option<PathBuf>,

    /// Keep state in a directory: snapshots every second, and a run that was killed goes on.
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,

    /// Milliseconds from one snapshot to the next.
    #[arg(long, value_name = "MS", default_value_t = 1_000, requires = "state")]
    snapshot_every: u64,
}

fn query(name: &str) -> Result<&'static Query, String> {
    let names = || QUERIES.iter().map(|query| query.name).collect::<Vec<_>>();
    by_name(name).ok_or_else(|| format!("there is {}", names().join(", ")))
}

impl Job {
    /// Reads the command line; exits with a sentence if it makes none.
    pub(crate) fn from_args() -> Self {
        Self::parse()
    }

    /// Runs the query over all events.
    ///
    /// # Errors
    /// Whatever was in the way.
    pub(crate) fn run(self) -> anyhow::Result<Summary> {
        self.check()?;
        let workers = match self.workers {
            Some(workers) => workers.into(),
            None => std::thread::available_parallelism()?.get(),
        };
        let (query, seen) = (self.query, Arc::new(Seen::default()));
        let app = self.app(&seen)?.workers(workers);
        let files = Files::new(self.files.clone())?;
        let parts = self.parts()?;
        let file = self.output.as_ref();
        let file = file.map(|path| NdjsonFile::new(path, parts.path()));
        let output = Output::new(file, files.path().into());
        let (input, rows) = (self.input(), output.clone());
        let started = Instant::now();
        let report = app.run(move |flow| (query.build)(&input.events(flow, query.timed), &rows))?;
        let seconds = started.elapsed().as_secs_f64();
        if report.stopped {
            anyhow::bail!(
                "interrupted before the end of the input{}",
                self.how_to_go_on()
            );
        }
        parts.delete()?;
        files.remove()?;
        let run = seen.run().expect("it has run");
        tell_of_rejected(&report, &run);
        let steps = run.status().steps;
        Ok(Summary {
            query: query.name,
            events: report.events,
            workers,
            seconds,
            events_per_second: events_of(&report, &run) as f64 / seconds.max(1e-9),
            rows: output.n_rows(),
            keys: steps.iter().map(|step| step.keys).sum(),
            state_bytes: steps.iter().map(|step| step.state_bytes).sum(),
            peak_rss_bytes: peak_rss_bytes(),
            snapshots: seen.n_snapshots.load(Relaxed),
            event_time_rate: self.input.is_none().then_some(self.rate_of_event_time),
        })
    }

    /// Where the output is put together: beside the state, as that of the rows that went before.
    fn parts(&self) -> anyhow::Result<Files> {
        let Some(state) = &self.state else {
            return Ok(match &self.output {
                Some(output) => Files::beside(output).map_err(|error| {
                    let output = output.display();
                    anyhow::anyhow!("cannot make a folder for the parts of {output}: {error}")
                })?,
                None => Files::new(None)?,
            });
        };
        let parts = state.join(PARTS);
        if self.output.is_some() && !parts.exists() {
            if std::fs::read_dir(state).is_ok_and(|mut entries| entries.next().is_some()) {
                anyhow::bail!(
                    "{} has no rows to go on with: its run began without --output, or has finished",
                    state.display()
                );
            }
            std::fs::create_dir_all(&parts)?;
        }
        Ok(Files::new(Some(parts))?)
    }

    /// The application, which tells `seen` what it does.
    fn app(&self, seen: &Arc<Seen>) -> anyhow::Result<App> {
        let (watching, counting) = (Arc::clone(seen), Arc::clone(seen));
        let app = App::new("nexmark").watch(move |run| watching.runs(run));
        let Some(directory) = &self.state else {
            return Ok(app);
        };
        let state = State::in_directory(directory).every(millis(self.snapshot_every));
        let kill = self.kill_at()?;
        Ok(app.state(state).follow_commits(move |step, epoch| {
            counting.takes(step);
            kill(step, epoch)
        }))
    }

    fn input(&self) -> Input {
        if let Some(path) = &self.input {
            return Input::File {
                path: path.clone(),
                out_of_orderness: self.out_of_orderness_ms.map(millis),
            };
        }
        let generator = Generator::new(self.seed, self.rate_of_event_time);
        let events = Events::new(generator, self.events);
        Input::MadeUp(match self.made_beforehand {
            true => events.made_beforehand(),
            false => events,
        })
    }

    /// What kills the process, if the environment says where.
    fn kill_at(&self) -> anyhow::Result<Box<Follow>> {
        match std::env::var(KILL_AT) {
            Ok(point) => Ok(Box::new(point.parse::<CrashPoint>()?.kill())),
            Err(_) => Ok(Box::new(|_, _| Ok(()))),
        }
    }

    fn how_to_go_on(&self) -> &'static str {
        match self.state {
            Some(_) => ": run it again with the same flags to go on from here",
            None => "",
        }
    }
}

/// Is called at each step of each commit.
type Follow = dyn Fn(CommitStep, Epoch) -> Result<(), BoxError> + Send + Sync;

/// How many events this run has taken in itself.
fn events_of(report: &Report, run: &Run) -> u64 {
    report.events - run.resumed().map_or(0, |before| before.events)
}

/// Says on standard error how many lines were no events, and what was wrong with the first of those remembered.
fn tell_of_rejected(report: &Report, run: &Run) {
    if report.rejected == 0 {
        return;
    }
    eprintln!("lines that are no events: {}", report.rejected);
    if let Some(letter) = run.dead_letters().first() {
        eprintln!("at byte {}: {}", letter.offset, letter.reason);
    }
}

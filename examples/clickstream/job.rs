//! The command line of the main job: what is asked for, how it is told what happens, and the exit code.

mod follow;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use millstream::prelude::*;
use millstream::queries::STATE_DIRECTORY;
use millstream::testing::CrashPoint;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use follow::Follow;

/// Page views in, three one-minute tables out: live over HTTP and as Parquet files.
#[derive(Clone, Debug, Parser)]
#[command(name = "clickstream", version)]
pub(crate) struct Job {
    /// Page views a second that the generator makes; `max` for as fast as possible, 0 for none: the collector alone.
    #[arg(long, default_value = "5000", conflicts_with = "input")]
    rate: Rate,

    /// Stop the generator after this many page views; the collector goes on.
    #[arg(long, conflicts_with = "input")]
    events: Option<u64>,

    /// What the generator's page views are made of: the same seed, the same page views.
    #[arg(long, default_value_t = 1, conflicts_with = "input")]
    seed: u64,

    /// Read NDJSON to its end instead: a file, a glob, or - for standard input; plain, gzip or zstd.
    #[arg(long, value_name = "FILE|GLOB|-")]
    pub(crate) input: Option<String>,

    /// The input is in no order of time: keep every window open until its end.
    #[arg(long, requires = "input")]
    pub(crate) unsorted: bool,

    /// Milliseconds from one snapshot to the next: files are published with one, and after a kill it goes on from the last.
    #[arg(long, value_name = "MS", default_value_t = 1000)]
    snapshot_every: u64,

    #[command(flatten)]
    run: RunArgs,
}

/// Where the results go if nothing else is said.
const DEFAULT_OUT: &str = "millstream-data/clickstream";

/// The exit code of a run that was interrupted: 128 and the number of SIGINT.
const INTERRUPTED: u8 = 130;

/// Names a step of a commit, as in `Committed:3`, at which the process kills itself: what a test of crashes needs.
const KILL_AT: &str = "MILLSTREAM_KILL_AT";

/// What the job writes below its output directory.
const WRITTEN: [&str; 3] = [
    "pages_per_minute",
    "countries_per_minute",
    "traffic_per_minute",
];

impl Job {
    /// Reads the command line; exits with a sentence if it makes none.
    pub(crate) fn from_args() -> Self {
        Self::parse()
    }

    /// Runs `pipeline` and says how it went.
    pub(crate) fn run(self, pipeline: fn(&mut Flow<'_>, &Job) -> Result<()>) -> ExitCode {
        say_on_standard_error();
        match self.try_run(pipeline) {
            Ok(code) => code,
            Err(error) => {
                eprintln!("clickstream: {error}");
                ExitCode::FAILURE
            }
        }
    }

    fn try_run(self, pipeline: fn(&mut Flow<'_>, &Job) -> Result<()>) -> anyhow::Result<ExitCode> {
        let out = self.out();
        let state = self.state();
        if self.input.is_some() && !self.run.fresh && !state.exists()? && has_files(&out)? {
            anyhow::bail!(
                "{} is not empty and holds no state to go on from: name another --out, or say --fresh to replace the \
                 results in it",
                out.display()
            );
        }
        let mut app = App::new("clickstream")
            .workers(self.run.workers())
            .dead_letters(TopicSink::of_run(TopicSettings::new()))
            .state(state.clone());
        if let Ok(point) = std::env::var(KILL_AT) {
            app = app.follow_commits(point.parse::<CrashPoint>()?.kill());
        }
        let follow = Arc::new(Follow::new(self.input.is_some(), self.out()));
        if let Some(http) = self.run.http_service() {
            follow.serves_at(http.address());
            app = app.service(http);
        }
        let (job, followed) = (self.clone(), Arc::clone(&follow));
        let app = app.watch(move |run| followed.start(run));
        let checked = self.clone();
        app.check(move |flow| pipeline(flow, &checked))?;
        if self.run.fresh {
            // State goes first: it must never outlive the results that it goes on from.
            state.remove()?;
            remove_results(&out)?;
        }
        let report = app.run(move |flow| pipeline(flow, &job));
        follow.stop();
        let report = report?;
        follow.summary(&report);
        if self.input.is_some() && report.rejected > 0 {
            let letters = self.state_directory().join("sink-dead-letters");
            eprintln!(
                "lines that could not be processed: {}; to see them and why: cargo run --example topic -- {}",
                report.rejected,
                letters.display()
            );
        }
        if self.input.is_some() && report.late > 0 && !self.unsorted {
            eprintln!(
                "{} events came too late for their window: if the input is in no order of time, say --unsorted",
                report.late
            );
        }
        if self.input.is_some() && report.stopped {
            eprintln!(
                "incomplete: interrupted before the end of the input; {}",
                self.how_to_go_on()
            );
            return Ok(ExitCode::from(INTERRUPTED));
        }
        Ok(ExitCode::SUCCESS)
    }

    /// The generator, unless there is none.
    pub(crate) fn generator(&self) -> Option<Clickstream> {
        let generator = Clickstream::new().rate(self.rate).seed(self.seed);
        let generator = match self.events {
            Some(events) => generator.events(events),
            None => generator,
        };
        (self.rate != Rate::Zero).then_some(generator)
    }

    /// Where the rows of `table` go.
    pub(crate) fn files(&self, table: &str) -> ParquetFiles {
        ParquetFiles::new(self.out().join(table)).roll_after(minutes(1))
    }

    fn out(&self) -> PathBuf {
        self.run.out.clone().unwrap_or_else(|| DEFAULT_OUT.into())
    }

    /// What to do after an interruption.
    fn how_to_go_on(&self) -> &'static str {
        if self.input.as_deref() == Some("-") {
            "what was read of standard input is counted, the rest is gone"
        } else if self.run.fresh {
            "run it again without --fresh to go on from here"
        } else {
            "run it again with the same flags to go on from here"
        }
    }

    /// The directory that state is kept in.
    fn state_directory(&self) -> PathBuf {
        let below_out = || self.out().join(STATE_DIRECTORY);
        self.run.state.clone().unwrap_or_else(below_out)
    }

    /// Where state is kept, and how.
    fn state(&self) -> State {
        let out = Some(self.out());
        let run = RunArgs {
            out,
            ..self.run.clone()
        };
        let state = run.state().expect("there is an output directory");
        state.every(millis(self.snapshot_every))
    }
}

/// Removes what an earlier run wrote below `out`, and nothing else.
fn remove_results(out: &Path) -> anyhow::Result<()> {
    for written in WRITTEN
        .map(|name| out.join(name))
        .iter()
        .filter(|path| path.exists())
    {
        std::fs::remove_dir_all(written)
            .map_err(|error| anyhow::anyhow!("cannot remove {}: {error}", written.display()))?;
    }
    Ok(())
}

/// Whether there is any file below `path`, but for those in hidden folders: a run that is killed before it has kept
/// anything leaves folders, and in `.state` and `.staging` perhaps what it was about to write.
fn has_files(path: &Path) -> anyhow::Result<bool> {
    let cannot = |error| anyhow::anyhow!("cannot read {}: {error}", path.display());
    let entries = match std::fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(cannot(error)),
    };
    for entry in entries {
        let entry = entry.map_err(cannot)?;
        let is_folder = entry.file_type().map_err(cannot)?.is_dir();
        let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        if !is_folder || (!is_hidden && has_files(&entry.path())?) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Logs go to standard error: warnings and errors, or what `RUST_LOG` asks for.
fn say_on_standard_error() {
    let asked = std::env::var("RUST_LOG")
        .ok()
        .and_then(|asked| asked.parse::<Targets>().ok());
    let wanted = asked.unwrap_or_else(|| Targets::new().with_default(LevelFilter::WARN));
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    tracing_subscriber::registry()
        .with(lines.with_filter(wanted))
        .init();
}

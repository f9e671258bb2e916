//! The flags that every program with a pipeline has in common.
//!
//! ```text
//! myprogram --workers 4 --listen 0.0.0.0:8080 --out data
//! MILLSTREAM_WORKERS=4 myprogram --no-http
//! ```

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::thread::available_parallelism;

use clap::Args;
use clap::builder::FalseyValueParser;
use millstream_engine::State;

use crate::server::HttpService;

/// Where the HTTP server listens if nobody says otherwise.
pub const LISTEN_DEFAULT: &str = "127.0.0.1:8080";

/// Where state is kept below the folder for files, if nobody says otherwise.
pub const STATE_DIRECTORY: &str = ".state";

/// Flags for how a pipeline runs, to be flattened into a program's own.
///
/// Each can also be given in the environment, as `MILLSTREAM_` and its name.
///
/// # Examples
/// ```
/// use clap::Parser;
/// use millstream_queries::RunArgs;
///
/// #[derive(Parser)]
/// struct Args {
///     #[command(flatten)]
///     run: RunArgs,
/// }
/// let args = Args::parse_from(["clickstream", "--workers", "2", "--no-http"]);
/// assert_eq!(args.run.workers(), 2);
/// assert!(args.run.http_service().is_none());
/// ```
#[derive(Args, Clone, Debug)]
pub struct RunArgs {
    /// How many worker threads drive the pipeline [default: one per core]
    #[arg(long, env = "MILLSTREAM_WORKERS", value_name = "N")]
    pub workers: Option<NonZeroUsize>,

    /// Where views and dashboard are served [default: 127.0.0.1:8080, or a free port if it is taken]
    #[arg(long, env = "MILLSTREAM_LISTEN", value_name = "ADDR")]
    pub listen: Option<String>,

    /// Serve nothing over HTTP
    #[arg(long, env = "MILLSTREAM_NO_HTTP", value_parser = FalseyValueParser::new())]
    pub no_http: bool,

    /// Lets web pages of this origin (scheme, host and port) push events and read views; * for all; may be said several
    /// times
    #[arg(
        long,
        env = "MILLSTREAM_ALLOW_ORIGIN",
        value_name = "ORIGIN",
        value_delimiter = ','
    )]
    pub allow_origin: Vec<String>,

    /// The folder that files are written to
    #[arg(long, env = "MILLSTREAM_OUT", value_name = "DIR")]
    pub out: Option<PathBuf>,

    /// The directory that state is kept in, so that the run can be killed and goes on [default: .state below --out]
    #[arg(long, env = "MILLSTREAM_STATE", value_name = "DIR")]
    pub state: Option<PathBuf>,

    /// Start over: forget the state of an earlier run
    #[arg(long, env = "MILLSTREAM_FRESH", value_parser = FalseyValueParser::new())]
    pub fresh: bool,

    /// Go on without the state of a step, view, sink or source that is gone or changed; may be said several times
    #[arg(
        long,
        env = "MILLSTREAM_DROP_STATE",
        value_name = "NAME",
        value_delimiter = ','
    )]
    pub drop_state: Vec<String>,
}

impl RunArgs {
    /// How many workers to run: as many as asked for, else one per core.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.workers
            .or_else(|| available_parallelism().ok())
            .map_or(1, NonZeroUsize::get)
    }

    /// Where and how state is kept: in `--state`, or else in `.state` below `--out`, so that whoever removes the results
    /// removes the state with them. `None` if neither was given.
    #[must_use]
    pub fn state(&self) -> Option<State> {
        let below_out = || self.out.as_ref().map(|out| out.join(STATE_DIRECTORY));
        let directory = self.state.clone().or_else(below_out)?;
        let state = State::in_directory(directory).fresh(self.fresh);
        Some(self.drop_state.iter().fold(state, State::without))
    }

    /// The HTTP server asked for, if one is.
    ///
    /// An address that was given must be free; the default one gives way to a free port.
    #[must_use]
    pub fn http_service(&self) -> Option<HttpService> {
        if self.no_http {
            return None;
        }
        let service = match &self.listen {
            Some(address) => HttpService::new(address),
            None => HttpService::new(LISTEN_DEFAULT).or_free_port(),
        };
        let origins = self.allow_origin.iter();
        Some(origins.fold(service, HttpService::allow_origin))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        run: RunArgs,
    }

    fn parse(flags: &[&str]) -> Result<RunArgs, clap::Error> {
        let flags = std::iter::once("program").chain(flags.iter().copied());
        Program::try_parse_from(flags).map(|program| program.run)
    }

    #[test]
    fn flags_are_read() {
        let args = parse(&["--workers", "3", "--out", "data", "--fresh"]).unwrap();
        assert_eq!(args.workers(), 3);
        assert_eq!(args.out, Some(PathBuf::from("data")));
        assert!(args.fresh && !args.no_http);
        assert!(args.state().is_some());
        assert!(args.http_service().is_some());
        assert!(
            parse(&["--no-http", "--listen", "x"])
                .unwrap()
                .http_service()
                .is_none()
        );
        assert!(parse(&[]).unwrap().workers() >= 1);
        assert!(parse(&[]).unwrap().state().is_none());
        assert!(parse(&["--state", "kept"]).unwrap().state().is_some());
    }

    #[test]
    fn several_states_are_dropped() {
        let args = parse(&["--drop-state", "pages,view:sums", "--drop-state", "old"]).unwrap();
        assert_eq!(args.drop_state, ["pages", "view:sums", "old"]);
    }

    #[test]
    fn several_origins_are_allowed() {
        let args = parse(&[
            "--allow-origin",
            "https://a.example,https://b.example",
            "--allow-origin",
            "*",
        ]);
        assert_eq!(
            args.unwrap().allow_origin,
            ["https://a.example", "https://b.example", "*"]
        );
    }

    #[test]
    fn no_workers_are_refused() {
        assert!(parse(&["--workers", "0"]).is_err());
        assert!(parse(&["--workers", "many"]).is_err());
    }
}

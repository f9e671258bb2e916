//! What an application gains here: to be served over HTTP, and to be made from the command line.

use clap::Parser;
use millstream_connectors::DeadLetterFiles;
use millstream_engine::App;

use crate::args::RunArgs;
use crate::server::HttpService;

/// Serves the views of an application.
pub trait Serve {
    /// Serves views, changes, sources, status and dashboard over HTTP at `address`, such as `127.0.0.1:8080`.
    ///
    /// If the address is taken the application does not start. See [`HttpService`] for more.
    #[must_use]
    fn serve(self, address: &str) -> Self;
}

impl Serve for App {
    fn serve(self, address: &str) -> Self {
        self.service(HttpService::new(address))
    }
}

/// Makes applications from the command line.
pub trait FromArgs: Sized {
    /// An application with the flags of [`RunArgs`]: exits with a sentence if the command line makes no sense.
    ///
    /// Where results go is the pipeline's affair; dead letters go below `--out`, if it is given. State is kept in `--state`,
    /// or in `.state` below `--out`; without either of them none is. `--fresh` forgets it, and touches no results.
    #[must_use]
    fn from_args(name: &str) -> Self;

    /// The application as `args` say.
    #[must_use]
    fn with_args(self, args: &RunArgs) -> Self;
}

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    run: RunArgs,
}

impl FromArgs for App {
    fn from_args(name: &str) -> Self {
        App::new(name).with_args(&Command::parse().run)
    }

    fn with_args(mut self, args: &RunArgs) -> Self {
        self = self.workers(args.workers());
        if let Some(out) = &args.out {
            self = self.dead_letters(DeadLetterFiles::new(out.join("dead-letters")));
        }
        if let Some(state) = args.state() {
            self = self.state(state);
        }
        match args.http_service() {
            Some(http) => self.service(http),
            None => self,
        }
    }
}

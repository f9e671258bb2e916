//! What an application gains here: to be served over HTTP, and to be made from the command line.

use clap::Parser;
use millstream_connectors::{TopicSettings, TopicSink};
use millstream_engine::App;

use crate::args::RunArgs;
use crate::server::HttpService;

/// Serves the views of an application.
pub trait Serve {
    /// Serves views, changes, sources, status and dashboard over HTTP at `address`, such as `127.0.0.1:8080`.
    ///
    /// If the address is taken the application does not start. Dead letters are kept in a log, if they have no other place,
    /// so that they can be read and sent again. See [`HttpService`] for more.
    #[must_use]
    fn serve(self, address: &str) -> Self;
}

impl Serve for App {
    fn serve(self, address: &str) -> Self {
        keeping_letters(self).service(HttpService::new(address))
    }
}

/// The application with a log for its dead letters, if it has no other place for them.
fn keeping_letters(app: App) -> App {
    if app.keeps_dead_letters() {
        return app;
    }
    app.dead_letters(TopicSink::of_run(TopicSettings::new()))
}

/// Makes applications from the command line.
pub trait FromArgs: Sized {
    /// An application with the flags of [`RunArgs`]: exits with a sentence if the command line makes no sense.
    ///
    /// Where results go is the pipeline's affair. State is kept in `--state`, or in `.state` below `--out`, and dead letters
    /// in a log beside it; without either of them both are in memory. `--fresh` forgets them, and touches no results.
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
        self = keeping_letters(self).workers(args.workers());
        if let Some(state) = args.state() {
            self = self.state(state);
        }
        match args.http_service() {
            Some(http) => self.service(http),
            None => self,
        }
    }
}

//! Nexmark: the queries of an auction house that streaming engines are compared by.
//!
//! `cargo run --release --example nexmark -- --query q1 --events 10000000 --workers 2` makes up ten million events, has them
//! go through query 1, drops its rows and prints one line of JSON: how long it took, and how much memory. With `--input` the
//! events are read from a file, with `--output` the rows are written to one, with `--state` a run that was killed goes on.

mod nexmark {
    pub(crate) mod euros;
    pub(crate) mod event;
    pub(crate) mod files;
    pub(crate) mod generator;
    pub(crate) mod input;
    pub(crate) mod job;
    pub(crate) mod ndjson_file;
    pub(crate) mod output;
    pub(crate) mod pace;
    pub(crate) mod queries;
    pub(crate) mod random;
    pub(crate) mod seen;
    pub(crate) mod source;
    pub(crate) mod summary;
}

use std::process::ExitCode;

use nexmark::job::Job;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[expect(clippy::print_stdout, reason = "the result")]
fn main() -> ExitCode {
    match Job::from_args().run() {
        Ok(summary) => {
            println!("{summary}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("nexmark: {error}");
            ExitCode::FAILURE
        }
    }
}

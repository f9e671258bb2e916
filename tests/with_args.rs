//! What the command line says reaches the run: workers, where dead letters go, where it listens or that it does not.

#[path = "support/letter_log.rs"]
mod letter_log;

use std::net::TcpListener;

use clap::Parser;
use letter_log::letters_beside;
use millstream::prelude::*;
use millstream::testing::{Act, Script};

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    run: RunArgs,
}

fn args(flags: &[&str]) -> RunArgs {
    let flags = std::iter::once("program").chain(flags.iter().copied());
    Command::parse_from(flags).run
}

/// One event, and one that no window could hold.
fn pipeline(flow: &mut Flow<'_>) -> Result<()> {
    let times = [EventTime::from_millis(0), EventTime::MAX];
    let acts = times.map(|time| Act::Emit(time, ()));
    flow.source("events", Script::new(vec![acts.to_vec()]))
        .event_time(|(time, ())| *time, Watermarks::bounded(seconds(0)))
        .window(Tumbling::of(seconds(1)))
        .aggregate("counts", |of| of.count("n"))
        .view("counts")
}

#[test]
fn workers_and_dead_letters() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let out = folder.path().join("out");
    for workers in 1..=3 {
        let n = workers.to_string();
        let path = out.to_str().expect("text");
        let flags = ["--workers", &n, "--no-http", "--fresh", "--out", path];
        let args = args(&flags);
        let running = App::new("args").with_args(&args).start(pipeline)?;
        assert_eq!(running.run().status().workers, workers);
        let run = running.run().clone();
        let report = running.wait()?;
        assert_eq!((report.events, report.rejected), (1, 1));
        let recent = run.dead_letters();
        assert_eq!(
            (recent.len(), recent[0].event_time),
            (1, Some(EventTime::MAX))
        );
        let letters = letters_beside(&out.join(".state"));
        assert_eq!(letters.len(), 1, "each run began anew");
    }
    Ok(())
}

/// Whether an application wants to listen on an address: it cannot, because the address is taken.
fn wants(app: impl FnOnce(&str) -> App) -> anyhow::Result<bool> {
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let address = taken.local_addr()?.to_string();
    match app(&address).workers(1).start(pipeline) {
        Ok(running) => {
            running.wait()?;
            Ok(false)
        }
        Err(error) => {
            assert!(error.to_string().contains(&address), "{error}");
            Ok(true)
        }
    }
}

#[test]
fn where_it_listens() -> anyhow::Result<()> {
    let listens = |address: &str| App::new("args").with_args(&args(&["--listen", address]));
    assert!(wants(listens)?);
    let served = |address: &str| App::new("args").serve(address);
    assert!(wants(served)?);
    let silent =
        |address: &str| App::new("args").with_args(&args(&["--listen", address, "--no-http"]));
    assert!(!wants(silent)?);
    Ok(())
}

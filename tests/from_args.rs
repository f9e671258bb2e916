//! An application made of the arguments of its process is made of the environment, too.
//!
//! Whoever runs the tests may have given them arguments that are not the application's, so this test runs itself again
//! without any.

#[path = "support/letter_log.rs"]
mod letter_log;

use std::process::Command;

use letter_log::letters_beside;
use millstream::prelude::*;
use millstream::testing::{Act, Script};

const AGAIN: &str = "MILLSTREAM_TEST_AGAIN";

/// The application: leaves a dead letter that says how many workers there are.
fn program() -> Result<()> {
    let running = App::from_args("program").start(|flow| {
        let acts = vec![Act::Emit(EventTime::MAX, ())];
        flow.source("events", Script::new(vec![acts]))
            .event_time(|(time, ())| *time, Watermarks::bounded(seconds(0)))
            .inspect(|_| ());
        Ok(())
    })?;
    let status = running.run().status();
    assert_eq!((&*status.name, status.workers), ("program", 3));
    assert_eq!(running.wait()?.rejected, 1);
    Ok(())
}

#[test]
fn the_process_says_how_it_runs() -> anyhow::Result<()> {
    if std::env::var_os(AGAIN).is_some() {
        return Ok(program()?);
    }
    let folder = tempfile::tempdir()?;
    let ran = Command::new(std::env::current_exe()?)
        .env(AGAIN, "yes")
        .env("MILLSTREAM_WORKERS", "3")
        .env("MILLSTREAM_NO_HTTP", "true")
        .env("MILLSTREAM_OUT", folder.path())
        .output()?;
    let told = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{told}");
    assert_eq!(letters_beside(&folder.path().join(".state")).len(), 1);
    Ok(())
}

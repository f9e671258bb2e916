//! The main job as a process.
#![allow(dead_code, reason = "not every test needs all of it")]

#[path = "example.rs"]
mod example;

use std::process::Command;

use example::example;

/// The main job.
pub(crate) fn clickstream() -> Command {
    example("clickstream")
}

/// The value of `name=` in the summary line.
pub(crate) fn of_summary(stdout: &[u8], name: &str) -> f64 {
    let text = String::from_utf8_lossy(stdout);
    let value = text
        .split_whitespace()
        .find_map(|part| part.strip_prefix(&format!("{name}=")));
    value
        .and_then(|value| value.parse().ok())
        .unwrap_or_else(|| panic!("no {name}= in {text:?}"))
}

//! The main job as a process.
#![allow(dead_code, reason = "not every test needs all of it")]

use std::path::PathBuf;
use std::process::Command;

/// The example `clickstream`, which `cargo test` builds beside the tests.
pub(crate) fn clickstream() -> Command {
    let test = std::env::current_exe().expect("a test has a path");
    let built: PathBuf = test
        .parent()
        .and_then(|deps| deps.parent())
        .expect("it lies in deps")
        .into();
    let example = built.join("examples").join("clickstream");
    assert!(
        example.exists(),
        "{} is missing: cargo build --examples",
        example.display()
    );
    let mut command = Command::new(example);
    command.env_remove("RUST_LOG").env_remove("RUST_BACKTRACE");
    command
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

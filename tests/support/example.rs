//! An example as a process.

use std::path::PathBuf;
use std::process::Command;

/// The example called `name`, which `cargo test` builds beside the tests.
pub(crate) fn example(name: &str) -> Command {
    let test = std::env::current_exe().expect("a test has a path");
    let built: PathBuf = test
        .parent()
        .and_then(|deps| deps.parent())
        .expect("it lies in deps")
        .into();
    let example = built.join("examples").join(name);
    assert!(
        example.exists(),
        "{} is missing: cargo build --examples",
        example.display()
    );
    let mut command = Command::new(example);
    command.env_remove("RUST_LOG").env_remove("RUST_BACKTRACE");
    command
}

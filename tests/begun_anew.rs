//! State is forgotten when the user says so and not before, and belongs to one run at a time.

#[path = "support/changing.rs"]
mod changing;

use changing::{Runs, base, whole, with_sums};
use millstream::engine::{LocalStore, StateError, Store};
use millstream::prelude::*;

#[test]
fn a_finished_run_is_over_until_it_is_begun_anew() -> anyhow::Result<()> {
    let runs = Runs::new();
    runs.rest(runs.state(), base)?;
    let error = runs.check_refused(base, &["has finished", "--fresh", "memory:"]);
    assert!(matches!(error, StateError::Finished { .. }));
    let again = Runs {
        memory: Memory::new(),
        ..runs
    };
    let report = again.rest(again.state().fresh(true), base)?;
    assert_eq!(report.events, 30);
    assert_eq!(Runs::values(&again.memory), whole());
    Ok(())
}

#[test]
fn begun_anew_in_the_middle() -> anyhow::Result<()> {
    let runs = Runs::new();
    runs.first(with_sums);
    // What is gone is no matter then.
    let report = runs.rest(runs.state().fresh(true), base)?;
    assert_eq!(report.events, 30);
    assert_eq!(Runs::values(&runs.memory), whole());
    Ok(())
}

#[test]
fn state_that_is_removed_is_gone() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let state = State::in_directory(folder.path().join("state"));
    state.remove()?;
    assert!(
        !folder.path().join("state").exists(),
        "there is nothing to remove"
    );
    let runs = Runs::new();
    runs.run(1, false, state.clone(), base)?;
    std::fs::write(folder.path().join("state/mine"), "")?;
    assert!(state.exists()?);
    state.remove()?;
    assert!(!state.exists()?);
    let mut left: Vec<_> = std::fs::read_dir(folder.path().join("state"))?
        .map(|entry| entry.map(|entry| entry.file_name()))
        .collect::<std::io::Result<_>>()?;
    left.sort();
    assert_eq!(left, ["lock", "mine"]);
    Ok(())
}

#[test]
fn one_run_at_a_time() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let other = LocalStore::open(folder.path())?;
    let locked = other.lock()?;
    let state = || State::in_directory(folder.path());
    let runs = Runs::new();
    let error = runs
        .rest(state(), base)
        .expect_err("it is taken")
        .to_string();
    assert!(error.contains("in use by another process"), "{error}");
    assert!(
        error.contains(&folder.path().display().to_string()),
        "{error}"
    );
    let error = state().remove().expect_err("it is taken");
    assert!(matches!(error, StateError::InUse { .. }));
    drop(locked);
    assert_eq!(runs.rest(state(), base)?.events, 30);
    Ok(())
}

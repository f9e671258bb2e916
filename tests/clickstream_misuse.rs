//! The main job used wrongly: one clear line, an exit code, nothing half written.

#[path = "support/job.rs"]
mod job;
#[path = "support/letter_log.rs"]
mod letter_log;

use std::path::Path;
use std::process::Command;

use job::clickstream;
use letter_log::letters_beside;

fn check(flags: &[&str], out: &Path, says: &[&str]) {
    let ran = clickstream()
        .args(["--no-http", "--out"])
        .arg(out)
        .args(flags)
        .output()
        .expect("it runs");
    let told = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(!ran.status.success(), "{flags:?} {told}");
    assert!(ran.stdout.is_empty(), "{flags:?} {:?}", ran.stdout);
    for part in says {
        assert!(told.contains(part), "{flags:?}: {told:?} lacks {part:?}");
    }
    assert!(!told.contains("panicked"), "{told}");
}

#[test]
fn what_is_wrong_is_said_and_nothing_is_written() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let out = folder.path().join("out");
    let missing = folder.path().join("missing.ndjson");
    check(
        &["--input", missing.to_str().expect("text")],
        &out,
        &["missing.ndjson"],
    );
    check(
        &[
            "--input",
            folder.path().join("*.nothing").to_str().expect("text"),
        ],
        &out,
        &["*.nothing"],
    );
    check(&["--rate", "fast"], &out, &["--rate", "fast"]);
    check(&["--workers", "0"], &out, &["--workers"]);
    check(&["--speed", "9"], &out, &["--speed"]);
    assert!(
        !out.exists(),
        "nothing is written for a run that does not start"
    );

    let input = folder.path().join("in.ndjson");
    std::fs::write(&input, "")?;
    let in_a_file = input.join("out");
    check(
        &["--input", input.to_str().expect("text")],
        &in_a_file,
        &["in.ndjson"],
    );
    std::fs::create_dir(&out)?;
    std::fs::write(out.join("precious"), "mine")?;
    check(
        &["--input", input.to_str().expect("text")],
        &out,
        &["not empty", "--fresh"],
    );
    assert_eq!(std::fs::read_to_string(out.join("precious"))?, "mine");
    assert!(!out.join(".state").exists(), "nothing is begun there");
    Ok(())
}

#[test]
fn what_is_wrong_is_said_once() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let ran = clickstream()
        .args(["--no-http", "--input", "/there/is/no/such.ndjson", "--out"])
        .arg(folder.path().join("out"))
        .output()?;
    let told = String::from_utf8(ran.stderr)?;
    assert_eq!(told.matches("such.ndjson").count(), 1, "{told}");
    assert_eq!(told.lines().count(), 1, "{told}");
    Ok(())
}

/// The job over `input`, begun anew.
fn fresh(input: &Path, out: &Path) -> Command {
    let mut command = clickstream();
    command.args(["--no-http", "--fresh", "--input"]).arg(input);
    command.arg("--out").arg(out);
    command
}

#[test]
fn beginning_anew_replaces_results_and_nothing_else() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (input, out) = (folder.path().join("in.ndjson"), folder.path().join("out"));
    std::fs::write(&input, "broken\n")?;
    std::fs::create_dir_all(&out)?;
    std::fs::write(out.join("precious"), "mine")?;
    for _ in 0..2 {
        assert!(fresh(&input, &out).output()?.status.success());
        assert_eq!(letters_beside(&out.join(".state")).len(), 1);
        assert_eq!(std::fs::read_to_string(out.join("precious"))?, "mine");
    }
    Ok(())
}

#[test]
fn results_whose_state_is_gone_are_in_the_way() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (input, out) = (folder.path().join("in.ndjson"), folder.path().join("out"));
    let view = r#"{"timestamp":"2026-01-15T10:30:00Z","data":{"userId":"u","sessionId":"s","url":"/","referrer":null,"country":"NZ","device":"phone","durationMs":12}}"#;
    std::fs::write(&input, format!("{view}\n"))?;
    assert!(fresh(&input, &out).output()?.status.success());
    // As a process leaves them that is killed while it begins anew: state goes first.
    std::fs::remove_dir_all(out.join(".state"))?;
    check(
        &["--input", input.to_str().expect("text")],
        &out,
        &["holds no state", "--fresh"],
    );
    Ok(())
}

#[test]
fn what_a_start_that_was_killed_leaves_is_in_nobodys_way() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (input, out) = (folder.path().join("in.ndjson"), folder.path().join("out"));
    std::fs::write(&input, "broken\n")?;
    std::fs::create_dir_all(out.join(".state"))?;
    std::fs::write(out.join(".state/lock"), "")?;
    std::fs::write(out.join(".state/manifest-1.tmp"), "millstream mani")?;
    let staging = out.join("pages_per_minute/.staging");
    std::fs::create_dir_all(&staging)?;
    std::fs::write(staging.join("probe-1"), "pro")?;
    let ran = clickstream()
        .args(["--no-http", "--input"])
        .arg(&input)
        .arg("--out")
        .arg(&out)
        .output()?;
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    assert!(!staging.exists(), "nothing is left behind");
    assert!(!out.join(".state/manifest-1.tmp").exists());
    Ok(())
}

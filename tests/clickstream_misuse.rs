//! The main job used wrongly: one clear line, an exit code, nothing half written.

#[path = "support/job.rs"]
mod job;

use std::path::Path;

use job::clickstream;

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
        &["not empty", "--overwrite"],
    );
    assert_eq!(std::fs::read_to_string(out.join("precious"))?, "mine");
    Ok(())
}

#[test]
fn overwriting_replaces_results_and_nothing_else() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (input, out) = (folder.path().join("in.ndjson"), folder.path().join("out"));
    std::fs::write(&input, "broken\n")?;
    std::fs::create_dir_all(out.join("dead-letters"))?;
    std::fs::write(out.join("dead-letters/files.ndjson"), "old\n")?;
    std::fs::write(out.join("precious"), "mine")?;
    let mut command = clickstream();
    command
        .args(["--no-http", "--overwrite", "--input"])
        .arg(&input)
        .arg("--out")
        .arg(&out);
    assert!(command.output()?.status.success());
    assert_eq!(
        std::fs::read_to_string(out.join("dead-letters/files.ndjson"))?
            .lines()
            .count(),
        1
    );
    assert_eq!(std::fs::read_to_string(out.join("precious"))?, "mine");
    Ok(())
}

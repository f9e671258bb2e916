//! The queries of Nexmark asked for wrongly: a sentence on standard error, an exit code, nothing on standard output.

#[path = "support/nexmark.rs"]
mod process;

use process::{lines, nexmark, ran};

fn check(query: &str, flags: &[&str], code: i32, says: &str) {
    let ended = nexmark(query).args(flags).output().expect("it runs");
    let told = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(code), "{query} {flags:?}: {told}");
    assert!(told.contains(says), "{query} {flags:?}: {told}");
    assert!(!told.contains("panicked"), "{query} {flags:?}: {told}");
    assert!(ended.stdout.is_empty(), "{query} {flags:?}");
}

#[test]
fn what_makes_no_sense_is_refused() -> anyhow::Result<()> {
    check("q99", &[], 2, "there is q0, q1");
    check("q0", &["--events", "many"], 2, "--events");
    check("q0", &["--workers", "0"], 2, "--workers");
    check(
        "q0",
        &["--rate-of-event-time", "0"],
        2,
        "--rate-of-event-time",
    );
    check("q0", &["--speed", "9"], 2, "--speed");
    check("q0", &["--input", "x", "--events", "9"], 2, "--events");
    check("q0", &["--out-of-orderness-ms", "9"], 2, "--input");

    check("q0", &["--input", "/there/is/no.ndjson"], 1, "no.ndjson");
    let folder = tempfile::tempdir()?;
    let path = |name: &str| folder.path().join(name).display().to_string();
    check("q0", &["--output", &path("")], 1, "cannot write");
    std::fs::write(folder.path().join("file"), "")?;
    check("q0", &["--output", &path("file/rows")], 1, "file");
    check(
        "q0",
        &["--state", &path("file"), "--events", "9"],
        1,
        "file",
    );
    check("q10", &["--state", &path("state")], 1, "--files");
    check(
        "q0",
        &["--state", &path("state"), "--input", "-"],
        1,
        "standard input",
    );
    check("q0", &["--files", &path("files")], 1, "q10");
    let many = ["--made-beforehand", "--events", "10000000000000"];
    check("q0", &many, 1, "at most 50000000");
    let (input, output) = (path("file"), path("./file"));
    let ordered = ["--input", &input, "--out-of-orderness-ms", "9"];
    check("q12", &ordered, 1, "--out-of-orderness-ms");
    let onto_itself = ["--input", &input, "--output", &output];
    check("q0", &onto_itself, 1, "rows of itself");
    Ok(())
}

#[test]
fn state_of_another_query_or_of_other_events_is_refused() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let state = folder.path().join("state").display().to_string();
    // Killed at the first commit, so that it has something to go on with.
    let mut command = nexmark("q7");
    command.args(["--events", "500", "--state", &state]);
    let killed = command.env("MILLSTREAM_KILL_AT", "Voted:1").output()?;
    assert!(!killed.status.success());
    check(
        "q7",
        &["--events", "501", "--state", &state],
        1,
        "501 auction events",
    );
    let rows = folder.path().join("rows").display().to_string();
    let flags = ["--events", "500", "--state", &state, "--output", &rows];
    check("q7", &flags, 1, "began without --output");
    ran(nexmark("q7").args(["--events", "500", "--state", &state]));
    check(
        "q7",
        &["--events", "500", "--state", &state],
        1,
        "has finished",
    );
    Ok(())
}

#[test]
fn a_run_goes_on_with_its_own_output_alone() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (state, rows, others) = (path("state"), path("rows.ndjson"), path("rows"));
    let flags = ["--events", "500", "--state", &state, "--output"];
    let mut command = nexmark("q0");
    command.args([&flags[..], &[&rows]].concat());
    let killed = command.env("MILLSTREAM_KILL_AT", "Voted:1").output()?;
    assert!(!killed.status.success());
    check("q0", &[&flags[..], &[&others]].concat(), 1, "output");
    // One of nearly the same name leaves it its parts.
    ran(nexmark("q0").args(["--events", "500", "--output", &others]));
    ran(nexmark("q0").args([&flags[..], &[&rows]].concat()));
    assert_eq!(lines(rows.as_ref()), lines(others.as_ref()));
    Ok(())
}

#[test]
fn an_empty_file_gives_an_empty_file() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (input, output) = (folder.path().join("in"), folder.path().join("rows"));
    std::fs::write(&input, "")?;
    std::fs::write(&output, "of another run\n")?;
    for query in ["q0", "q5", "q11", "q15"] {
        let mut command = nexmark(query);
        let (summary, _) = ran(command
            .arg("--input")
            .arg(&input)
            .arg("--output")
            .arg(&output));
        assert_eq!(
            (&summary["events"], &summary["rows"]),
            (&0.into(), &0.into())
        );
        assert_eq!(lines(&output), [""; 0], "{query}");
    }
    Ok(())
}

//! The main job refuses to go on from state that is not its own: one clear line, an exit code, nothing changed.

#[path = "support/files.rs"]
mod files;
#[path = "support/job.rs"]
mod job;
#[path = "support/letter_log.rs"]
mod letter_log;
#[path = "support/outcome.rs"]
mod outcome;
#[path = "support/process.rs"]
mod process;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use files::files_below;
use job::clickstream;
use outcome::{Counted, FILES_A_DAY, job_over, write_days};
use process::Process;

/// All there is below a folder.
fn all_below(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let read = |path: PathBuf| {
        let bytes = std::fs::read(&path).expect("it is there");
        (path, bytes)
    };
    files_below(folder).into_iter().map(read).collect()
}

/// Checks that the job is refused by one line with all of `says` in it, and changes nothing in `out`.
fn check_refused(command: &mut Command, out: &Path, says: &[&str]) -> anyhow::Result<()> {
    let before = all_below(out);
    let ran = command.output()?;
    let told = String::from_utf8(ran.stderr)?;
    assert_eq!(ran.status.code(), Some(1), "{told}");
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(told.starts_with("clickstream: "), "{told}");
    for part in says {
        assert!(told.contains(part), "{told:?} lacks {part:?}");
    }
    assert!(all_below(out) == before, "nothing is changed: {told}");
    Ok(())
}

#[test]
fn a_run_that_has_finished_is_not_run_again() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (input, out) = (write_days(folder.path(), 1, 20)?, folder.path().join("out"));
    assert!(job_over(&input, &out, 2, 1000).output()?.status.success());
    let state = out.join(".state").display().to_string();
    let says = [&*state, "has finished", "--fresh"];
    check_refused(&mut job_over(&input, &out, 1, 1000), &out, &says)
}

#[test]
fn state_of_another_input_is_not_gone_on_from() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (input, out) = (write_days(folder.path(), 2, 20)?, folder.path().join("out"));
    let mut killed = job_over(&input, &out, 2, 0);
    let killed = killed.env("MILLSTREAM_KILL_AT", "Committed:1").output()?;
    assert!(!killed.status.success());

    let file = folder.path().join("0000.ndjson");
    let original = std::fs::read(&file)?;
    let longer = [&original[..], b"{}\n"].concat();
    let mut changed = original.clone();
    changed[0] = b'[';
    let says = [
        "another input",
        "source \"files\"",
        "0000.ndjson",
        "--fresh",
    ];
    for other in [longer, changed] {
        std::fs::write(&file, other)?;
        check_refused(&mut job_over(&input, &out, 1, 1000), &out, &says)?;
    }
    std::fs::write(&file, &original)?;
    let elsewhere = folder.path().join("elsewhere.txt");
    std::fs::copy(&file, &elsewhere)?;
    let elsewhere = elsewhere.to_str().expect("text");
    let says = ["another input", "elsewhere.txt", "0000.ndjson", "--fresh"];
    check_refused(&mut job_over(elsewhere, &out, 3, 1000), &out, &says)?;

    let ran = job_over(&input, &out, 3, 1000).output()?;
    let told = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(
        ran.status.success() && told.contains("resumed from"),
        "{told}"
    );
    let counted = Counted::of(&String::from_utf8_lossy(&ran.stdout));
    assert_eq!(counted.events, (2 * FILES_A_DAY * 20) as f64);
    Ok(())
}

#[test]
fn two_do_not_keep_their_state_in_one_directory() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (out, state) = (folder.path().join("out"), folder.path().join("state"));
    let job = |out: &Path| {
        let mut command = clickstream();
        command.args(["--no-http", "--rate", "0", "--out"]).arg(out);
        command.arg("--state").arg(&state);
        command
    };
    let mut first = Process::start(&mut job(&out))?;
    first.wait_for("begins anew");
    let other = folder.path().join("other");
    let place = state.display().to_string();
    let says = [&*place, "in use by another process"];
    check_refused(&mut job(&other), folder.path(), &says)?;
    check_refused(job(&other).arg("--fresh"), folder.path(), &says)?;
    first.signal("TERM");
    assert!(first.end().status.success());
    Ok(())
}

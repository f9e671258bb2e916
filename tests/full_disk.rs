//! The disk is full, really: the job stops and says which file found no room, and goes on when there is some.
#![cfg(target_os = "linux")]

#[path = "support/files.rs"]
mod files;
#[path = "support/job.rs"]
mod job;
#[path = "support/kept.rs"]
mod kept;
#[path = "support/letter_log.rs"]
mod letter_log;
#[path = "support/outcome.rs"]
mod outcome;
#[path = "support/process.rs"]
mod process;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use kept::{n_committed, newest_manifest};
use outcome::{Counted, Outcome, job_over, write_days};
use process::{Ended, Process};
use tempfile::TempDir;

/// A disk of 16 MiB, in memory.
struct SmallDisk {
    folder: TempDir,
    mounted: bool,
}

impl SmallDisk {
    /// Mounts it; what is in the way, if the system does not let us.
    fn mount() -> Result<SmallDisk, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=16m", "tmpfs"])
            .arg(folder.path())
            .output()
            .map_err(|error| error.to_string())?;
        if !mount.status.success() {
            return Err(String::from_utf8_lossy(&mount.stderr).into_owned());
        }
        Ok(SmallDisk {
            folder,
            mounted: true,
        })
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Takes all room but `n_bytes` with a file; gives the file.
    fn fill_up_to(&self, n_bytes: usize) -> PathBuf {
        let (path, left) = (self.path().join("filler"), self.path().join("left"));
        std::fs::write(&left, vec![1; n_bytes]).expect("there is room");
        let mut filler = std::fs::File::create(&path).expect("there is room");
        while filler.write_all(&[1; 4096]).is_ok() {}
        std::fs::remove_file(left).expect("it was written");
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        if std::mem::take(&mut self.mounted) {
            let unmounted = Command::new("umount").arg(self.path()).status();
            assert!(
                unmounted.is_ok_and(|status| status.success()),
                "it is unmounted"
            );
        }
    }
}

/// Checks that the job has stopped for want of room, and names a file on the disk in one sentence.
fn check_says_full(ended: &Ended, disk: &SmallDisk) {
    assert_eq!(ended.status.code(), Some(1), "{}", ended.stderr);
    let told = ended
        .stderr
        .lines()
        .find(|line| line.starts_with("clickstream: "));
    let told = told.unwrap_or_else(|| panic!("{}", ended.stderr));
    assert!(told.contains("No space left on device"), "{told}");
    assert!(
        told.contains(&format!("{}/out/", disk.path().display())),
        "{told}"
    );
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    eprintln!("{told}");
}

fn check_full_disk(room_bytes: usize, workers: [usize; 3]) -> anyhow::Result<()> {
    let disk = match SmallDisk::mount() {
        Ok(disk) => disk,
        Err(reason) => {
            eprintln!("skipped: a disk cannot be mounted here: {reason}");
            return Ok(());
        }
    };
    let folder = tempfile::tempdir()?;
    let input = write_days(folder.path(), 10, 40)?;
    let (expected, counted) = Outcome::straight(&input, &folder.path().join("straight"), 2);
    let out = disk.path().join("out");
    let committed =
        || newest_manifest(&out.join(".state")).map_or(0, |manifest| n_committed(&manifest));
    let run = |workers| {
        Ok::<_, std::io::Error>(Process::start(&mut job_over(&input, &out, workers, 20))?.end())
    };

    let filler = disk.fill_up_to(room_bytes);
    check_says_full(&run(workers[0])?, &disk);
    let before = committed();
    eprintln!("{room_bytes} bytes of room: {before} lines are committed");
    // Nothing is made worse by trying again.
    check_says_full(&run(workers[1])?, &disk);
    assert!(committed() >= before);

    std::fs::remove_file(filler)?;
    let ended = run(workers[2])?;
    assert!(ended.status.success(), "{}", ended.stderr);
    assert_eq!(
        ended.stderr.contains("resumed from epoch"),
        before > 0,
        "{}",
        ended.stderr
    );
    assert_eq!(Counted::of(&ended.stdout), counted);
    expected.check(&out, "after the disk was full");
    Ok(())
}

#[test]
fn full_after_some_commits() -> anyhow::Result<()> {
    check_full_disk(1 << 20, [2, 3, 1])
}

#[test]
fn full_soon() -> anyhow::Result<()> {
    check_full_disk(64 << 10, [1, 1, 3])
}

//! Recovery: the folder as it was at the last commit, when a run goes on from a snapshot.
//!
//! ```text
//!  .staging/part-…   of this run, named by the commit      stays, and is published (again)
//!                    of this run, not named                goes: its rows come again
//!                    of another run                        stays: that run may want it
//!  part-…            of this run, of a later epoch         goes: its rows come again
//!                    all others                            stay
//!  _manifest.json    lists files that go                   see below
//! ```
//!
//! Files are published after the commit, so one of a later epoch is there only if the newest commit was lost and an older
//! one is taken. A manifest that lists such files tells what is not so any more. If they were late corrections only, the
//! partition was final before them and still is, and the manifest is written anew without them. If not, the partition
//! was declared final after the commit; the manifest is removed, and comes again when the watermark leaves the partition.
//! Either is done before the files go, so that a process that dies in between leaves nothing that is not found again.

use std::fs;
use std::path::Path;

use millstream_engine::Epoch;

use crate::sink_error::SinkError;
use crate::staged_name::StagedName;

use super::folder::{Folder, STAGING, exists};
use super::manifest::{MANIFEST, Manifest, Without};
use super::staged_file::{StagedFile, name_of};

impl Folder {
    /// Removes what run `run` staged that is not among `staged`, and what it published of epochs after `committed`.
    pub(crate) fn recover(
        &self,
        run: &str,
        committed: Epoch,
        staged: &[StagedFile],
    ) -> Result<(), SinkError> {
        let is_wanted = |name: &str| staged.iter().any(|file| file.staged_name() == name);
        let is_ours = |name: &StagedName| name.run == run;
        let goes = |name: &str| {
            let of_file = name.strip_suffix(".staged").and_then(name_of);
            of_file.as_ref().is_some_and(is_ours) && !is_wanted(name)
        };
        self.remove_staged(goes)?;
        self.take_back("", &|name| name.is_after(run, committed))
    }

    /// Removes the published files in `folder` and below whose names `goes`.
    fn take_back(&self, folder: &str, goes: &dyn Fn(&StagedName) -> bool) -> Result<(), SinkError> {
        let mut names = Vec::new();
        for found in self.entries(folder)? {
            match found {
                Found::Folder(name) if folder.is_empty() => self.take_back(&name, goes)?,
                Found::Folder(name) => self.take_back(&format!("{folder}/{name}"), goes)?,
                Found::File(name) if name_of(&name).as_ref().is_some_and(goes) => names.push(name),
                Found::File(_) => {}
            }
        }
        if names.is_empty() {
            return Ok(());
        }
        self.mend_manifest(folder, &names)?;
        for name in &names {
            let path = self.root().join(folder).join(name);
            tracing::info!(path = %path.display(), "taking back what was published after the last commit");
            remove(&path)?;
        }
        self.sync(folder)
    }

    fn mend_manifest(&self, folder: &str, removed: &[String]) -> Result<(), SinkError> {
        let path = self.root().join(folder);
        match Manifest::without(&path, removed)? {
            Without::Same => Ok(()),
            Without::Fewer(manifest) => self.replace(folder, MANIFEST, &manifest.to_json()),
            Without::NotFinal => {
                remove(&path.join(MANIFEST))?;
                self.sync(folder)
            }
        }
    }

    /// What readers see in `folder`; links are not followed.
    fn entries(&self, folder: &str) -> Result<Vec<Found>, SinkError> {
        let path = self.root().join(folder);
        let mut found = Vec::new();
        for entry in fs::read_dir(&path).map_err(SinkError::io("list", &path))? {
            let entry = entry.map_err(SinkError::io("list", &path))?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let kind = entry
                .file_type()
                .map_err(SinkError::io("look at", &entry.path()))?;
            if kind.is_dir() && !name.starts_with('.') {
                found.push(Found::Folder(name));
            } else if kind.is_file() {
                found.push(Found::File(name));
            }
        }
        Ok(found)
    }

    /// Removes the files in `.staging` whose names `goes`.
    pub(crate) fn remove_staged(&self, goes: impl Fn(&str) -> bool) -> Result<(), SinkError> {
        let staging = self.staging();
        if !exists(&staging)? {
            return Ok(());
        }
        for found in self.entries(STAGING)? {
            match found {
                Found::File(name) if goes(&name) => remove(&staging.join(name))?,
                Found::File(_) | Found::Folder(_) => {}
            }
        }
        self.sync_staging()
    }
}

/// Something in a folder, by its name.
enum Found {
    Folder(String),
    File(String),
}

fn remove(path: &Path) -> Result<(), SinkError> {
    fs::remove_file(path).map_err(SinkError::io("remove", path))
}

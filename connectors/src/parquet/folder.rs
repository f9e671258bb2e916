//! The folder on disk: what is staged in it, what is published, and who is at work in it.
//!
//! Files are staged in `.staging` and published by a rename, each followed by a sync of the folder, so that what was
//! reported as staged or published is still so after a power failure.
//!
//! What a crash leaves in `.staging` nobody has published: the next run removes it. Another process may be staging at
//! that very time, though, started by mistake or as a neighbour, so every run holds a shared lock on the folder, and
//! only who has it alone clears. The system lets go of the lock when a process dies.
//!
//! A run that takes snapshots clears none of the files of rows: they may be named by a commit, of this pipeline or of
//! another one that is not running now. What of its own is named by none, its recovery removes.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::sink_error::SinkError;

use super::staged_file::{StagedFile, name_of};

/// The name of the folder in which files are staged.
pub(crate) const STAGING: &str = ".staging";

/// A folder that this process is at work in.
#[derive(Debug)]
pub(crate) struct Folder {
    root: PathBuf,
    /// The root, opened and locked; `None` where the system has no such locks.
    lock: Option<File>,
}

impl Folder {
    /// Creates the folder, or finds out that it cannot be used; leaves nothing in it.
    pub(crate) fn check(root: &Path, durable: bool) -> Result<(), SinkError> {
        let folder = Folder::open(root, durable)?;
        folder.create_staging()?;
        let probe = format!("probe-{}", std::process::id());
        folder.write_staged(&probe, |mut file| {
            file.write_all(b"probe")
                .map_err(SinkError::io("write", root))
        })?;
        let path = folder.staging().join(probe);
        fs::remove_file(&path).map_err(SinkError::io("remove", &path))?;
        folder.close();
        Ok(())
    }

    /// Creates the folder if need be, and clears what earlier runs left unpublished; if the run is `durable`, only what
    /// no run can want any more.
    pub(crate) fn open(root: &Path, durable: bool) -> Result<Self, SinkError> {
        create_folder(root)?;
        let folder = Folder {
            root: root.into(),
            lock: lockable(root),
        };
        match folder.is_alone() {
            true if durable => folder.remove_staged(is_of_no_run)?,
            true => folder.clear_staging()?,
            false => {}
        }
        if let Some(lock) = &folder.lock {
            // What was locked alone is let go first: locking it twice is not defined.
            lock.unlock()
                .and_then(|()| lock.lock_shared())
                .map_err(SinkError::io("lock", root))?;
        }
        Ok(folder)
    }

    /// Leaves the folder: nothing will be staged any more. Removes `.staging` if it is empty and nobody else's.
    pub(crate) fn close(&self) {
        let alone = self.lock.as_ref().is_some_and(|lock| lock.unlock().is_ok()) && self.is_alone();
        if alone {
            // Not empty means that something is wanted there by a later publish; it stays.
            let _ = fs::remove_dir(self.staging());
            let _ = self.lock.as_ref().map(File::unlock);
        }
    }

    pub(crate) fn create_staging(&self) -> Result<(), SinkError> {
        create_folder(&self.staging())
    }

    /// Writes and syncs one file in `.staging`; the folder is synced by [`Folder::sync_staging`].
    pub(crate) fn write_staged(
        &self,
        name: &str,
        write: impl FnOnce(&File) -> Result<(), SinkError>,
    ) -> Result<(), SinkError> {
        let path = self.staging().join(name);
        let file = File::create(&path).map_err(SinkError::io("create", &path))?;
        write(&file).map_err(|source| SinkError::File {
            path: path.clone(),
            source: Box::new(source),
        })?;
        file.sync_all().map_err(SinkError::io("sync", &path))
    }

    pub(crate) fn sync_staging(&self) -> Result<(), SinkError> {
        sync_folder(&self.staging())
    }

    /// Renames a staged file to its place; gives whether it was not there yet. The folders above are to be synced.
    pub(crate) fn publish(&self, file: &StagedFile) -> Result<bool, SinkError> {
        let staged = self.staging().join(file.staged_name());
        let published = self.path(file);
        match (exists(&staged)?, exists(&published)?) {
            (false, true) => Ok(false),
            (false, false) => Err(SinkError::Lost { staged, published }),
            (true, true) => Err(SinkError::Occupied { path: published }),
            (true, false) => {
                let folder = self.root.join(&file.folder);
                fs::create_dir_all(&folder).map_err(SinkError::io("create the folder", &folder))?;
                fs::rename(&staged, &published)
                    .map_err(SinkError::io("publish a staged file as", &published))?;
                Ok(true)
            }
        }
    }

    /// Puts `bytes` in the place of the file `name` in `folder`, at once and durably.
    pub(crate) fn replace(&self, folder: &str, name: &str, bytes: &[u8]) -> Result<(), SinkError> {
        self.create_staging()?;
        let staged_name = format!("{}-{name}.staged", folder.replace('/', "-"));
        let path = self.root.join(folder).join(name);
        self.write_staged(&staged_name, |mut file| {
            file.write_all(bytes).map_err(SinkError::io("write", &path))
        })?;
        fs::rename(self.staging().join(staged_name), &path)
            .map_err(SinkError::io("replace", &path))?;
        self.sync(folder)
    }

    /// Syncs `folder` and those above it, up to the root.
    pub(crate) fn sync(&self, folder: &str) -> Result<(), SinkError> {
        let path = self.root.join(folder);
        path.ancestors()
            .take_while(|above| above.starts_with(&self.root))
            .try_for_each(sync_folder)
    }

    pub(crate) fn path(&self, file: &StagedFile) -> PathBuf {
        self.root.join(&file.folder).join(&file.name)
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn staging(&self) -> PathBuf {
        self.root.join(STAGING)
    }

    /// Whether nobody else is at work in the folder; if so, nobody can begin until the lock is let go.
    fn is_alone(&self) -> bool {
        match self.lock.as_ref().map(File::try_lock) {
            Some(Ok(())) => true,
            Some(Err(TryLockError::WouldBlock)) => false,
            // Without locks nothing is known of others, and what is theirs must not be removed.
            Some(Err(TryLockError::Error(_))) | None => false,
        }
    }

    fn clear_staging(&self) -> Result<(), SinkError> {
        let staging = self.staging();
        match fs::remove_dir_all(&staging) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(SinkError::io("clear what an earlier run left in", &staging)(error))
            }
            _ => Ok(()),
        }
    }
}

/// The folder as a file that can be locked, where the system has that.
fn lockable(root: &Path) -> Option<File> {
    let file = File::open(root).ok()?;
    match file.try_lock_shared() {
        Ok(()) => file.unlock().ok().map(|()| file),
        Err(TryLockError::WouldBlock) => Some(file),
        Err(TryLockError::Error(_)) => None,
    }
}

/// Whether a staged file is none of rows: half a manifest, say.
fn is_of_no_run(staged_name: &str) -> bool {
    staged_name
        .strip_suffix(".staged")
        .and_then(name_of)
        .is_none()
}

pub(crate) fn exists(path: &Path) -> Result<bool, SinkError> {
    path.try_exists().map_err(SinkError::io("look for", path))
}

/// Creates a folder and those above it, each of them durably.
fn create_folder(path: &Path) -> Result<(), SinkError> {
    if path.is_dir() {
        return Ok(());
    }
    let above = path
        .parent()
        .map(|above| match above.as_os_str().is_empty() {
            true => Path::new("."),
            false => above,
        });
    if let Some(above) = above {
        create_folder(above)?;
    }
    match fs::create_dir(path) {
        Err(error) if !(error.kind() == ErrorKind::AlreadyExists && path.is_dir()) => {
            return Err(SinkError::io("create the folder", path)(error));
        }
        _ => {}
    }
    above.map_or(Ok(()), sync_folder)
}

/// Makes the names in a folder durable; where folders cannot be opened as files, the system does so itself.
fn sync_folder(path: &Path) -> Result<(), SinkError> {
    let sync = || -> io::Result<()> {
        if cfg!(unix) {
            File::open(path)?.sync_all()
        } else {
            Ok(())
        }
    };
    sync().map_err(SinkError::io("sync the folder", path))
}

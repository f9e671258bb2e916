//! A folder to write files to: one that is asked for, or a temporary one.

use std::path::{Path, PathBuf};
use std::{fs, io};

use tempfile::TempDir;

/// A folder for files.
pub(crate) enum Files {
    /// It stays.
    Kept(PathBuf),
    /// It goes, whatever happens, when this is dropped.
    Temporary(TempDir),
}

impl Files {
    /// The folder at `path`, or a temporary one where others are.
    ///
    /// # Errors
    /// If a temporary one cannot be made.
    pub(crate) fn new(path: Option<PathBuf>) -> io::Result<Self> {
        match path {
            Some(path) => Ok(Files::Kept(path)),
            None => Ok(Files::Temporary(TempDir::new()?)),
        }
    }

    /// A temporary folder beside `path`, whose folder is made if it is not there.
    ///
    /// # Errors
    /// If it cannot be made.
    pub(crate) fn beside(path: &Path) -> io::Result<Self> {
        let folder = path.parent().filter(|folder| *folder != Path::new(""));
        let folder = folder.unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        Ok(Files::Temporary(TempDir::with_prefix_in(
            ".parts-", folder,
        )?))
    }

    pub(crate) fn path(&self) -> &Path {
        match self {
            Files::Kept(path) => path,
            Files::Temporary(folder) => folder.path(),
        }
    }

    /// Removes the folder, whichever it is, and all that is in it.
    ///
    /// # Errors
    /// If it cannot be removed.
    pub(crate) fn delete(self) -> io::Result<()> {
        match self {
            Files::Kept(path) if !path.exists() => Ok(()),
            Files::Kept(path) => {
                // At once, so that nobody finds a part of it.
                let going = path.with_extension("removed");
                fs::rename(path, &going)?;
                fs::remove_dir_all(going)
            }
            Files::Temporary(folder) => folder.close(),
        }
    }

    /// Removes the folder if it is a temporary one.
    ///
    /// # Errors
    /// If it cannot be removed.
    pub(crate) fn remove(self) -> io::Result<()> {
        match self {
            Files::Kept(_) => Ok(()),
            Files::Temporary(folder) => folder.close(),
        }
    }
}

//! Exports: a view as a file, in the format that the file's extension names.
//!
//! The file is written under another name beside the one asked for and then renamed, so that nobody ever reads half
//! of it, and what was there before stays until the new file is whole.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use millstream_engine::{BoxError, Run, Snapshot, ViewSnapshot};

use crate::format::Format;

/// Why a view could not be exported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// There is no view of that name.
    #[error("cannot export view {view:?}: there is none of that name, there are {known:?}")]
    UnknownView {
        /// The name.
        view: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// The path does not say which format is wanted.
    #[error("cannot export to {path:?}: name it .parquet, .csv, .ndjson or .json")]
    UnknownExtension {
        /// The path.
        path: PathBuf,
    },
    /// The rows cannot be written in this format.
    #[error("cannot write rows for {path:?}: {source}")]
    Encode {
        /// The path.
        path: PathBuf,
        /// What went wrong.
        source: BoxError,
    },
    /// The file could not be written.
    #[error("cannot write {path:?}: {source}")]
    Write {
        /// The file that was tried: the one asked for, or the one that was to be renamed.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Something whose views can be written to files.
pub trait Export {
    /// Writes view `name` to `path`, whose extension says how: `.parquet`, `.csv`, `.ndjson` or `.json`.
    ///
    /// Rows come newest window first, then by key. Gives how many there are. A file that was there is
    /// replaced once the new one is whole.
    ///
    /// # Errors
    /// If there is no such view, the extension names no format, or the file cannot be written.
    ///
    /// # Examples
    /// ```
    /// use millstream_engine::Snapshot;
    /// use millstream_queries::{Export, ExportError};
    /// let nothing = Snapshot::default().export("pages", "pages.csv");
    /// assert!(matches!(nothing, Err(ExportError::UnknownView { .. })));
    /// ```
    fn export(&self, name: &str, path: impl AsRef<Path>) -> Result<usize, ExportError>;
}

impl Export for Run {
    fn export(&self, name: &str, path: impl AsRef<Path>) -> Result<usize, ExportError> {
        self.snapshot().export(name, path)
    }
}

impl Export for Snapshot {
    fn export(&self, name: &str, path: impl AsRef<Path>) -> Result<usize, ExportError> {
        let view = self
            .views
            .get(name)
            .ok_or_else(|| ExportError::UnknownView {
                view: name.into(),
                known: self.views.keys().cloned().collect(),
            })?;
        export_view(view, path.as_ref())
    }
}

fn export_view(view: &ViewSnapshot, path: &Path) -> Result<usize, ExportError> {
    let format =
        Format::of_path(path).ok_or_else(|| ExportError::UnknownExtension { path: path.into() })?;
    let rows: Vec<_> = view.rows().map(|(_, values)| &values[..]).collect();
    let mut bytes = Vec::new();
    format
        .write(&view.columns, &rows, &mut bytes)
        .map_err(|source| ExportError::Encode {
            path: path.into(),
            source,
        })?;

    let beside = beside(path);
    let written = write_durably(&beside, &bytes)
        .map_err(|source| ExportError::Write {
            path: beside.clone(),
            source,
        })
        .and_then(|()| {
            fs::rename(&beside, path).map_err(|source| ExportError::Write {
                path: path.into(),
                source,
            })
        });
    if written.is_err() {
        // What could not be finished is of use to nobody; if it cannot be removed either, the error above says enough.
        let _ = fs::remove_file(&beside);
    }
    written.map(|()| rows.len())
}

/// A hidden name in the same folder, and so in the same file system.
fn beside(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.tmp", std::process::id()));
    path.with_file_name(name)
}

fn write_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

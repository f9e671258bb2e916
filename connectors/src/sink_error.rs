//! What can go wrong on the way out, while rows become bytes and bytes become files.

use std::io;
use std::path::{Path, PathBuf};

use parquet::errors::ParquetError;

/// Why rows could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SinkError {
    /// The folder of a sink cannot be used, found before the run starts.
    #[error(
        "cannot use {} as a folder for files: {source}: \
         create it, make it writable, or give the sink another folder", path.display()
    )]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What went wrong in it.
        source: Box<SinkError>,
    },
    /// Two sinks of one run have the same folder.
    #[error(
        "sink {second:?} has the folder {} of sink {first:?}: give each a folder of its own",
        path.display()
    )]
    SharedFolder {
        /// The folder.
        path: PathBuf,
        /// The sink that had it first.
        first: String,
        /// The sink that asked for it again.
        second: String,
    },
    /// The system refused to do something with a file or a folder.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Rows could not be written to a file.
    #[error("cannot write rows to {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: Box<SinkError>,
    },
    /// Rows could not be encoded, or what they were written to refused the bytes.
    #[error("cannot write rows as parquet: {source}")]
    Parquet {
        /// What the encoder said.
        source: ParquetError,
    },
    /// A decimal with more digits before the point than its column holds.
    #[error(
        "decimal {value} in column {column:?} has more than 20 digits before the point: \
         divide it into a larger unit, or make the column a float or a text"
    )]
    DecimalTooLarge {
        /// The column.
        column: String,
        /// The value as text.
        value: String,
    },
    /// Something staged that this kind of sink did not write.
    #[error("staged entry {text:?} is not one of a folder of parquet files")]
    NotStaged {
        /// The entry.
        text: String,
    },
    /// Something noted in a snapshot that this kind of sink did not note.
    #[error("note {text:?} is not one of a folder of parquet files: {source}")]
    NotANote {
        /// The note.
        text: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// A staged file that is neither where it was staged nor where it would be published.
    #[error(
        "staged file {} is gone and {} was never published: \
         something else removed files below the sink's folder", staged.display(), published.display()
    )]
    Lost {
        /// Where it was staged.
        staged: PathBuf,
        /// Where it belongs.
        published: PathBuf,
    },
    /// A file stands where another one is to be published.
    #[error("cannot publish {}: another file has that name, and it is not overwritten", path.display())]
    Occupied {
        /// The file.
        path: PathBuf,
    },
    /// Whoever read the console's output has closed it.
    #[error("cannot print rows: the reader of the output has gone away")]
    ReaderGone {
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The console's output refused the bytes.
    #[error("cannot print rows: {source}")]
    Print {
        /// What the system said.
        source: io::Error,
    },
}

impl SinkError {
    /// For `map_err`: `what` was tried on `path`.
    pub(crate) fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> SinkError {
        move |source| SinkError::Io {
            what,
            path: path.into(),
            source,
        }
    }
}

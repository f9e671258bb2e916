//! What can go wrong with files as a whole; a bad line is no error but a dead letter.

use std::io;
use std::path::{Path, PathBuf};

use super::packing::Packing;
use super::plan::STANDARD_INPUT;

/// Why files could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// A glob that could match nothing at all.
    #[error("{pattern:?} is neither a file nor a glob: {source}")]
    BadPattern {
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        source: glob::PatternError,
    },
    /// A glob that matches no file.
    #[error("no file matches {pattern:?}: check the pattern, and the directory it is relative to")]
    NoMatch {
        /// The pattern.
        pattern: String,
    },
    /// A directory stands where a file should.
    #[error("{} is a directory: name the files in it, as in {}", path.display(), path.join("*.ndjson").display())]
    IsDirectory {
        /// The directory.
        path: PathBuf,
    },
    /// A file that is not there or may not be read.
    #[error("cannot open {}: {source}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file could be opened and then not read.
    #[error("cannot read {}: {source}", shown(path))]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A compressed file is cut off or damaged; what could be read of it before was taken in.
    #[error("cannot decompress {} by {packing}: {source}; the file is cut off or damaged", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// How it is compressed.
        packing: Packing,
        /// What the decompressor said.
        source: io::Error,
    },
    /// A file lost bytes while it was read.
    #[error("{} had {bytes} bytes at the start and has fewer now: do not change files while they are read", path.display())]
    Shrunk {
        /// The file.
        path: PathBuf,
        /// How many bytes it had.
        bytes: u64,
    },
    /// A lane is to go on at a position that no lane of files ever had.
    #[error("{text:?} is no position in files: expected one such as \"round 3, byte 12582990\"")]
    NotAPosition {
        /// The position.
        text: String,
    },
    /// A lane is to go on at a position that there is not in its files.
    #[error(
        "lane {lane} cannot go on at \"{position}\" of source {source_name:?}: {reason}; \
         give the source the files it had, or begin anew without the state of the earlier run"
    )]
    PositionOutside {
        /// The source.
        source_name: String,
        /// The lane.
        lane: u32,
        /// The position.
        position: String,
        /// What there is in its place.
        reason: String,
    },
    /// A compressed file ends before the place where its lane is to go on.
    #[error(
        "cannot go on at byte {line} of what is in {}: it ends before; \
         give the source the file it had, or begin anew without the state of the earlier run", path.display()
    )]
    EndsBefore {
        /// The file.
        path: PathBuf,
        /// Where the next line was to begin, in the uncompressed file.
        line: u64,
    },
    /// Two sources read standard input.
    #[error("standard input is read by source {by:?} already: there is only one")]
    StandardInputTaken {
        /// The other source.
        by: String,
    },
    /// Standard input or a pipe needs a thread, and there was none.
    #[error("cannot start a thread to read {}: {source}", shown(path))]
    Thread {
        /// What was to be read.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

fn shown(path: &Path) -> std::path::Display<'_> {
    if path == Path::new(STANDARD_INPUT) {
        Path::new("standard input").display()
    } else {
        path.display()
    }
}

//! Files of one JSON value a line, read by several workers at once.
//!
//! ```text
//!  a.ndjson  │ 0 │ 1 │ 2 │ … │15 │16 │17 │18 │          stripes of 4 MiB, numbered through all files in order
//!  b.ndjson  │19 │20 │…                                 stripe i is read by lane i % 16, in round i / 16
//!  c.ndjson.gz  │…                                      a compressed file or a pipe is one stripe
//! ```
//!
//! The 16 *lanes* are the source's partitions: they do not depend on the number of workers, and neither does what any of
//! them reads. A line belongs to the stripe it begins in. Lanes go through the files together: none begins its stripe of
//! a round before all of the round before are finished, so that event time moves through the files as it would if they
//! were read from front to back by one.
//!
//! A line that cannot be used (no JSON, no UTF-8, over 1 MiB) becomes a dead letter, and reading goes on after it.
//! Blank lines are passed over and counted nowhere: events and dead letters together are the lines that are not blank.
//! `\r\n`, a byte-order mark at a file's beginning and a last line without an end are all right.
//!
//! A run that goes on from a snapshot reads on at the line where each lane stood: a plain file is sought to it, a
//! compressed one is decompressed from its beginning and passed over up to there. The files must be the ones they were.
//! Standard input and pipes cannot be read again: what was taken in after the last snapshot is lost with the process.
//!
//! The *offset* of a line, as dead letters have it, is the place of its first byte in the uncompressed file. Where there
//! are several files, 2⁴⁰ times the number of the file (from 0) is added, and the reason names the file.

mod buffer;
mod error;
mod gate;
mod input;
mod lane;
mod lines;
mod live;
mod packing;
mod plan;
mod position;

use std::sync::Arc;

use millstream_engine::{Arrival, BoxError, Position, Rewind, Source, SourceContext, Waker};

use crate::format::Decode;
use plan::Plan;

pub use error::FileError;
pub use lane::FileLane;
pub use packing::Packing;

/// How many lanes files are read in, whatever the number of workers.
pub(crate) const N_LANES: u32 = 16;

/// How long a stripe of a plain file is.
const STRIPE_BYTES: u64 = 4 * 1024 * 1024;

/// Files of one value a line; [`decode`](Self::decode) makes a source of them.
///
/// # Examples
/// ```
/// use millstream_connectors::{Event, Json, NdjsonFiles};
/// let one = NdjsonFiles::new("data/views.ndjson").decode(Json::<Event<u32>>::new());
/// let days = NdjsonFiles::new("data/2025-01-*.ndjson.gz").decode(Json::<Event<u32>>::new());
/// let piped = NdjsonFiles::new("-").decode(Json::<Event<u32>>::new());
/// ```
#[derive(Clone, Debug)]
pub struct NdjsonFiles {
    patterns: Vec<String>,
    stripe_bytes: u64,
}

impl NdjsonFiles {
    /// The file at a path, all files that a glob such as `data/*.ndjson` matches in the order of their names, or standard
    /// input for `-`.
    ///
    /// What is compressed by gzip or zstd is recognised, by its first bytes or by `.gz` and `.zst`.
    pub fn new(path_or_glob: impl Into<String>) -> Self {
        NdjsonFiles {
            patterns: vec![path_or_glob.into()],
            stripe_bytes: STRIPE_BYTES,
        }
    }

    /// Goes on with another path or glob after those given before.
    #[must_use]
    pub fn then(mut self, path_or_glob: impl Into<String>) -> Self {
        self.patterns.push(path_or_glob.into());
        self
    }

    /// Cuts plain files in stripes of `bytes` in place of 4 MiB, so that a test needs no large files.
    ///
    /// # Panics
    /// If `bytes` is 0.
    #[doc(hidden)]
    #[must_use]
    pub fn stripe_bytes(mut self, bytes: u64) -> Self {
        assert!(bytes > 0, "a stripe has at least one byte");
        self.stripe_bytes = bytes;
        self
    }

    fn has_live(&self) -> bool {
        self.patterns.iter().any(|pattern| plan::is_live(pattern))
    }

    /// A source of the values that `format` makes of the lines.
    pub fn decode<F: Decode>(self, format: F) -> FileSource<F> {
        FileSource {
            files: self,
            format,
        }
    }
}

/// The source made by [`NdjsonFiles::decode`].
#[derive(Clone, Debug)]
pub struct FileSource<F> {
    files: NdjsonFiles,
    format: F,
}

impl<F> FileSource<F> {
    /// The plan all workers read by: whoever comes first looks which files there are.
    fn plan(&self, cx: &SourceContext) -> Result<Arc<Plan>, FileError> {
        let NdjsonFiles {
            patterns,
            stripe_bytes,
        } = &self.files;
        let name = format!("files:{}", cx.name);
        let plan = cx
            .registry
            .get_or_make(&name, || Plan::new(patterns, *stripe_bytes))?;
        if plan.reads_standard_input() {
            let reader = cx
                .registry
                .get_or_make("files:-", || Ok::<_, FileError>(cx.name.clone()))?;
            if *reader != cx.name {
                return Err(FileError::StandardInputTaken {
                    by: reader.to_string(),
                });
            }
        }
        Ok(plan)
    }
}

impl<F: Decode> Source for FileSource<F> {
    type Item = F::Item;
    type Partition = FileLane<F>;

    fn partitions(&self, cx: &SourceContext) -> Result<u32, BoxError> {
        self.plan(cx)?;
        Ok(N_LANES)
    }

    fn open(
        &self,
        partition: u32,
        cx: &SourceContext,
        waker: Waker,
    ) -> Result<FileLane<F>, BoxError> {
        Ok(FileLane::new(
            self.plan(cx)?,
            partition,
            self.format.clone(),
            waker,
        ))
    }

    fn resume(
        &self,
        partition: u32,
        position: &Position,
        cx: &SourceContext,
        waker: Waker,
    ) -> Result<FileLane<F>, BoxError> {
        let lane = FileLane::new(self.plan(cx)?, partition, self.format.clone(), waker);
        let resumed = lane.resume(position.0.parse()?);
        Ok(resumed.map_err(|reason| FileError::PositionOutside {
            source_name: cx.name.clone(),
            lane: partition,
            position: position.0.clone(),
            reason,
        })?)
    }

    /// Files can be read again from any line on; standard input and pipes cannot be read again.
    fn rewind(&self, _cx: &SourceContext) -> Rewind {
        if self.files.has_live() {
            Rewind::Nothing
        } else {
            Rewind::Seek
        }
    }

    /// The files in their order, with their lengths and how they begin.
    fn identity(&self, cx: &SourceContext) -> Result<String, BoxError> {
        Ok(self.plan(cx)?.identity()?)
    }

    /// At the start for files, which are from the past; now for standard input and pipes, which may be live.
    fn arrival(&self) -> Arrival {
        if self.files.has_live() {
            Arrival::Now
        } else {
            Arrival::AtStart
        }
    }
}

//! Walking through a segment: from frame to frame, in large reads, each frame checked.
//!
//! *Invariants*: nothing is read beyond the limit that the caller gives. No more memory is taken than a chunk, or the
//! largest frame there may be, whatever the bytes say.

use std::io;
use std::sync::Arc;

use millstream_engine::Store;

use super::error::LogError;
use super::frame::{self, BadFrame, FRAME_HEADER_BYTES, Frame};
use super::segment::SegmentId;

/// How much is read at once.
const CHUNK_BYTES: u64 = 512 * 1024;

/// What holds for all segments of a partition.
#[derive(Clone)]
pub(super) struct Format {
    pub(super) store: Arc<dyn Store>,
    pub(super) topic_id: [u8; 16],
    /// Of the partition's checksums.
    pub(super) seed: u32,
    pub(super) frame_bytes_max: usize,
}

/// A place in a segment, and what was read from there on.
pub(super) struct Walk {
    format: Format,
    id: SegmentId,
    name: String,
    chunk: Vec<u8>,
    /// Where in the chunk the next frame begins.
    in_chunk: usize,
    /// Where in the segment it does.
    position: u64,
    /// Which record it is.
    next: u64,
}

/// Why a walk does not go on.
pub(super) enum Stop {
    /// What follows is no frame, or not the one that should be there; with the error that it is, where all should be whole.
    Bad(BadFrame, LogError),
    /// The system refused to read.
    Refused(LogError),
}

impl Walk {
    /// A walk through segment `id`, of which record `next` begins at `position`.
    pub(super) fn new(format: Format, id: SegmentId, (next, position): (u64, u64)) -> Self {
        Walk {
            format,
            id,
            name: id.name(),
            chunk: Vec::new(),
            in_chunk: 0,
            position,
            next,
        }
    }

    pub(super) fn segment(&self) -> SegmentId {
        self.id
    }

    /// Where the next frame begins.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// Which record is next.
    pub(super) fn next_offset(&self) -> u64 {
        self.next
    }

    /// The next frame, if there is one before `limit`, up to which the segment is written. After an error it stays where
    /// it is.
    #[inline]
    pub(super) fn next(&mut self, limit: u64) -> Result<Option<Frame<'_>>, Stop> {
        if self.position >= limit {
            return Ok(None);
        }
        let n_bytes = match self.whole_frame() {
            Some(n_bytes) => n_bytes,
            None => self.fetch(limit)?,
        };
        let bytes = &self.chunk[self.in_chunk..self.in_chunk + n_bytes];
        let frame = match frame::decode(bytes, self.format.seed) {
            Ok(frame) if frame.offset == self.next => frame,
            Ok(frame) => return Err(self.bad(BadFrame::Offset(frame.offset))),
            Err(bad) => return Err(self.bad(bad)),
        };
        self.in_chunk += n_bytes;
        self.position += n_bytes as u64;
        self.next += 1;
        Ok(Some(frame))
    }

    /// The length of the next frame, if the chunk has all of it.
    #[inline]
    fn whole_frame(&self) -> Option<usize> {
        let rest = &self.chunk[self.in_chunk..];
        if rest.len() < FRAME_HEADER_BYTES {
            return None;
        }
        let n_bytes = frame::checked_length(rest, self.format.frame_bytes_max).ok()?;
        (n_bytes <= rest.len()).then_some(n_bytes)
    }

    /// Reads on from the next frame, and gives its length.
    #[cold]
    fn fetch(&mut self, limit: u64) -> Result<usize, Stop> {
        let left = limit - self.position;
        self.read(left.min(CHUNK_BYTES))?;
        if self.chunk.len() < FRAME_HEADER_BYTES {
            return Err(self.bad(BadFrame::Cut));
        }
        let n_bytes = frame::checked_length(&self.chunk, self.format.frame_bytes_max);
        let n_bytes = n_bytes.map_err(|bad| self.bad(bad))?;
        if n_bytes as u64 > left {
            return Err(self.bad(BadFrame::Cut));
        }
        if n_bytes > self.chunk.len() {
            self.read(n_bytes as u64)?;
        }
        Ok(n_bytes)
    }

    fn read(&mut self, n_bytes: u64) -> Result<(), Stop> {
        let n_bytes = usize::try_from(n_bytes).expect("chunks and frames fit into memory");
        self.in_chunk = 0;
        self.chunk = Vec::new();
        match self.format.store.read(&self.name, self.position, n_bytes) {
            Ok(chunk) => self.chunk = chunk,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(self.bad(BadFrame::Cut));
            }
            Err(error) => {
                let place = self.format.store.place(&self.name);
                return Err(Stop::Refused(LogError::read("read", place)(error)));
            }
        }
        Ok(())
    }

    #[cold]
    fn bad(&self, bad: BadFrame) -> Stop {
        let error = LogError::Damaged {
            place: self.format.store.place(&self.name),
            offset: self.next,
            position: self.position,
            reason: bad.to_string(),
        };
        Stop::Bad(bad, error)
    }
}

impl Stop {
    /// The error that it is, where everything should be whole.
    pub(super) fn error(self) -> LogError {
        match self {
            Stop::Bad(_, error) | Stop::Refused(error) => error,
        }
    }
}

impl Format {
    /// Whether segment `id` of `length` bytes begins as it should.
    pub(super) fn has_header(&self, id: SegmentId, length: u64) -> Result<bool, LogError> {
        let header = id.header(&self.topic_id);
        let name = id.name();
        if length < header.len() as u64 {
            return Ok(false);
        }
        let read = self.store.read(&name, 0, header.len());
        let read = read.map_err(LogError::read("read", self.store.place(&name)))?;
        Ok(read == header)
    }
}

//! Inputs: where the bytes of a stripe come from, a chunk at a time.
//!
//! A regular file is read by the worker itself, as the disk answers at once or nearly so. Standard input and pipes are
//! read by a thread of their own, see [`Live`].

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use millstream_engine::Waker;

use super::error::FileError;
use super::lines::Lines;
use super::live::Live;
use super::packing::Packing;
use super::plan::{InputFile, Kind, Stripe};

/// How much is read at a time.
const CHUNK_BYTES: usize = 256 * 1024;

/// How much is read at a time beyond the end of a stripe, where only the rest of a line is wanted.
const TAIL_BYTES: usize = 16 * 1024;

/// How it went with the next chunk.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Filled {
    /// So many bytes; 0 at the end.
    Bytes(usize),
    /// There are none yet; the waker will be called.
    NotYet,
}

/// The bytes of a stripe and of what follows it.
pub(super) enum Input {
    Plain {
        file: File,
        at: u64,
        end: u64,
        file_bytes: u64,
    },
    Packed {
        reader: Box<dyn Read + Send>,
        packing: Packing,
        /// How many bytes of the file were read, compressed ones.
        n_packed: Arc<AtomicU64>,
    },
    Live(Live),
}

impl Input {
    /// Opens `file` to read `stripe` of it from the byte `from` on.
    pub(super) fn open(
        file: &InputFile,
        stripe: Stripe,
        from: u64,
        waker: &Waker,
    ) -> Result<Self, FileError> {
        let path = || file.path.clone();
        let open = || {
            File::open(&file.path).map_err(|source| FileError::Open {
                path: path(),
                source,
            })
        };
        match file.kind {
            Kind::Plain => {
                let mut opened = open()?;
                let sought = opened.seek(SeekFrom::Start(from));
                sought.map_err(|source| FileError::Read {
                    path: path(),
                    source,
                })?;
                Ok(Input::Plain {
                    file: opened,
                    at: from,
                    end: stripe.end,
                    file_bytes: file.bytes,
                })
            }
            Kind::Packed(packing) => {
                let n_packed = Arc::new(AtomicU64::new(0));
                let counted = Counted {
                    inner: open()?,
                    n_read: Arc::clone(&n_packed),
                };
                let reader = packing.unpack(Box::new(counted));
                let reader = reader.map_err(|source| FileError::Damaged {
                    path: path(),
                    packing,
                    source,
                })?;
                Ok(Input::Packed {
                    reader,
                    packing,
                    n_packed,
                })
            }
            Kind::Live => match Live::open(&file.path, waker.clone()) {
                Ok(live) => Ok(Input::Live(live)),
                Err(source) => Err(FileError::Thread {
                    path: path(),
                    source,
                }),
            },
        }
    }

    /// Fills `lines` with the next chunk.
    pub(super) fn fill(&mut self, lines: &mut Lines, path: &Path) -> Result<Filled, FileError> {
        let path = || path.to_owned();
        match self {
            Input::Plain {
                file,
                at,
                end,
                file_bytes,
            } => {
                let left = usize::try_from(end.saturating_sub(*at)).unwrap_or(usize::MAX);
                let n = if left > 0 {
                    left.min(CHUNK_BYTES)
                } else {
                    TAIL_BYTES
                };
                let n_read = lines.fill(n, file).map_err(|source| FileError::Read {
                    path: path(),
                    source,
                })?;
                if n_read == 0 && *at < *file_bytes {
                    return Err(FileError::Shrunk {
                        path: path(),
                        bytes: *file_bytes,
                    });
                }
                *at += n_read as u64;
                Ok(Filled::Bytes(n_read))
            }
            Input::Packed {
                reader, packing, ..
            } => {
                let filled = lines.fill(CHUNK_BYTES, reader);
                let packing = *packing;
                filled
                    .map(Filled::Bytes)
                    .map_err(|source| FileError::Damaged {
                        path: path(),
                        packing,
                        source,
                    })
            }
            Input::Live(live) => {
                let failed = |source| FileError::Read {
                    path: path(),
                    source,
                };
                let Some(chunk) = live.next().map_err(failed)? else {
                    return Ok(Filled::NotYet);
                };
                lines
                    .fill(chunk.len(), &mut &chunk[..])
                    .map(Filled::Bytes)
                    .map_err(failed)
            }
        }
    }
}

/// Counts what goes through it.
struct Counted<R> {
    inner: R,
    n_read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.n_read.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

//! Encodings: bodies that were compressed on the way, as `content-encoding` says.
//!
//! ```text
//!  body ─▶ decoder of the last encoding ─▶ … ─▶ decoder of the first ─▶ at most bytes_max
//!                          └── each gives at most bytes_max ──┘
//! ```
//!
//! A few kilobytes can say that they are gigabytes. The decoders therefore feed each other in small pieces, and it is while
//! they do that it is seen when one of them gives too much: no more is ever held than is allowed.

use std::cell::Cell;
use std::io::{self, BufReader, Read};
use std::rc::Rc;

use bytes::Bytes;
use flate2::bufread::MultiGzDecoder;

use super::body_error::BodyError;

/// How many encodings a body may have, one over the other.
const ENCODINGS_MAX: usize = 2;

/// The largest window a zstd stream may ask for, as a power of two: the 8 MiB that RFC 9659 allows over HTTP.
const ZSTD_WINDOW_LOG_MAX: u32 = 23;

/// How much memory is asked for to begin with.
const FIRST_BYTES: usize = 64 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Gzip,
    Zstd,
}

/// What `body`, which is encoded as `content_encoding` says, was before, if that is at most `bytes_max`.
///
/// A body that is not encoded is given back as it is, however large.
///
/// # Errors
/// If it is not what it is said to be, or said to be what nobody here knows, or becomes too large.
pub(super) fn decoded(
    content_encoding: &str,
    body: Bytes,
    bytes_max: usize,
) -> Result<Bytes, BodyError> {
    let encodings = listed(content_encoding)?;
    if encodings.is_empty() {
        return Ok(body);
    }
    let is_over = Rc::new(Cell::new(false));
    let unreadable = |error: io::Error| {
        if is_over.get() {
            let bytes = bytes_max.saturating_add(1);
            return BodyError::TooLarge { bytes, bytes_max };
        }
        let encodings = content_encoding.trim();
        BodyError::Unreadable(format!(
            "it is not {encodings:?} from its beginning to its end: {error}"
        ))
    };
    let mut reader: Box<dyn Read + '_> = Box::new(&body[..]);
    // The last one was put on last.
    for encoding in encodings.into_iter().rev() {
        let decoder = encoding.decoder(reader).map_err(&unreadable)?;
        reader = Box::new(Bounded {
            decoder,
            left: bytes_max,
            is_over: Rc::clone(&is_over),
        });
    }
    read_all(reader.as_mut(), bytes_max).map_err(&unreadable)
}

/// The encodings in the order in which they were put on.
fn listed(content_encoding: &str) -> Result<Vec<Encoding>, BodyError> {
    let mut encodings = Vec::new();
    for name in content_encoding.split(',').map(str::trim) {
        encodings.push(match name.to_ascii_lowercase().as_str() {
            "" | "identity" => continue,
            "gzip" | "x-gzip" => Encoding::Gzip,
            "zstd" => Encoding::Zstd,
            _ => {
                return Err(BodyError::Unsupported(format!(
                    "a body encoded as {name:?}: send it as gzip, as zstd, or as it is"
                )));
            }
        });
    }
    if encodings.len() > ENCODINGS_MAX {
        return Err(BodyError::Unsupported(format!(
            "a body encoded {} times over, {content_encoding:?}: encode it at most {ENCODINGS_MAX} times",
            encodings.len()
        )));
    }
    Ok(encodings)
}

impl Encoding {
    fn decoder<'a>(self, from: Box<dyn Read + 'a>) -> io::Result<Box<dyn Read + 'a>> {
        let from = BufReader::new(from);
        Ok(match self {
            Encoding::Gzip => Box::new(MultiGzDecoder::new(from)),
            Encoding::Zstd => {
                let mut decoder = zstd::Decoder::with_buffer(from)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
                Box::new(decoder)
            }
        })
    }
}

/// A decoder that may give only so much.
struct Bounded<'a> {
    decoder: Box<dyn Read + 'a>,
    left: usize,
    is_over: Rc<Cell<bool>>,
}

impl Read for Bounded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.decoder.read(buffer)?;
        match self.left.checked_sub(n) {
            Some(left) => self.left = left,
            None => {
                self.is_over.set(true);
                return Err(io::Error::other("it becomes too large"));
            }
        }
        Ok(n)
    }
}

/// Everything `reader` gives; the memory for it grows with it, and to no more than `bytes_max` and a piece.
fn read_all(reader: &mut dyn Read, bytes_max: usize) -> io::Result<Bytes> {
    let mut all = Vec::new();
    let mut piece = vec![0; FIRST_BYTES.min(bytes_max.saturating_add(1))];
    loop {
        let n = match reader.read(&mut piece) {
            Ok(0) => break,
            Ok(n) => n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if all.capacity() - all.len() < n {
            let wanted = (2 * all.capacity()).clamp(all.len() + n, bytes_max.max(all.len() + n));
            all.reserve_exact(wanted - all.len());
        }
        all.extend_from_slice(&piece[..n]);
    }
    Ok(all.into())
}

#[cfg(test)]
mod tests;

//! Packings: whether and how a file is compressed.

use std::fmt;
use std::io::{self, BufReader, Cursor, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

/// How the bytes of a file are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Packing {
    /// Not at all.
    Plain,
    /// By gzip; several members one after the other are one file.
    Gzip,
    /// By zstd; several frames one after the other are one file.
    Zstd,
}

/// How many bytes tell the packing.
pub(super) const MAGIC_BYTES: usize = 4;

/// How much compressed data is read at a time.
const PACKED_CHUNK_BYTES: usize = 64 * 1024;

impl Packing {
    /// The packing of a file that begins with `head`; its name decides where the bytes do not.
    pub(super) fn of(path: &Path, head: &[u8]) -> Self {
        let extension = path
            .extension()
            .and_then(|extension| extension.to_str())
            .unwrap_or("");
        if head.starts_with(&[0x1f, 0x8b]) {
            Packing::Gzip
        } else if head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
            Packing::Zstd
        } else if extension.eq_ignore_ascii_case("gz") {
            Packing::Gzip
        } else if extension.eq_ignore_ascii_case("zst") {
            Packing::Zstd
        } else {
            Packing::Plain
        }
    }

    /// A reader of what `packed` holds.
    pub(super) fn unpack(self, packed: Box<dyn Read + Send>) -> io::Result<Box<dyn Read + Send>> {
        let buffered = |packed| BufReader::with_capacity(PACKED_CHUNK_BYTES, packed);
        Ok(match self {
            Packing::Plain => packed,
            Packing::Gzip => Box::new(MultiGzDecoder::new(buffered(packed))),
            Packing::Zstd => Box::new(zstd::Decoder::with_buffer(buffered(packed))?),
        })
    }
}

impl fmt::Display for Packing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Packing::Plain => "nothing",
            Packing::Gzip => "gzip",
            Packing::Zstd => "zstd",
        })
    }
}

/// Finds out how a stream is compressed without waiting for more bytes than that needs, and gives all of it back.
pub(super) fn recognise(
    mut stream: Box<dyn Read + Send>,
) -> io::Result<(Packing, Box<dyn Read + Send>)> {
    let mut head = [0; MAGIC_BYTES];
    let mut n_read = 0;
    // Text begins with neither of these bytes: a live stream of short lines is not held up.
    while n_read == 0 || (n_read < MAGIC_BYTES && [0x1f, 0x28].contains(&head[0])) {
        match stream.read(&mut head[n_read..]) {
            Ok(0) => break,
            Ok(n) => n_read += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let packing = Packing::of(Path::new(""), &head[..n_read]);
    Ok((
        packing,
        Box::new(Cursor::new(head).take(n_read as u64).chain(stream)),
    ))
}

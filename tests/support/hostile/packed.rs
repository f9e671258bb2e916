//! What was compressed, and what only says so.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::Expected::Refused;
use super::{Case, Hostile};

impl Hostile {
    pub(super) fn bomb(&mut self) -> Case {
        let bomb = self.below(self.bombs.len());
        let (encoding, body) = self.bombs[bomb].clone();
        Case {
            what: "bomb",
            headers: vec![("content-encoding", encoding.to_owned())],
            body,
            expected: Refused(413, "more than the 4194304"),
        }
    }

    /// What is said to be compressed and is not, or not to its end, or beyond it.
    pub(super) fn badly_packed(&mut self) -> Case {
        let events = self.event().repeat(3);
        let (encoding, mut body) = match self.below(2) {
            0 => ("gzip", gzip(events.as_bytes())),
            _ => ("zstd", zstd(events.as_bytes())),
        };
        let end = body.len();
        match self.below(5) {
            0 => body.truncate(1 + self.below(end - 1)),
            1 => body.extend_from_slice(b"and more"),
            2 => body = events.into_bytes(),
            // Both end with a sum of what they hold, gzip with its length after that.
            3 if encoding == "gzip" => body[end - 8] ^= 1,
            3 => body[end - 4] ^= 1,
            _ => body.insert(0, b'x'),
        }
        Case {
            what: "badly packed",
            headers: vec![("content-encoding", encoding.to_owned())],
            body,
            expected: Refused(400, "from its beginning to its end"),
        }
    }
}

pub(super) fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

/// With a sum of what it holds.
pub(super) fn zstd(body: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).expect("a level that there is");
    encoder.include_checksum(true).expect("it can");
    encoder.write_all(body).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

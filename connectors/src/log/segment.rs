//! Segments: the files that a partition lies in, named by the first record that each may hold.
//!
//! ```text
//!  0           8        12         16      24          40     44      48
//!  │"MSLOGSEG" │version │partition │base   │topic id   │zero  │crc32c │ frame, frame, …
//! ```
//!
//! The checksum of the header is that of what is before it.

use super::error::LogError;

/// How many bytes stand before the first frame.
pub(super) const SEGMENT_HEADER_BYTES: u64 = 48;

const MAGIC: &[u8; 8] = b"MSLOGSEG";
const VERSION: u32 = 1;
const CHECKED: usize = 44;

const SEGMENT: &str = ".log";
const INDEX: &str = ".index";

/// What tells a segment from all others of a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SegmentId {
    pub(super) partition: u32,
    /// The offset of its first record.
    pub(super) base: u64,
}

impl SegmentId {
    /// The file with its records.
    pub(super) fn name(self) -> String {
        self.named(SEGMENT)
    }

    /// The file with its index.
    pub(super) fn index_name(self) -> String {
        self.named(INDEX)
    }

    fn named(self, extension: &str) -> String {
        let SegmentId { partition, base } = self;
        format!("{partition}-{base:020}{extension}")
    }

    /// The segment whose records `name` has, if it is such a name.
    pub(super) fn of_segment(name: &str) -> Option<Self> {
        Self::parse(name, SEGMENT)
    }

    /// The segment whose index `name` has, if it is such a name.
    pub(super) fn of_index(name: &str) -> Option<Self> {
        Self::parse(name, INDEX)
    }

    fn parse(name: &str, extension: &str) -> Option<Self> {
        let (partition, base) = name.strip_suffix(extension)?.split_once('-')?;
        let id = SegmentId {
            partition: partition.parse().ok()?,
            base: base.parse().ok()?,
        };
        (id.named(extension) == name).then_some(id)
    }

    /// The bytes that the segment begins with.
    pub(super) fn header(self, topic_id: &[u8; 16]) -> [u8; SEGMENT_HEADER_BYTES as usize] {
        let mut header = [0; SEGMENT_HEADER_BYTES as usize];
        header[0..8].copy_from_slice(MAGIC);
        header[8..12].copy_from_slice(&VERSION.to_le_bytes());
        header[12..16].copy_from_slice(&self.partition.to_le_bytes());
        header[16..24].copy_from_slice(&self.base.to_le_bytes());
        header[24..40].copy_from_slice(topic_id);
        let checksum = crc32c::crc32c(&header[..CHECKED]);
        header[CHECKED..].copy_from_slice(&checksum.to_le_bytes());
        header
    }

    /// The error of a segment at `place` that is damaged in its header.
    pub(super) fn bad_header(self, place: String) -> LogError {
        LogError::Damaged {
            place,
            offset: self.base,
            position: 0,
            reason: "its header is not that of this segment of this topic".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_and_back() {
        let id = SegmentId {
            partition: 3,
            base: 41,
        };
        assert_eq!(id.name(), "3-00000000000000000041.log");
        assert_eq!(SegmentId::of_segment(&id.name()), Some(id));
        assert_eq!(SegmentId::of_index(&id.index_name()), Some(id));
        for other in ["3-41.log", "topic", "03-00000000000000000041.log", ".log"] {
            assert_eq!(SegmentId::of_segment(other), None, "{other}");
        }
    }
}

//! The index of a segment: how far it goes, and where in it to begin reading. A segment that has one is sealed.
//!
//! ```text
//!  0           8        12         16    24        40      48    56          64         72       76
//!  │"MSLOGIDX" │version │partition │base │topic id │length │next │first time │last time │entries │ entry, … │crc32c │
//!  entry: offset u64, position u64, time i64
//! ```
//!
//! `next` is the offset after the last record. There is an entry for the first record, and for one about every 64 KiB.

use millstream_engine::Store;

use super::error::LogError;
use super::segment::{SEGMENT_HEADER_BYTES, SegmentId};

const MAGIC: &[u8; 8] = b"MSLOGIDX";
const VERSION: u32 = 1;
const FIXED_BYTES: usize = 76;
const ENTRY_BYTES: usize = 24;

/// How many bytes lie between two entries, at least.
const ENTRY_EVERY: u64 = 64 * 1024;

/// A record, where it begins in its segment, and when it was appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) offset: u64,
    pub(super) position: u64,
    /// Microseconds since 1970 UTC.
    pub(super) time: i64,
}

/// What is known of the records of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) id: SegmentId,
    /// How many bytes there are, with the header.
    pub(super) length: u64,
    /// The offset after the last record.
    pub(super) next: u64,
    pub(super) first_time: i64,
    pub(super) last_time: i64,
    pub(super) entries: Vec<Entry>,
}

impl Extent {
    /// A segment without records.
    pub(super) fn empty(id: SegmentId) -> Self {
        Extent {
            id,
            length: SEGMENT_HEADER_BYTES,
            next: id.base,
            first_time: 0,
            last_time: 0,
            entries: Vec::new(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.next == self.id.base
    }

    /// Takes note of a record of `n_bytes` that follows.
    pub(super) fn add(&mut self, time: i64, n_bytes: usize) {
        if self.is_empty() {
            self.first_time = time;
        }
        let is_due = |last: &Entry| self.length - last.position >= ENTRY_EVERY;
        if self.entries.last().is_none_or(is_due) {
            self.entries.push(Entry {
                offset: self.next,
                position: self.length,
                time,
            });
        }
        self.last_time = time;
        self.next += 1;
        self.length += n_bytes as u64;
    }

    /// Where to begin reading for record `offset`: the last entry that is not after it.
    pub(super) fn entry_for(&self, offset: u64) -> (u64, u64) {
        let after = self.entries.partition_point(|entry| entry.offset <= offset);
        self.before(after)
    }

    /// Where to begin reading for the first record at or after `time`: the last entry before it.
    pub(super) fn entry_before(&self, time: i64) -> (u64, u64) {
        let after = self.entries.partition_point(|entry| entry.time < time);
        self.before(after)
    }

    fn before(&self, after: usize) -> (u64, u64) {
        let entry = after.checked_sub(1).map(|last| self.entries[last]);
        entry.map_or((self.id.base, SEGMENT_HEADER_BYTES), |entry| {
            (entry.offset, entry.position)
        })
    }

    fn encode(&self, topic_id: &[u8; 16]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(FIXED_BYTES + self.entries.len() * ENTRY_BYTES + 4);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&self.id.partition.to_le_bytes());
        bytes.extend_from_slice(&self.id.base.to_le_bytes());
        bytes.extend_from_slice(topic_id);
        bytes.extend_from_slice(&self.length.to_le_bytes());
        bytes.extend_from_slice(&self.next.to_le_bytes());
        bytes.extend_from_slice(&self.first_time.to_le_bytes());
        bytes.extend_from_slice(&self.last_time.to_le_bytes());
        let n_entries = u32::try_from(self.entries.len()).expect("an entry stands for 64 KiB");
        bytes.extend_from_slice(&n_entries.to_le_bytes());
        for entry in &self.entries {
            bytes.extend_from_slice(&entry.offset.to_le_bytes());
            bytes.extend_from_slice(&entry.position.to_le_bytes());
            bytes.extend_from_slice(&entry.time.to_le_bytes());
        }
        let checksum = crc32c::crc32c(&bytes);
        bytes.extend_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// The extent that `bytes` describe, if they are the index of segment `id`.
    fn decode(bytes: &[u8], id: SegmentId, topic_id: &[u8; 16]) -> Option<Self> {
        let (content, checksum) = bytes.split_last_chunk::<4>()?;
        if crc32c::crc32c(content) != u32::from_le_bytes(*checksum) {
            return None;
        }
        let (fixed, entries) = content.split_at_checked(FIXED_BYTES)?;
        let u64_at = |at: usize| Some(u64::from_le_bytes(fixed.get(at..at + 8)?.try_into().ok()?));
        let mut expected = Vec::with_capacity(40);
        expected.extend_from_slice(MAGIC);
        expected.extend_from_slice(&VERSION.to_le_bytes());
        expected.extend_from_slice(&id.partition.to_le_bytes());
        expected.extend_from_slice(&id.base.to_le_bytes());
        expected.extend_from_slice(topic_id);
        let n_entries = u32::from_le_bytes(fixed.get(72..76)?.try_into().ok()?) as usize;
        if fixed[..40] != expected[..] || entries.len() != n_entries * ENTRY_BYTES {
            return None;
        }
        let entry = |bytes: &[u8]| {
            let field = |at: usize| Some(u64::from_le_bytes(bytes[at..at + 8].try_into().ok()?));
            Some(Entry {
                offset: field(0)?,
                position: field(8)?,
                time: field(16)?.cast_signed(),
            })
        };
        Some(Extent {
            id,
            length: u64_at(40)?,
            next: u64_at(48)?,
            first_time: u64_at(56)?.cast_signed(),
            last_time: u64_at(64)?.cast_signed(),
            entries: entries
                .chunks_exact(ENTRY_BYTES)
                .map(entry)
                .collect::<Option<_>>()?,
        })
    }

    /// Seals the segment, which is whole and durable: the index is durable together with the next names.
    pub(super) fn seal(&self, store: &dyn Store, topic_id: &[u8; 16]) -> Result<(), LogError> {
        let name = self.id.index_name();
        let write = |action| LogError::write(action, store.place(&name));
        let mut file = store.create(&name).map_err(write("create"))?;
        file.write(&self.encode(topic_id)).map_err(write("write"))?;
        file.sync().map_err(write("sync"))
    }

    /// What the index of segment `id` says; `None` if it is damaged.
    pub(super) fn read(
        store: &dyn Store,
        id: SegmentId,
        topic_id: &[u8; 16],
    ) -> Result<Option<Self>, LogError> {
        let name = id.index_name();
        let read = || LogError::read("read", store.place(&name));
        let n_bytes = usize::try_from(store.length(&name).map_err(read())?).unwrap_or(usize::MAX);
        let bytes = store.read(&name, 0, n_bytes).map_err(read())?;
        Ok(Self::decode(&bytes, id, topic_id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: SegmentId = SegmentId {
        partition: 2,
        base: 100,
    };

    fn extent() -> Extent {
        let mut extent = Extent::empty(ID);
        for n in 0..300 {
            extent.add(n * 10, 1000);
        }
        extent
    }

    #[test]
    fn bytes_and_back() {
        let extent = extent();
        let bytes = extent.encode(&[9; 16]);
        assert_eq!(Extent::decode(&bytes, ID, &[9; 16]), Some(extent));
        assert_eq!(Extent::decode(&bytes, ID, &[8; 16]), None);
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Extent::decode(&flipped, ID, &[9; 16]), None, "bit {bit}");
        }
        for n_bytes in 0..bytes.len() {
            assert_eq!(Extent::decode(&bytes[..n_bytes], ID, &[9; 16]), None);
        }
    }

    #[test]
    fn an_entry_about_every_64_kib() {
        let extent = extent();
        let offsets: Vec<u64> = extent.entries.iter().map(|entry| entry.offset).collect();
        assert_eq!(offsets, [100, 166, 232, 298, 364]);
        assert_eq!(extent.entry_for(100), (100, 48));
        assert_eq!(extent.entry_for(231), (166, 48 + 66_000));
        assert_eq!(extent.entry_for(232), (232, 48 + 132_000));
        assert_eq!(extent.entry_before(0), (100, 48));
        assert_eq!(
            extent.entry_before(660),
            (100, 48),
            "record 166 is the first at 660"
        );
        assert_eq!(extent.entry_before(661), (166, 48 + 66_000));
        assert_eq!((extent.next, extent.length), (400, 300_048));
        assert_eq!((extent.first_time, extent.last_time), (0, 2990));
    }
}

//! Frames: a record as bytes.
//!
//! ```text
//!  0       4       8               16              24      28  30  32
//!  │length │crc32c │offset         │time           │behind │id │hd │ id … │ headers … │ payload … │
//! ```
//!
//! `length` is that of the whole frame. The checksum is that of the topic's id, the partition, and everything after it in
//! the frame: so the bytes of one topic are no records in another, not even within a payload.
//!
//! `behind` says how many of the records directly before this one were not durable when it was written. What comes before
//! those was, and whoever cannot read it now has found damage, not the end of what was written.

use super::record::NewRecord;

/// How many bytes a frame has beside id, headers and payload.
pub(super) const FRAME_HEADER_BYTES: usize = 32;

/// The longest that ids and headers can be.
pub(super) const PART_BYTES_MAX: usize = u16::MAX as usize;

/// A frame that checks, borrowed from where it was read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame<'a> {
    pub(super) offset: u64,
    /// Microseconds since 1970 UTC.
    pub(super) time: i64,
    pub(super) id: &'a [u8],
    pub(super) headers: &'a [u8],
    pub(super) payload: &'a [u8],
    pub(super) n_bytes: usize,
}

/// Why bytes are no frame.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadFrame {
    #[error("the file ends within the record")]
    Cut,
    #[error("its length is said to be {0}, which no record has")]
    Length(u32),
    #[error("its checksum does not fit")]
    Checksum,
    #[error("its id and headers are longer than itself")]
    Parts,
    #[error("it says that it is record {0}")]
    Offset(u64),
    #[error("the file has no valid header")]
    Header,
}

/// What checksums of a partition begin with.
pub(super) fn seed(topic_id: &[u8; 16], partition: u32) -> u32 {
    let of_topic = crc32c::crc32c(topic_id);
    crc32c::crc32c_append(of_topic, &partition.to_le_bytes())
}

/// How long the frame of a record is.
pub(super) fn bytes_of(record: &NewRecord) -> usize {
    let NewRecord {
        id,
        headers,
        payload,
        ..
    } = record;
    FRAME_HEADER_BYTES + id.len() + headers.len() + payload.len()
}

/// Appends the frame of a record to `out`. Id and headers are short enough, and the whole is.
pub(super) fn encode(
    out: &mut Vec<u8>,
    seed: u32,
    (offset, time, behind): (u64, i64, u32),
    record: &NewRecord,
) {
    let NewRecord {
        id,
        headers,
        payload,
        ..
    } = record;
    let length = bytes_of(record);
    let start = out.len();
    out.reserve(length);
    let mut header = [0; FRAME_HEADER_BYTES];
    header[0..4].copy_from_slice(&to_u32(length).to_le_bytes());
    header[8..16].copy_from_slice(&offset.to_le_bytes());
    header[16..24].copy_from_slice(&time.to_le_bytes());
    header[24..28].copy_from_slice(&behind.to_le_bytes());
    header[28..30].copy_from_slice(&to_u16(id.len()).to_le_bytes());
    header[30..32].copy_from_slice(&to_u16(headers.len()).to_le_bytes());
    out.extend_from_slice(&header);
    out.extend_from_slice(id);
    out.extend_from_slice(headers);
    out.extend_from_slice(payload);
    sign(&mut out[start..], seed);
}

/// Says in the frame at the beginning of `bytes` that `behind` records before it are not durable.
pub(super) fn set_behind(bytes: &mut [u8], seed: u32, behind: u32) {
    let n_bytes = length(bytes) as usize;
    bytes[24..28].copy_from_slice(&behind.to_le_bytes());
    sign(&mut bytes[..n_bytes], seed);
}

fn sign(frame: &mut [u8], seed: u32) {
    let checksum = crc32c::crc32c_append(seed, &frame[8..]);
    frame[4..8].copy_from_slice(&checksum.to_le_bytes());
}

/// How long the frame at the beginning of `bytes` says that it is.
pub(super) fn length(bytes: &[u8]) -> u32 {
    u32_at(bytes, 0)
}

/// Which record the frame at the beginning of `bytes` says that it is.
pub(super) fn offset(bytes: &[u8]) -> u64 {
    u64_at(bytes, 8)
}

/// When the record at the beginning of `bytes` was appended.
pub(super) fn time(bytes: &[u8]) -> i64 {
    u64_at(bytes, 16).cast_signed()
}

/// How many records before it were not durable, as the frame at the beginning of `bytes` says.
pub(super) fn behind(bytes: &[u8]) -> u32 {
    u32_at(bytes, 24)
}

/// The length of the frame at the beginning of `bytes`, if a frame can have it.
#[inline]
pub(super) fn checked_length(bytes: &[u8], frame_bytes_max: usize) -> Result<usize, BadFrame> {
    let said = length(bytes);
    let n_bytes = said as usize;
    if n_bytes < FRAME_HEADER_BYTES || n_bytes > frame_bytes_max {
        return Err(BadFrame::Length(said));
    }
    Ok(n_bytes)
}

/// The frame that `bytes` are, all of them.
#[inline]
pub(super) fn decode(bytes: &[u8], seed: u32) -> Result<Frame<'_>, BadFrame> {
    if crc32c::crc32c_append(seed, &bytes[8..]) != u32_at(bytes, 4) {
        return Err(BadFrame::Checksum);
    }
    let id_end = FRAME_HEADER_BYTES + u16_at(bytes, 28);
    let headers_end = id_end + u16_at(bytes, 30);
    if headers_end > bytes.len() {
        return Err(BadFrame::Parts);
    }
    Ok(Frame {
        offset: offset(bytes),
        time: time(bytes),
        id: &bytes[FRAME_HEADER_BYTES..id_end],
        headers: &bytes[id_end..headers_end],
        payload: &bytes[headers_end..],
        n_bytes: bytes.len(),
    })
}

fn to_u32(n: usize) -> u32 {
    u32::try_from(n).expect("frames are shorter than 2 GiB")
}

fn to_u16(n: usize) -> u16 {
    u16::try_from(n).expect("ids and headers were found short enough")
}

fn u16_at(bytes: &[u8], at: usize) -> usize {
    let field = bytes[at..at + 2].try_into().expect("two bytes");
    usize::from(u16::from_le_bytes(field))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEED: u32 = 7;

    fn frame() -> Vec<u8> {
        let mut bytes = Vec::new();
        let record = NewRecord::new("payload").id("id").headers("{}");
        encode(&mut bytes, SEED, (41, -5, 3), &record);
        bytes
    }

    #[test]
    fn bytes_and_back() {
        let bytes = frame();
        assert_eq!(checked_length(&bytes, 1000), Ok(bytes.len()));
        let frame = decode(&bytes, SEED).unwrap();
        assert_eq!((frame.offset, frame.time, behind(&bytes)), (41, -5, 3));
        assert_eq!(
            (frame.id, frame.headers, frame.payload),
            (&b"id"[..], &b"{}"[..], &b"payload"[..])
        );
        assert_eq!(frame.n_bytes, 32 + 2 + 2 + 7);
    }

    #[test]
    fn each_flipped_bit_is_noticed() {
        let whole = frame();
        for bit in 0..whole.len() * 8 {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let read = checked_length(&bytes, 1000).and_then(|n_bytes| {
                let frame = bytes.get(..n_bytes).ok_or(BadFrame::Cut)?;
                decode(frame, SEED).map(drop)
            });
            assert!(read.is_err(), "bit {bit}");
        }
    }

    #[test]
    fn a_frame_of_another_partition_is_none() {
        let id = [1; 16];
        assert_ne!(seed(&id, 0), seed(&id, 1));
        assert_ne!(seed(&id, 0), seed(&[2; 16], 0));
        assert_eq!(decode(&frame(), SEED + 1).unwrap_err(), BadFrame::Checksum);
    }

    #[test]
    fn what_is_behind_can_be_said_later() {
        let mut bytes = frame();
        set_behind(&mut bytes, SEED, 9);
        assert!(decode(&bytes, SEED).is_ok());
        assert_eq!(behind(&bytes), 9);
    }
}

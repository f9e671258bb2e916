//! The last segment of a partition after a crash: what is whole stays, what was being written is cut off.
//!
//! What cannot be read may be the torn end of what was written last, or damage to what was durable once. Any later record
//! that can still be read tells: it says how many before it were not durable when it was written.
//!
//! ```text
//!  … 40  41  42  ▒▒  ▒▒  45(2 behind)          43 and 44 were not durable: torn
//!  … 40  41  42  ▒▒  44  45(0 behind)          43 was, when 45 was written: damage
//! ```
//!
//! The part that is whole is written anew before it is used: a sync that failed before the crash may have left pages that
//! the system takes for clean.

use millstream_engine::Store;

use super::checked_file::UNFINISHED;
use super::error::LogError;
use super::frame::{self, BadFrame, FRAME_HEADER_BYTES};
use super::index::Extent;
use super::segment::SegmentId;
use super::walk::{Format, Stop, Walk};

/// How much is read at once.
const CHUNK_BYTES: u64 = 1024 * 1024;

/// How often the bytes after a bad frame are gone through at most, in search of a good one. Bytes that were made to look
/// like the beginnings of frames must not keep a topic from being opened for hours.
const PASSES_MAX: u64 = 64;

/// A segment that was gone through.
pub(super) struct Scanned {
    /// As far as it is whole.
    pub(super) extent: Extent,
    /// What comes then, if not the end.
    pub(super) bad: Option<BadFrame>,
}

impl Scanned {
    /// The error that the segment is damaged where it is not whole.
    pub(super) fn error(&self, store: &dyn Store, reason: &str) -> LogError {
        LogError::Damaged {
            place: store.place(&self.extent.id.name()),
            offset: self.extent.next,
            position: self.extent.length,
            reason: reason.to_owned(),
        }
    }
}

impl Format {
    /// Goes through the `length` bytes of segment `id`.
    pub(super) fn scan(&self, id: SegmentId, length: u64) -> Result<Scanned, LogError> {
        let mut extent = Extent::empty(id);
        if !self.has_header(id, length)? {
            let bad = Some(BadFrame::Header);
            return Ok(Scanned { extent, bad });
        }
        let mut walk = Walk::new(self.clone(), id, (id.base, extent.length));
        let bad = loop {
            match walk.next(length) {
                Ok(Some(frame)) => extent.add(frame.time, frame.n_bytes),
                Ok(None) => break None,
                Err(Stop::Bad(bad, _)) => break Some(bad),
                Err(Stop::Refused(error)) => return Err(error),
            }
        };
        Ok(Scanned { extent, bad })
    }

    /// Brings the last segment of a partition, which was not sealed, into order and seals it; gives what is left of it, if
    /// anything is, and how many bytes were cut off.
    pub(super) fn mend(
        &self,
        id: SegmentId,
        length: u64,
    ) -> Result<(Option<Extent>, u64), LogError> {
        let scanned = self.scan(id, length)?;
        if scanned.bad.is_some() {
            self.check_torn(&scanned, length)?;
        }
        let extent = scanned.extent;
        let n_cut = length.saturating_sub(extent.length);
        if extent.is_empty() {
            let name = id.name();
            let place = self.store.place(&name);
            let removed = self.store.remove(&name);
            removed.map_err(LogError::write("remove", place))?;
            return Ok((None, n_cut));
        }
        self.rewrite(&extent)?;
        extent.seal(&*self.store, &self.topic_id)?;
        Ok((Some(extent), n_cut))
    }

    /// Looks for a record after the bad one that was written when that was durable.
    fn check_torn(&self, scanned: &Scanned, length: u64) -> Result<(), LogError> {
        let store = &*self.store;
        let name = scanned.extent.id.name();
        let bad_offset = scanned.extent.next;
        let first = scanned.extent.length;
        let n_left = length.saturating_sub(first);
        let mut work_left = n_left.saturating_mul(PASSES_MAX);
        let mut position = first;
        while position + FRAME_HEADER_BYTES as u64 <= length {
            let n_bytes = (length - position).min(CHUNK_BYTES) as usize;
            let read = LogError::read("read", store.place(&name));
            let chunk = store.read(&name, position, n_bytes).map_err(read)?;
            for at in 0..=n_bytes - FRAME_HEADER_BYTES {
                let rest = &chunk[at..];
                let here = position + at as u64;
                let Some(n_bytes) = self.tells(rest, length - here, bad_offset, n_left) else {
                    continue;
                };
                let Some(left) = work_left.checked_sub(n_bytes as u64) else {
                    return Err(
                        scanned.error(store, "what follows looks like records, and is none")
                    );
                };
                work_left = left;
                let is_whole = match rest.get(..n_bytes) {
                    Some(frame) => frame::decode(frame, self.seed).is_ok(),
                    None => {
                        let read = LogError::read("read", store.place(&name));
                        let frame = store.read(&name, here, n_bytes).map_err(read)?;
                        frame::decode(&frame, self.seed).is_ok()
                    }
                };
                if is_whole {
                    let later = frame::offset(rest);
                    let reason = match &scanned.bad {
                        Some(bad) => format!("{bad}, and record {later} after it is whole"),
                        None => unreachable!("asked for what is bad"),
                    };
                    return Err(scanned.error(store, &reason));
                }
            }
            position += (n_bytes - FRAME_HEADER_BYTES + 1) as u64;
        }
        Ok(())
    }

    /// Whether `bytes` begin like a frame that says that record `bad` was durable; gives its length.
    fn tells(&self, bytes: &[u8], n_left: u64, bad: u64, n_after_bad: u64) -> Option<usize> {
        let n_bytes = frame::checked_length(bytes, self.frame_bytes_max).ok()?;
        if n_bytes as u64 > n_left {
            return None;
        }
        // So many records may lie in between.
        let records_max = n_after_bad / FRAME_HEADER_BYTES as u64 + 1;
        let ahead = frame::offset(bytes).checked_sub(bad)?;
        let tells = ahead > u64::from(frame::behind(bytes)) && ahead <= records_max;
        tells.then_some(n_bytes)
    }

    /// Writes what is whole of a segment anew, in its place.
    fn rewrite(&self, extent: &Extent) -> Result<(), LogError> {
        let store = &*self.store;
        let name = extent.id.name();
        let unfinished = format!("{name}{UNFINISHED}");
        let write = |action| LogError::write(action, store.place(&name));
        let mut file = store.create(&unfinished).map_err(write("create anew"))?;
        let mut position = 0;
        while position < extent.length {
            let n_bytes = (extent.length - position).min(CHUNK_BYTES);
            let read = LogError::read("read", store.place(&name));
            let chunk = store
                .read(&name, position, n_bytes as usize)
                .map_err(read)?;
            file.write(&chunk).map_err(write("write anew"))?;
            position += n_bytes;
        }
        file.sync().map_err(write("sync"))?;
        store.rename(&unfinished, &name).map_err(write("rename"))?;
        store.sync().map_err(write("sync the name of"))
    }
}

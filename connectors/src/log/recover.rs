//! Recovery: what is there of a partition when the topic is opened.
//!
//! | segment | its index | what is done |
//! |---|---|---|
//! | before the first that is kept | | removed: somebody began to |
//! | any | checks | it is sealed, and is as long as the index says, or it is damaged |
//! | not the last | damaged, or missing | it is gone through, and must be whole; the index is made anew |
//! | the last | damaged, or missing | it was being written: see [`cut`](super::cut) |

use std::collections::{BTreeSet, VecDeque};

use super::error::LogError;
use super::ids::{IdHash, Ids, Window, id_hash};
use super::index::Extent;
use super::open::Cut;
use super::segment::SegmentId;
use super::walk::{Format, Walk};

/// The files of a topic that belong to segments.
pub(super) struct Files {
    pub(super) segments: BTreeSet<SegmentId>,
    pub(super) indexes: BTreeSet<SegmentId>,
}

/// What is there of a partition.
#[derive(Default)]
pub(super) struct Recovered {
    pub(super) segments: VecDeque<Extent>,
    pub(super) cut: Option<Cut>,
}

impl Format {
    /// Brings the files of `partition` into order; nothing before `start` is kept.
    pub(super) fn recover(
        &self,
        partition: u32,
        start: u64,
        files: &Files,
    ) -> Result<Recovered, LogError> {
        let id = |base| SegmentId { partition, base };
        let range = id(0)..=id(u64::MAX);
        let kept = id(start);
        for segment in files.segments.range(id(0)..kept) {
            self.remove(&segment.name())?;
        }
        for index in files.indexes.range(range) {
            if *index < kept || !files.segments.contains(index) {
                self.remove(&index.index_name())?;
            }
        }
        let mut recovered = Recovered::default();
        let segments: Vec<SegmentId> = files.segments.range(kept..=id(u64::MAX)).copied().collect();
        let mut expected = start;
        for (n, segment) in segments.iter().enumerate() {
            if segment.base != expected {
                return Err(LogError::DamagedFile {
                    place: self.store.place(&segment.name()),
                    reason: format!(
                        "the records from {expected} on are missing before it; a file was removed"
                    ),
                });
            }
            let has_index = files.indexes.contains(segment);
            let is_last = n + 1 == segments.len();
            if let Some(extent) =
                self.recover_segment(*segment, has_index, is_last, &mut recovered)?
            {
                expected = extent.next;
                recovered.segments.push_back(extent);
            }
        }
        Ok(recovered)
    }

    fn recover_segment(
        &self,
        id: SegmentId,
        has_index: bool,
        is_last: bool,
        recovered: &mut Recovered,
    ) -> Result<Option<Extent>, LogError> {
        let name = id.name();
        let read = LogError::read("look at", self.store.place(&name));
        let length = self.store.length(&name).map_err(read)?;
        let index = match has_index {
            true => Extent::read(&*self.store, id, &self.topic_id)?,
            false => None,
        };
        if let Some(extent) = index {
            self.check_sealed(&extent, length)?;
            return Ok(Some(extent));
        }
        if is_last {
            let (extent, n_cut) = self.mend(id, length)?;
            if extent.is_none() && has_index {
                self.remove(&id.index_name())?;
            }
            if n_cut > 0 {
                let place = self.store.place(&name);
                tracing::warn!("cut {n_cut} bytes off {place}: they were being written in a crash");
                recovered.cut = Some(Cut {
                    partition: id.partition,
                    segment: name,
                    bytes: n_cut,
                });
            }
            return Ok(extent);
        }
        let scanned = self.scan(id, length)?;
        if let Some(bad) = &scanned.bad {
            return Err(scanned.error(&*self.store, &bad.to_string()));
        }
        scanned.extent.seal(&*self.store, &self.topic_id)?;
        Ok(Some(scanned.extent))
    }

    /// Checks that a sealed segment is what its index says.
    fn check_sealed(&self, extent: &Extent, length: u64) -> Result<(), LogError> {
        let id = extent.id;
        if !self.has_header(id, length)? {
            return Err(id.bad_header(self.store.place(&id.name())));
        }
        if extent.length != length {
            let scanned = self.scan(id, length)?;
            let reason = format!("it has {length} bytes, and had {}", extent.length);
            return Err(scanned.error(&*self.store, &reason));
        }
        Ok(())
    }

    fn remove(&self, name: &str) -> Result<(), LogError> {
        let place = self.store.place(name);
        let removed = self.store.remove(name);
        removed.map_err(LogError::write("remove", place))
    }

    /// The ids that are remembered, from as many segments as it takes.
    pub(super) fn recover_ids(
        &self,
        segments: &VecDeque<Extent>,
        window: Window,
    ) -> Result<Ids, LogError> {
        let mut newest_first = Vec::new();
        let (mut n_ids, mut counted) = (0, 0);
        let mut later: Option<&Extent> = None;
        for extent in segments.iter().rev() {
            if n_ids >= window.n || counted > window.time {
                break;
            }
            let of_segment = self.ids_of(extent, window)?;
            n_ids += of_segment.ids.len();
            let pause = later.map_or(0, |later| {
                window.counted(extent.last_time, later.first_time)
            });
            counted += of_segment.counted + pause;
            newest_first.push((of_segment, pause));
            later = Some(extent);
        }
        let mut ids = Ids::new(window);
        for (of_segment, pause) in newest_first.into_iter().rev() {
            ids.restore(&of_segment.ids, of_segment.counted + pause);
        }
        if let Some(last) = segments.back() {
            ids.restored_to(last.last_time);
        }
        Ok(ids)
    }

    fn ids_of(&self, extent: &Extent, window: Window) -> Result<SegmentIds, LogError> {
        let mut found = SegmentIds::default();
        let mut walk = Walk::new(self.clone(), extent.id, extent.entry_for(extent.id.base));
        let mut time = extent.first_time;
        loop {
            match walk.next(extent.length) {
                Ok(Some(frame)) => {
                    found.counted += window.counted(time, frame.time);
                    time = frame.time;
                    if let Some(id) = id_hash(frame.id) {
                        found.ids.push((id, frame.offset, found.counted));
                    }
                }
                Ok(None) => return Ok(found),
                Err(stop) => return Err(stop.error()),
            }
        }
    }
}

/// The ids in a segment.
#[derive(Default)]
struct SegmentIds {
    /// With the record of each, and the time that had counted since the beginning.
    ids: Vec<(IdHash, u64, i64)>,
    /// The time that counts in all of it.
    counted: i64,
}

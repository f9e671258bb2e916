//! Retention: which segments go when the topic is too large, or they are too old.
//!
//! Segments go whole, the oldest first, never the last of a partition, and never one that a registered reader has not read,
//! unless the settings say so. From where on records are kept is made durable before files are removed: so a removal that
//! was interrupted is finished when the topic is opened, and a file that is missing for another reason is noticed.

use std::collections::VecDeque;

use super::error::LogError;
use super::index::Extent;
use super::inner::Inner;
use super::segment::SegmentId;

/// A segment that may go.
struct Candidate {
    id: SegmentId,
    n_bytes: u64,
    next: u64,
    last_time: i64,
}

impl Candidate {
    fn of(extent: &Extent) -> Self {
        Candidate {
            id: extent.id,
            n_bytes: extent.length,
            next: extent.next,
            last_time: extent.last_time,
        }
    }
}

impl Inner {
    /// Removes what need not be kept.
    pub(super) fn retain(&self) -> Result<(), LogError> {
        let mut readers = self.readers();
        let may_go = |candidate: &Candidate| {
            self.settings.retention.ignore_readers
                || candidate.next <= readers.read_by_all(candidate.id.partition)
        };
        let going = self.going(may_go);
        if going.is_empty() {
            return Ok(());
        }
        for candidate in &going {
            readers.starts[candidate.id.partition as usize] = candidate.next;
        }
        self.write_readers(&mut readers)?;
        drop(readers);
        for candidate in &going {
            let mut on_shelf = self.sequences[candidate.id.partition as usize].shelf.look();
            on_shelf.start = candidate.next;
            on_shelf.segments.pop_front();
        }
        for Candidate { id, .. } in going {
            for name in [id.name(), id.index_name()] {
                let place = self.store.place(&name);
                let removed = self.store.remove(&name);
                removed.map_err(LogError::write("remove", place))?;
            }
        }
        Ok(())
    }

    /// The segments that go, the oldest of each partition first.
    fn going(&self, may_go: impl Fn(&Candidate) -> bool) -> Vec<Candidate> {
        let retention = &self.settings.retention;
        let oldest = self.settings.clock.now().minus(retention.age).micros();
        let mut n_bytes = 0;
        let mut by_partition: Vec<VecDeque<Candidate>> = Vec::new();
        for sequence in &self.sequences {
            let on_shelf = sequence.shelf.look();
            let segments = on_shelf.segments.iter();
            n_bytes += segments.clone().map(|segment| segment.length).sum::<u64>();
            let but_last = segments.len().saturating_sub(1);
            by_partition.push(segments.take(but_last).map(Candidate::of).collect());
        }
        let mut going = Vec::new();
        loop {
            let firsts = by_partition.iter().enumerate();
            let firsts = firsts.filter_map(|(n, candidates)| Some((n, candidates.front()?)));
            let allowed = firsts.filter(|(_, first)| may_go(first));
            let Some((n, first)) = allowed.min_by_key(|(_, first)| first.last_time) else {
                return going;
            };
            if n_bytes <= retention.bytes && first.last_time >= oldest {
                return going;
            }
            n_bytes -= first.n_bytes;
            going.extend(by_partition[n].pop_front());
        }
    }
}

//! Progress: in which epoch a source had read up to where.
//!
//! Whoever has appended a record and wants to see it in a view waits for the first epoch by which everything before its end
//! was read. What is noted is bounded: of what was read long ago, a later epoch is given than the one it was read in.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use millstream_engine::{Epoch, Registry};

/// How many epochs of a partition are remembered.
const EPOCHS_MAX: usize = 4096;

/// How far the partitions of a source that reads a topic have come in this run.
#[derive(Debug, Default)]
pub struct Progress {
    partitions: Mutex<BTreeMap<u32, History>>,
    /// Bytes of payload that were read.
    n_bytes: AtomicU64,
}

/// Ends of epochs in which something was read: the offset, before which all was read by then.
#[derive(Debug, Default)]
struct History(VecDeque<(u64, Epoch)>);

impl Progress {
    /// That of the source called `source`, shared by all who have the registry of the run.
    ///
    /// # Examples
    /// ```
    /// use millstream_connectors::Progress;
    /// let registry = millstream_engine::Registry::default();
    /// let progress = Progress::of(&registry, "orders");
    /// assert_eq!(progress.seen(0, 7), None, "nothing was read yet");
    /// ```
    #[must_use]
    pub fn of(registry: &Registry, source: &str) -> Arc<Self> {
        let made = || Ok::<_, Infallible>(Progress::default());
        match registry.get_or_make(&format!("progress:{source}"), made) {
            Ok(progress) => progress,
            Err(never) => match never {},
        }
    }

    /// An epoch by which everything before `offset` of `partition` was read: the first, if that was not long ago. `None` if
    /// it is still to be read.
    #[must_use]
    pub fn seen(&self, partition: u32, offset: u64) -> Option<Epoch> {
        let partitions = self.partitions();
        let History(ends) = partitions.get(&partition)?;
        let first = ends.partition_point(|(end, _)| *end < offset);
        ends.get(first).map(|(_, epoch)| *epoch)
    }

    /// The offset of `partition` before which everything was read; `None` if it was not opened yet.
    #[must_use]
    pub fn read_up_to(&self, partition: u32) -> Option<u64> {
        let partitions = self.partitions();
        let last = partitions.get(&partition)?.0.back();
        last.map(|(end, _)| *end)
    }

    /// Everything before `offset` of `partition` was read by earlier runs, or will not be: every view has seen it.
    pub(super) fn begin(&self, partition: u32, offset: u64) {
        self.note(partition, offset, Epoch::default());
    }

    /// How many bytes of payload were read in this run.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.n_bytes.load(Ordering::Relaxed)
    }

    pub(super) fn add_bytes(&self, n_bytes: u64) {
        self.n_bytes.fetch_add(n_bytes, Ordering::Relaxed);
    }

    /// Everything before `offset` of `partition` was read, in `epoch` or before.
    pub(super) fn note(&self, partition: u32, offset: u64, epoch: Epoch) {
        let mut partitions = self.partitions();
        let History(ends) = partitions.entry(partition).or_default();
        match ends.back_mut() {
            Some((end, last)) if *last == epoch => *end = offset,
            Some((end, _)) if *end == offset => {}
            _ => {
                if ends.len() == EPOCHS_MAX {
                    ends.pop_front();
                }
                ends.push_back((offset, epoch));
            }
        }
    }

    fn partitions(&self) -> MutexGuard<'_, BTreeMap<u32, History>> {
        self.partitions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epoch(n: u64) -> Epoch {
        Epoch::from_u64(n)
    }

    #[test]
    fn the_first_epoch_that_has_read_so_far() {
        let progress = Progress::default();
        // A run that goes on at offset 100, and finds nothing at first.
        for (offset, n) in [(100, 1), (100, 2), (110, 3), (120, 3), (120, 4), (121, 6)] {
            progress.note(0, offset, epoch(n));
        }
        let seen = |offset| progress.seen(0, offset);
        assert_eq!([seen(0), seen(100)], [Some(epoch(1)); 2]);
        assert_eq!([seen(101), seen(115), seen(120)], [Some(epoch(3)); 3]);
        assert_eq!(seen(121), Some(epoch(6)));
        assert_eq!((seen(122), progress.seen(1, 0)), (None, None));
        assert_eq!(
            (progress.read_up_to(0), progress.read_up_to(1)),
            (Some(121), None)
        );
    }

    #[test]
    fn what_earlier_runs_have_read_every_view_has_seen() {
        let progress = Progress::default();
        progress.begin(0, 100);
        assert_eq!(
            (progress.seen(0, 100), progress.seen(0, 101)),
            (Some(Epoch::default()), None)
        );
        progress.note(0, 100, epoch(7));
        progress.note(0, 101, epoch(8));
        assert_eq!(
            (progress.seen(0, 100), progress.seen(0, 101)),
            (Some(Epoch::default()), Some(epoch(8)))
        );
    }

    #[test]
    fn what_is_forgotten_was_seen_later() {
        let progress = Progress::default();
        for n in 0..2 * EPOCHS_MAX as u64 {
            progress.note(0, n * 10, epoch(n));
        }
        assert_eq!(progress.seen(0, 1), Some(epoch(EPOCHS_MAX as u64)));
        assert_eq!(progress.partitions()[&0].0.len(), EPOCHS_MAX);
    }
}

//! How a topic is kept: partitions, durability, what it remembers and for how long.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use millstream_engine::{SystemClock, WallClock, hours, minutes};

use super::frame::FRAME_HEADER_BYTES;

const MIB: usize = 1024 * 1024;

/// When what was appended is durable, and so acknowledged and readable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SyncPolicy {
    /// Each group is synced, then acknowledged and readable: nothing that was acknowledged is lost.
    #[default]
    EveryGroup,
    /// Acknowledged once it is written, synced this long after it, and readable then: a loss of power may lose what was
    /// acknowledged, but nothing that was read.
    Every(Duration),
    /// Acknowledged and readable once it is written; the system syncs when it likes. A loss of power may lose both.
    Never,
}

/// What is kept of a topic; beyond either limit the oldest segments go, unless a reader has not read them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// How many bytes in all partitions together.
    pub bytes: u64,
    /// How long after the last record of a segment was appended.
    pub age: Duration,
    /// Whether segments go also if a reader has not committed what is in them.
    pub ignore_readers: bool,
}

impl Default for Retention {
    /// 1 GiB and 7 days, and longer what a reader has not read.
    fn default() -> Self {
        Retention {
            bytes: 1 << 30,
            age: hours(7 * 24),
            ignore_readers: false,
        }
    }
}

/// How a topic is kept.
///
/// # Examples
/// ```
/// use millstream_connectors::{SyncPolicy, TopicSettings};
/// use millstream_engine::millis;
/// let settings = TopicSettings::new().partitions(4).sync(SyncPolicy::Every(millis(100)));
/// ```
#[derive(Clone)]
pub struct TopicSettings {
    pub(super) partitions: u32,
    pub(super) sync: SyncPolicy,
    pub(super) retention: Retention,
    pub(super) segment_bytes: u64,
    pub(super) frame_bytes_max: usize,
    pub(super) pending_bytes_max: usize,
    pub(super) ids_for: Duration,
    pub(super) ids_max: usize,
    pub(super) clock: Arc<dyn WallClock>,
}

impl TopicSettings {
    /// One partition, synced with every group, in segments of 32 MiB with records of up to 16 MiB.
    #[must_use]
    pub fn new() -> Self {
        TopicSettings {
            partitions: 1,
            sync: SyncPolicy::default(),
            retention: Retention::default(),
            segment_bytes: 32 * MIB as u64,
            frame_bytes_max: 16 * MIB,
            pending_bytes_max: 64 * MIB,
            ids_for: minutes(10),
            ids_max: 1_000_000,
            clock: Arc::new(SystemClock::new()),
        }
    }

    /// How many partitions the topic has: fixed when it is made.
    #[must_use]
    pub fn partitions(mut self, n: u32) -> Self {
        self.partitions = n;
        self
    }

    /// When what was appended is durable.
    #[must_use]
    pub fn sync(mut self, sync: SyncPolicy) -> Self {
        self.sync = sync;
        self
    }

    /// What is kept.
    #[must_use]
    pub fn retention(mut self, retention: Retention) -> Self {
        self.retention = retention;
        self
    }

    /// Begins a new segment when one has reached `bytes` (default 32 MiB).
    #[must_use]
    pub fn segment_bytes(mut self, bytes: u64) -> Self {
        self.segment_bytes = bytes;
        self
    }

    /// Takes records of up to `bytes` with their id, headers and 32 bytes more (default 16 MiB).
    #[must_use]
    pub fn record_bytes_max(mut self, bytes: usize) -> Self {
        self.frame_bytes_max = bytes;
        self
    }

    /// Lets up to `bytes` wait for the disk (default 64 MiB); a call that finds nothing waiting is always taken.
    #[must_use]
    pub fn pending_bytes_max(mut self, bytes: usize) -> Self {
        self.pending_bytes_max = bytes;
        self
    }

    /// Remembers the id of a record for this long (default 10 minutes): so long a second one with the id is a duplicate.
    ///
    /// The time counts from one append to the next, and each pause for a tenth of the window at most: whoever could not
    /// append for hours, because the process was down, finds its ids remembered.
    #[must_use]
    pub fn remember_ids_for(mut self, time: Duration) -> Self {
        self.ids_for = time;
        self
    }

    /// Remembers up to `n` ids in all partitions together (default 1,000,000).
    #[must_use]
    pub fn remember_ids(mut self, n: usize) -> Self {
        self.ids_max = n;
        self
    }

    /// Takes the time of appends from `clock`; the system's, if not said otherwise.
    #[must_use]
    pub fn clock(mut self, clock: impl WallClock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// How many partitions the topic has.
    pub(crate) fn n_partitions(&self) -> u32 {
        self.partitions
    }

    /// The ids remembered in one partition.
    pub(super) fn ids_max_of_partition(&self) -> usize {
        self.ids_max.div_ceil(self.partitions.max(1) as usize)
    }

    /// What is wrong with them, if anything.
    pub(super) fn mistake(&self) -> Option<String> {
        if self.partitions == 0 || self.partitions > 1024 {
            return Some(format!(
                "{} partitions are not between 1 and 1024",
                self.partitions
            ));
        }
        let largest = u32::MAX as usize / 2;
        if self.frame_bytes_max <= FRAME_HEADER_BYTES || self.frame_bytes_max > largest {
            return Some(format!(
                "records of up to {} bytes are not between {FRAME_HEADER_BYTES} bytes and 2 GiB",
                self.frame_bytes_max
            ));
        }
        None
    }
}

impl Default for TopicSettings {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for TopicSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TopicSettings")
            .field("partitions", &self.partitions)
            .field("sync", &self.sync)
            .field("retention", &self.retention)
            .field("segment_bytes", &self.segment_bytes)
            .finish_non_exhaustive()
    }
}

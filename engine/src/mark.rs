//! Marks: watermarks as data.
//!
//! A watermark cannot be the frontier of the dataflow, which counts epochs. It travels as data: every stream is
//! accompanied by a small stream of [`Mark`]s, in which each worker says, for each source, how far its partitions have
//! promised to be. All workers get all marks, so that each comes to the same watermark after each epoch: its
//! [`MarkClock`](crate::mark_clock::MarkClock) sums them up.

use serde::{Deserialize, Serialize};

use crate::logic::Publish;
use crate::time::EventTime;

/// Who a mark speaks for: one source, or what a step made of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Origin(pub(crate) u32);

/// Something that accompanies a stream in an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Mark {
    /// How far the partitions of `origin` on `worker` have promised to be, after this epoch.
    Standing {
        /// Who it speaks for.
        origin: Origin,
        /// The worker that drives these partitions.
        worker: u32,
        /// How they stand.
        standing: Standing,
    },
    /// Partial results are to be published as of the end of this epoch.
    Publish(Publish),
}

/// How the partitions of a source on one worker stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Standing {
    /// At least one may send, and the least of their watermarks is this.
    Active(EventTime),
    /// None may send for now.
    Idle {
        /// The wall clock.
        now: EventTime,
        /// The greatest of their watermarks.
        reached: EventTime,
    },
    /// All have ended.
    Ended {
        /// The greatest of their watermarks.
        reached: EventTime,
    },
}

impl Standing {
    /// The same of one that may send as far back as `time`.
    pub(crate) fn held_at(self, time: EventTime) -> Self {
        match self {
            Standing::Active(at) => Standing::Active(at.min(time)),
            Standing::Idle { now, reached } => Standing::Idle {
                now,
                reached: reached.min(time),
            },
            Standing::Ended { reached } => Standing::Ended { reached },
        }
    }
}

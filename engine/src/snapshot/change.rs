//! Changes: what steps, sources and sinks of one worker contribute to a snapshot.
//!
//! They leave at the snapshot epoch on a port of their own, so that views and sinks do not wait for them, and meet where
//! the worker's file is [written](super::write). A source that ends contributes its last position at its last epoch: it
//! counts for all snapshots after.

use std::sync::Arc;

use timely::dataflow::StreamVec;

use super::manifest::{Counters, PartitionState};
use crate::time::EventTime;
use crate::window::Window;

/// What is on the way into a snapshot, on one worker.
pub(crate) type Changes<'f> = StreamVec<'f, u64, Change>;

/// A contribution to a snapshot.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// Windows whose keys are all gone.
    Forgotten {
        step: Arc<str>,
        windows: Vec<Window>,
    },
    /// Entries of one shard.
    Block {
        step: Arc<str>,
        shard: u8,
        bytes: Vec<u8>,
    },
    /// How a step stands.
    Step { step: Arc<str>, standing: Standing },
    /// How a partition stands.
    Partition {
        source: Arc<str>,
        partition: u32,
        state: PartitionState,
    },
    /// What a sink has staged.
    Staged {
        sink: Arc<str>,
        entries: Vec<String>,
    },
}

/// How a step stands on one worker at a snapshot epoch.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Standing {
    pub(crate) watermark: EventTime,
    pub(crate) counted: Counters,
    pub(crate) note: Option<String>,
}

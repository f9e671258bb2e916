//! How epochs are cut: what trades latency for throughput, and decides no result.

use std::time::Duration;

/// How epochs are cut.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EpochSettings {
    /// An epoch with news lasts this long at most, unless back-pressure holds it open.
    pub(crate) interval: Duration,
    /// How many records one source takes into an epoch on one worker.
    pub(crate) fill: usize,
    /// How many epochs may be closed and not yet complete.
    pub(crate) in_flight: u64,
    /// Publishing takes at most one part in this many of the time.
    pub(crate) publish_share: u32,
}

impl Default for EpochSettings {
    fn default() -> Self {
        EpochSettings {
            interval: Duration::from_millis(10),
            fill: 65_536,
            in_flight: 4,
            publish_share: 20,
        }
    }
}

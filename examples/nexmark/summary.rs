//! The summary: what one run has done, as one line of JSON.

use std::fmt;

use serde::Serialize;

/// What a run has done.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Summary {
    pub(crate) query: &'static str,
    /// Events taken in, by this run and by those it went on from.
    pub(crate) events: u64,
    pub(crate) workers: usize,
    /// From the start of the pipeline to its end.
    pub(crate) seconds: f64,
    /// Those of this run.
    pub(crate) events_per_second: f64,
    /// Rows that came out of this run.
    pub(crate) rows: u64,
    /// What the steps keep at the end, as the status has it: keys and bytes.
    pub(crate) keys: u64,
    pub(crate) state_bytes: u64,
    /// The most memory that the process ever had; 0 where the system does not tell.
    pub(crate) peak_rss_bytes: u64,
    /// Snapshots that this run has committed.
    pub(crate) snapshots: u64,
    /// How many events happened in a second of event time, if they were made up.
    pub(crate) event_time_rate: Option<u64>,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

/// The most memory that this process ever had, in bytes; 0 where the system does not tell.
pub(crate) fn peak_rss_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kib.map_or(0, |kib| kib * 1024)
}

//! What is counted of a source, partition by partition, and how it is shown.

use std::sync::atomic::{AtomicI64, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::source::Rewind;
use crate::status::{PartitionStatus, SourceStatus};
use crate::time::EventTime;

/// What is counted of a source.
pub(crate) struct SourceMeter {
    pub(crate) name: Arc<str>,
    /// What it reads.
    pub(crate) identity: String,
    pub(crate) rewind: Rewind,
    pub(crate) partitions: Vec<PartitionMeter>,
}

/// What is counted of a partition, written by the worker that drives it.
pub(crate) struct PartitionMeter {
    pub(crate) events: AtomicU64,
    pub(crate) rejected: AtomicU64,
    pub(crate) bytes: AtomicU64,
    pub(crate) bytes_total: AtomicU64,
    pub(crate) lag: AtomicU64,
    pub(crate) watermark: AtomicI64,
    pub(crate) state: AtomicU8,
    pub(crate) reason: Mutex<String>,
}

/// What stands for a number that is not known.
pub(crate) const UNKNOWN: u64 = u64::MAX;

fn known(number: &AtomicU64) -> Option<u64> {
    Some(number.load(Ordering::Relaxed)).filter(|number| *number != UNKNOWN)
}

/// How a partition stands, for the status.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Shown {
    Active,
    Idle,
    Held,
    Ended,
}

impl PartitionMeter {
    fn new() -> Self {
        PartitionMeter {
            events: AtomicU64::new(0),
            rejected: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            bytes_total: AtomicU64::new(UNKNOWN),
            lag: AtomicU64::new(UNKNOWN),
            watermark: AtomicI64::new(EventTime::MIN.micros()),
            state: AtomicU8::new(Shown::Active as u8),
            reason: Mutex::new("it was not polled yet".into()),
        }
    }
}

impl SourceMeter {
    pub(crate) fn new(name: &str, n_partitions: u32, identity: String, rewind: Rewind) -> Self {
        SourceMeter {
            name: name.into(),
            identity,
            rewind,
            partitions: (0..n_partitions).map(|_| PartitionMeter::new()).collect(),
        }
    }

    pub(crate) fn events(&self) -> u64 {
        self.partitions
            .iter()
            .map(|p| p.events.load(Ordering::Relaxed))
            .sum()
    }

    pub(crate) fn rejected(&self) -> u64 {
        self.partitions
            .iter()
            .map(|p| p.rejected.load(Ordering::Relaxed))
            .sum()
    }

    pub(crate) fn status(&self, workers: usize) -> SourceStatus {
        let partition = |(number, meter): (usize, &PartitionMeter)| PartitionStatus {
            partition: u32::try_from(number).expect("partitions are counted in u32"),
            worker: number % workers,
            state: ["active", "idle", "held", "ended"]
                [usize::from(meter.state.load(Ordering::Relaxed))],
            watermark: EventTime::from_micros(meter.watermark.load(Ordering::Relaxed)).finite(),
            reason: meter
                .reason
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
            events: meter.events.load(Ordering::Relaxed),
            rejected: meter.rejected.load(Ordering::Relaxed),
            bytes: meter.bytes.load(Ordering::Relaxed),
            bytes_total: known(&meter.bytes_total),
            lag: known(&meter.lag),
        };
        let partitions: Vec<_> = self.partitions.iter().enumerate().map(partition).collect();
        SourceStatus {
            name: self.name.to_string(),
            events: self.events(),
            rejected: self.rejected(),
            lag: partitions
                .iter()
                .filter_map(|partition| partition.lag)
                .reduce(|a, b| a + b),
            partitions,
        }
    }
}

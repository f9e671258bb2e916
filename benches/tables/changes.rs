//! A source of changes: first every row once, as fast as they are taken; then random ones at a steady rate.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use millstream::engine::{
    Arrival, BoxError, Intake, Partition, Polled, Position, Rewind, SourceContext, Waker,
};
use millstream::prelude::*;
use serde::{Deserialize, Serialize};

/// A partition for each of the two cores.
const PARTITIONS: u32 = 2;

/// A row, as it is from now on.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Changed {
    pub(crate) time: EventTime,
    pub(crate) id: u64,
    pub(crate) score: i64,
}

/// The source.
#[derive(Clone)]
pub(crate) struct Changes {
    rows: u64,
    rate: u64,
    /// How many partitions have handed over all rows.
    ready: Arc<AtomicU32>,
}

impl Changes {
    pub(crate) fn new(rows: u64, rate: u64) -> Self {
        Changes {
            rows,
            rate,
            ready: Arc::default(),
        }
    }

    /// Whether all rows have come once.
    pub(crate) fn all_rows_came(&self) -> bool {
        self.ready.load(Ordering::SeqCst) == PARTITIONS
    }
}

/// Every other row.
pub(crate) struct Half {
    changes: Changes,
    partition: u64,
    n: u64,
    /// When the changes began that are paced.
    began: Option<EventTime>,
    random: u64,
}

impl Source for Changes {
    type Item = Changed;
    type Partition = Half;

    fn partitions(&self, _cx: &SourceContext) -> std::result::Result<u32, BoxError> {
        Ok(PARTITIONS)
    }

    fn open(
        &self,
        partition: u32,
        _cx: &SourceContext,
        _waker: Waker,
    ) -> std::result::Result<Half, BoxError> {
        Ok(Half {
            changes: self.clone(),
            partition: partition.into(),
            n: 0,
            began: None,
            random: u64::from(partition) + 7,
        })
    }

    fn resume(
        &self,
        partition: u32,
        position: &Position,
        cx: &SourceContext,
        waker: Waker,
    ) -> std::result::Result<Half, BoxError> {
        let n = position.0.parse()?;
        let opened = self.open(partition, cx, waker)?;
        Ok(Half { n, ..opened })
    }

    fn rewind(&self, _cx: &SourceContext) -> Rewind {
        Rewind::Seek
    }

    fn arrival(&self) -> Arrival {
        Arrival::MadeUp
    }
}

impl Half {
    fn next_random(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }

    /// When change `n` is due.
    fn due(&mut self, now: EventTime) -> EventTime {
        let of_partition = self.changes.rows / u64::from(PARTITIONS);
        let Some(n) = self.n.checked_sub(of_partition) else {
            return now;
        };
        if self.began.is_none() {
            self.began = Some(now);
            self.changes.ready.fetch_add(1, Ordering::SeqCst);
        }
        let micros = n * 1_000_000 * u64::from(PARTITIONS) / self.changes.rate;
        let began = self.began.expect("it was set");
        began.plus(std::time::Duration::from_micros(micros))
    }
}

impl Partition for Half {
    type Item = Changed;

    fn poll(&mut self, intake: &mut Intake<'_, Changed>) -> std::result::Result<Polled, BoxError> {
        let now = intake.now();
        while intake.room() > 0 {
            let time = self.due(now);
            if time > now {
                return Ok(Polled::CaughtUp {
                    until: Some(time.plus(millis(1))),
                });
            }
            let of_partition = self.changes.rows / u64::from(PARTITIONS);
            let random = self.next_random();
            let row = if self.n < of_partition {
                self.n
            } else {
                (random >> 20) % of_partition
            };
            let id = row * u64::from(PARTITIONS) + self.partition;
            let score = (random % 1_000_000_007) as i64;
            intake.accept(Changed { time, id, score })?;
            self.n += 1;
        }
        Ok(Polled::Ready)
    }

    fn position(&self) -> Option<Position> {
        Some(Position(self.n.to_string()))
    }
}

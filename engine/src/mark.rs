//! Marks: watermarks as data.
//!
//! A watermark cannot be the frontier of the dataflow, which counts epochs. It travels as data: every stream is
//! accompanied by a small stream of [`Mark`]s, in which each worker says, for each source, how far its partitions have
//! promised to be. All workers get all marks, so that each comes to the same watermark after each epoch: the least of
//! what all that are not idle have promised. A [`MarkClock`] does that sum.
//!
//! *Invariants*: a clock never goes back. It stands at "nothing promised" until every worker has spoken for every origin.
//! What it says after an epoch depends on the marks up to that epoch alone, so it is the same on all workers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

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
    Publish {
        /// Nothing will come after this epoch in this run.
        last: bool,
    },
}

/// How the partitions of a source on one worker stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Standing {
    /// At least one may send, and the least of their watermarks is this.
    Active(EventTime),
    /// All are idle, as of this time of the wall clock.
    Idle(EventTime),
    /// All have ended.
    Ended,
}

/// Sums marks up to one watermark.
#[derive(Clone, Debug)]
pub(crate) struct MarkClock {
    standings: BTreeMap<(Origin, u32), Standing>,
    n_expected: usize,
    watermark: EventTime,
    /// Where the watermark stood, and the wall clock with it, when the last partition fell idle.
    all_idle_from: Option<(EventTime, EventTime)>,
}

impl MarkClock {
    /// A clock that waits for `n_origins` origins on `n_workers` workers.
    pub(crate) fn new(n_origins: usize, n_workers: usize) -> Self {
        MarkClock {
            standings: BTreeMap::new(),
            n_expected: n_origins * n_workers,
            watermark: EventTime::MIN,
            all_idle_from: None,
        }
    }

    /// The watermark after the last epoch that was settled.
    #[must_use]
    pub(crate) fn watermark(&self) -> EventTime {
        self.watermark
    }

    /// Takes a mark of the current epoch.
    pub(crate) fn take(&mut self, mark: Mark) {
        if let Mark::Standing {
            origin,
            worker,
            standing,
        } = mark
        {
            self.standings.insert((origin, worker), standing);
            assert!(
                self.standings.len() <= self.n_expected,
                "marks of unknown origin {origin:?}"
            );
        }
    }

    /// Ends the current epoch: gives the watermark after it.
    pub(crate) fn settle(&mut self) -> EventTime {
        if self.standings.len() < self.n_expected {
            return self.watermark;
        }
        let standings = || self.standings.values().copied();
        let least_active = standings()
            .filter_map(|s| {
                if let Standing::Active(at) = s {
                    Some(at)
                } else {
                    None
                }
            })
            .min();
        let idle_at = standings()
            .filter_map(|s| {
                if let Standing::Idle(at) = s {
                    Some(at)
                } else {
                    None
                }
            })
            .max();
        let reached = match (least_active, idle_at) {
            (Some(least), _) => {
                self.all_idle_from = None;
                least
            }
            (None, Some(now)) => {
                let (watermark, since) = *self.all_idle_from.get_or_insert((self.watermark, now));
                watermark.plus(now.since(since))
            }
            (None, None) => EventTime::MAX,
        };
        self.watermark = self.watermark.max(reached);
        self.watermark
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::seconds;

    fn at(seconds: i64) -> EventTime {
        EventTime::from_micros(seconds * 1_000_000)
    }

    fn mark(origin: u32, worker: u32, standing: Standing) -> Mark {
        Mark::Standing {
            origin: Origin(origin),
            worker,
            standing,
        }
    }

    fn check(clock: &mut MarkClock, marks: &[Mark], watermark: EventTime) {
        marks.iter().for_each(|mark| clock.take(*mark));
        assert_eq!(clock.settle(), watermark, "after {marks:?}");
    }

    #[test]
    fn the_least_of_all_that_are_not_idle() {
        let clock = &mut MarkClock::new(1, 2);
        check(
            clock,
            &[mark(0, 0, Standing::Active(at(7)))],
            EventTime::MIN,
        );
        check(clock, &[mark(0, 1, Standing::Active(at(5)))], at(5));
        check(clock, &[mark(0, 1, Standing::Idle(at(100)))], at(7));
        check(clock, &[mark(0, 1, Standing::Active(at(1)))], at(7));
        check(clock, &[mark(0, 0, Standing::Ended)], at(7));
        check(clock, &[mark(0, 1, Standing::Ended)], EventTime::MAX);
    }

    #[test]
    fn all_idle_follows_the_wall_clock_from_where_it_stood() {
        let clock = &mut MarkClock::new(2, 1);
        check(
            clock,
            &[
                mark(0, 0, Standing::Active(at(10))),
                mark(1, 0, Standing::Idle(at(50))),
            ],
            at(10),
        );
        check(clock, &[mark(0, 0, Standing::Ended)], at(10));
        check(clock, &[mark(1, 0, Standing::Idle(at(53)))], at(13));
        check(clock, &[mark(1, 0, Standing::Active(at(2)))], at(13));
        check(clock, &[mark(1, 0, Standing::Idle(at(60)))], at(13));
        check(
            clock,
            &[mark(1, 0, Standing::Idle(at(61)))],
            at(13).plus(seconds(1)),
        );
    }
}

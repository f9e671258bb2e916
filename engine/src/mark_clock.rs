//! The mark clock: sums what all workers have said of all origins up to one watermark.
//!
//! The watermark is the least of what all that are not idle have promised. When all are idle it goes on with the wall
//! clock, from the furthest that any of them had come; when all have ended, time is over.
//!
//! *Invariants*: a clock never goes back. It stands at "nothing promised" until every worker has spoken for every origin.
//! What it says after an epoch depends on the marks up to that epoch alone, so it is the same on all workers.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::mark::{Mark, Origin, Standing};
use crate::time::EventTime;

/// Sums marks up to one watermark.
#[derive(Clone, Debug)]
pub(crate) struct MarkClock {
    standings: BTreeMap<(Origin, u32), Standing>,
    n_expected: usize,
    watermark: EventTime,
    /// The watermark, if the input has not ended; else what it was before.
    before_end: EventTime,
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
            before_end: EventTime::MIN,
            all_idle_from: None,
        }
    }

    /// The watermark after the last epoch that was settled.
    #[must_use]
    pub(crate) fn watermark(&self) -> EventTime {
        self.watermark
    }

    /// What a snapshot keeps of it. That the input has ended is a promise for this run alone: another may go on reading.
    pub(crate) fn kept(&self) -> EventTime {
        self.before_end
    }

    /// Goes on from where an earlier run had come to.
    pub(crate) fn restore(&mut self, kept: EventTime) {
        self.watermark = kept;
        self.before_end = kept;
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

    /// How a step stands that follows this clock and emits up to `by` behind it.
    ///
    /// A step is idle when its input is and it is `quiet`: when it holds nothing that it may emit though nothing comes.
    pub(crate) fn standing_of_step(&self, by: Duration, quiet: bool) -> Standing {
        let mut reached = EventTime::MIN;
        let mut idle_at: Option<EventTime> = None;
        let mut active = self.standings.len() < self.n_expected;
        for standing in self.standings.values() {
            match *standing {
                Standing::Active(_) => active = true,
                Standing::Idle { now, .. } => idle_at = idle_at.max(Some(now)),
                Standing::Ended { reached: at } => reached = reached.max(at),
            }
        }
        let stands = self.watermark.minus(by);
        match idle_at {
            _ if active => Standing::Active(stands),
            Some(now) if quiet => Standing::Idle {
                now,
                reached: stands,
            },
            Some(_) => Standing::Active(stands),
            None => Standing::Ended {
                reached: reached.minus(by),
            },
        }
    }

    /// Ends the current epoch: gives the watermark after it.
    pub(crate) fn settle(&mut self) -> EventTime {
        if self.standings.len() < self.n_expected {
            return self.watermark;
        }
        let mut least_active: Option<EventTime> = None;
        let mut idle_at: Option<EventTime> = None;
        let mut reached = self.watermark;
        for standing in self.standings.values() {
            match *standing {
                Standing::Active(at) => {
                    least_active = Some(least_active.map_or(at, |least| least.min(at)))
                }
                Standing::Idle { now, reached: at } => {
                    idle_at = idle_at.max(Some(now));
                    reached = reached.max(at);
                }
                Standing::Ended { reached: at } => reached = reached.max(at),
            }
        }
        let reached = match (least_active, idle_at) {
            (Some(least), _) => {
                self.all_idle_from = None;
                least
            }
            (None, Some(now)) => {
                let (watermark, since) = *self.all_idle_from.get_or_insert((reached, now));
                watermark.plus(now.since(since))
            }
            (None, None) => EventTime::MAX,
        };
        self.watermark = self.watermark.max(reached);
        if self.watermark < EventTime::MAX {
            self.before_end = self.watermark;
        }
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

    fn idle(now: i64, reached: i64) -> Standing {
        Standing::Idle {
            now: at(now),
            reached: at(reached),
        }
    }

    fn ended(reached: i64) -> Standing {
        Standing::Ended {
            reached: at(reached),
        }
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
        check(clock, &[mark(0, 1, idle(100, 5))], at(7));
        check(clock, &[mark(0, 1, Standing::Active(at(1)))], at(7));
        check(clock, &[mark(0, 0, ended(7))], at(7));
        check(clock, &[mark(0, 1, ended(8))], EventTime::MAX);
    }

    #[test]
    fn all_idle_follows_the_wall_clock_from_where_it_stood() {
        let clock = &mut MarkClock::new(2, 1);
        check(
            clock,
            &[
                mark(0, 0, Standing::Active(at(10))),
                mark(1, 0, idle(50, 0)),
            ],
            at(10),
        );
        check(clock, &[mark(0, 0, ended(10))], at(10));
        check(clock, &[mark(1, 0, idle(53, 0))], at(13));
        check(clock, &[mark(1, 0, Standing::Active(at(2)))], at(13));
        check(clock, &[mark(1, 0, idle(60, 2))], at(13));
        check(clock, &[mark(1, 0, idle(61, 2))], at(13).plus(seconds(1)));
    }

    #[test]
    fn a_step_is_idle_when_its_input_is_and_it_holds_nothing() {
        let by = seconds(3);
        let clock = &mut MarkClock::new(1, 2);
        let check = |clock: &MarkClock, quiet, standing| {
            assert_eq!(clock.standing_of_step(by, quiet), standing);
        };
        check(clock, true, Standing::Active(EventTime::MIN));
        clock.take(mark(0, 0, Standing::Active(at(7))));
        clock.take(mark(0, 1, idle(100, 5)));
        clock.settle();
        check(clock, true, Standing::Active(at(4)));
        clock.take(mark(0, 0, idle(101, 7)));
        clock.settle();
        check(clock, false, Standing::Active(at(4)));
        check(clock, true, idle(101, 4));
        clock.take(mark(0, 0, idle(110, 7)));
        clock.settle();
        check(clock, false, Standing::Active(at(13)));
        clock.take(mark(0, 0, ended(7)));
        clock.take(mark(0, 1, ended(5)));
        clock.settle();
        check(clock, false, ended(4));
    }

    #[test]
    fn one_that_ended_while_another_had_promised_nothing_counts_when_that_is_idle() {
        let clock = &mut MarkClock::new(2, 1);
        let nothing = Standing::Active(EventTime::MIN);
        check(
            clock,
            &[mark(0, 0, Standing::Active(at(10))), mark(1, 0, nothing)],
            EventTime::MIN,
        );
        check(clock, &[mark(0, 0, ended(15))], EventTime::MIN);
        check(
            clock,
            &[mark(
                1,
                0,
                Standing::Idle {
                    now: at(50),
                    reached: EventTime::MIN,
                },
            )],
            at(15),
        );
        check(
            clock,
            &[mark(
                1,
                0,
                Standing::Idle {
                    now: at(52),
                    reached: EventTime::MIN,
                },
            )],
            at(17),
        );
    }
}

//! Schedules: how a run falls into workers and epochs, drawn at random and the same for the same seed.

use std::fmt;
use std::time::Duration;

use super::random::Random;
use crate::app::App;

/// How a run falls into workers and epochs: nothing that its answer may depend on.
///
/// # Examples
/// ```
/// # use millstream_connectors::{Clickstream, Memory, Rate};
/// # use millstream_engine::testing::schedules;
/// # use millstream_engine::{App, EventTime, VirtualClock, Watermarks, seconds};
/// # use millstream_operators::{Tumbling, Windows};
/// let seed = 7;
/// let answers = schedules(seed).take(3).map(|schedule| {
///     let (memory, start) = (Memory::new(), VirtualClock::starting_at(EventTime::from_micros(0)));
///     let sink = memory.clone();
///     schedule.apply(App::new("doc").clock(start)).run(move |flow| {
///         flow.source("views", Clickstream::new().rate(Rate::Max).events(5_000))
///             .event_time(|e| e.timestamp, Watermarks::bounded(seconds(5)))
///             .window(Tumbling::of(seconds(1)))
///             .aggregate("per_second", |of| of.count("views"))
///             .closed()
///             .sink("memory", sink.clone())
///     })?;
///     Ok((schedule.to_string(), memory.rows()))
/// });
/// let answers: Vec<_> = answers.collect::<millstream_engine::Result<_>>()?;
/// for (schedule, answer) in &answers {
///     assert_eq!(*answer, answers[0].1, "seed {seed}, {schedule}");
/// }
/// # Ok::<(), millstream_engine::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// How many workers there are.
    pub workers: usize,
    /// How long an epoch lasts at most.
    pub interval: Duration,
    /// How many records a source takes into an epoch on one worker.
    pub records: usize,
}

impl Schedule {
    /// Has `app` run so.
    #[must_use]
    pub fn apply(&self, app: App) -> App {
        app.workers(self.workers)
            .epochs(self.interval, self.records)
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Schedule {
            workers,
            interval,
            records,
        } = self;
        write!(
            f,
            "{workers} workers, epochs of {interval:?} or {records} records"
        )
    }
}

/// Schedules without end, the same for the same seed; the first is the plainest there is: one worker, one epoch.
pub fn schedules(seed: u64) -> impl Iterator<Item = Schedule> {
    let mut random = Random::new(seed);
    let plain = Schedule {
        workers: 1,
        interval: Duration::from_secs(3600),
        records: usize::MAX,
    };
    let drawn = std::iter::repeat_with(move || {
        let most = 2 << random.below(12);
        Schedule {
            workers: 1 + random.below(4) as usize,
            interval: Duration::from_micros(random.below(2_000)),
            records: 1 + random.below(most) as usize,
        }
    });
    std::iter::once(plain).chain(drawn)
}

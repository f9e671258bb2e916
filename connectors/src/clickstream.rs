//! A clickstream that is made up: page views of a shop, as many and as fast as one likes, the same for the same seed.
//!
//! ```text
//!  n ──▶ happens at start + n / rate ──▶ arrives after a delay of its own ──▶ partition n % 4, in order of arrival
//!  │
//!  └──▶ (seed, n) alone decide user, session, url, referrer, country, device and duration
//! ```
//!
//! Users and pages are popular as in life, a few very much and most hardly at all; sessions belong to a user and go on
//! for tens of events, many at a time. Most events arrive within 2 s of happening, one in a hundred takes up to 4 s, and
//! one in two thousand 40 to 120 s: late by any reasonable measure, so that lateness can be seen at work.
//!
//! Nothing here rolls dice as it goes: every number is a hash of the seed and the event's own number, so that any event
//! can be made again, by any worker and in any order. Nothing depends on the mathematics library of a platform either.

mod arrivals;
mod draw;
mod maker;
mod page_view;
mod partition;
mod position;
mod rate;
mod world;

use millstream_engine::{
    Arrival, BoxError, EventTime, Position, Rewind, Source, SourceContext, Waker,
};

use crate::event::Event;
use arrivals::Arrivals;
use maker::Maker;
use position::{ClickstreamPosition, ParsePositionError};

pub use page_view::PageView;
pub use partition::ClickstreamPartition;
pub use rate::{ParseRateError, Rate};

/// How many partitions a clickstream has, whatever the number of workers.
const N_PARTITIONS: u32 = 4;

/// A source of made-up page views.
///
/// # Examples
/// ```
/// use millstream_connectors::{Clickstream, Rate};
/// use millstream_engine::{EventTime, seconds};
///
/// let clicks = Clickstream::new().rate(Rate::PerSecond(100)).events(1_000).seed(7);
/// let start: EventTime = "2025-01-15T10:30:00Z".parse().unwrap();
/// let event = clicks.event(250, start);
/// assert_eq!(event.timestamp.since(start), seconds(2) + seconds(1) / 2);
/// assert_eq!(event, clicks.event(250, start));
/// assert_eq!(clicks.in_order_of_arrival(start).count(), 1_000);
/// ```
#[derive(Clone, Debug)]
pub struct Clickstream {
    rate: Rate,
    n_events: Option<u64>,
    seed: u64,
}

impl Clickstream {
    /// Page views without end, 5,000 a second.
    #[must_use]
    pub fn new() -> Self {
        Clickstream {
            rate: Rate::default(),
            n_events: None,
            seed: 1,
        }
    }

    /// How fast they come.
    #[must_use]
    pub fn rate(mut self, rate: Rate) -> Self {
        self.rate = if rate == Rate::PerSecond(0) {
            Rate::Zero
        } else {
            rate
        };
        self
    }

    /// Ends after `n` events.
    ///
    /// A run that goes on from a snapshot may be given another end. If it had come further than that already, it still
    /// hands on what was on its way, and ends.
    #[must_use]
    pub fn events(mut self, n: u64) -> Self {
        self.n_events = Some(n);
        self
    }

    /// What decides all that looks like chance.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Event `n`, counted from 0, of a stream that starts at `start`.
    ///
    /// What the source gives for a run that was started then, however it is run.
    #[must_use]
    pub fn event(&self, n: u64, start: EventTime) -> Event<PageView> {
        self.maker(start).event(n)
    }

    /// All events of a stream that starts at `start`, in the order in which they arrive: what a recording of it holds.
    ///
    /// Without end, unless [`events`](Self::events) was said.
    pub fn in_order_of_arrival(
        &self,
        start: EventTime,
    ) -> impl Iterator<Item = Event<PageView>> + use<> {
        let maker = self.maker(start);
        let mut arrivals = Arrivals::new(maker, 0, 1, self.n_events);
        std::iter::from_fn(move || {
            arrivals.next_at()?;
            arrivals.pop().map(|n| maker.event(n))
        })
    }

    fn maker(&self, start: EventTime) -> Maker {
        Maker {
            seed: self.seed,
            start,
            per_second: self.rate.per_second(),
        }
    }
}

impl Default for Clickstream {
    fn default() -> Self {
        Self::new()
    }
}

impl Source for Clickstream {
    type Item = Event<PageView>;
    type Partition = ClickstreamPartition;

    fn partitions(&self, _cx: &SourceContext) -> Result<u32, BoxError> {
        Ok(N_PARTITIONS)
    }

    fn open(
        &self,
        partition: u32,
        cx: &SourceContext,
        _waker: Waker,
    ) -> Result<ClickstreamPartition, BoxError> {
        let maker = self.maker(cx.started);
        let arrivals = Arrivals::new(
            maker,
            u64::from(partition),
            u64::from(N_PARTITIONS),
            self.n_events,
        );
        Ok(ClickstreamPartition::new(self.rate, maker, arrivals))
    }

    fn resume(
        &self,
        partition: u32,
        position: &Position,
        cx: &SourceContext,
        waker: Waker,
    ) -> Result<ClickstreamPartition, BoxError> {
        let parsed: Result<ClickstreamPosition, ()> = position.0.parse();
        let of_partition = parsed
            .ok()
            .filter(|position| position.is_of(partition.into(), N_PARTITIONS.into()));
        let position = of_partition.ok_or_else(|| ParsePositionError {
            text: position.0.clone(),
            partition,
        })?;
        Ok(self.open(partition, cx, waker)?.go_on(&position))
    }

    /// It makes up the same events again.
    fn rewind(&self, _cx: &SourceContext) -> Rewind {
        Rewind::Seek
    }

    /// What decides which events there are, but for how many: it may be given more of them, or fewer.
    fn identity(&self, _cx: &SourceContext) -> Result<String, BoxError> {
        let (seed, per_second) = (self.seed, self.rate.per_second());
        Ok(format!(
            "made up from seed {seed}, {per_second} events a second in {N_PARTITIONS} partitions"
        ))
    }

    fn arrival(&self) -> Arrival {
        if self.rate == Rate::Max {
            Arrival::MadeUp
        } else {
            Arrival::Now
        }
    }
}

#[cfg(test)]
mod tests;

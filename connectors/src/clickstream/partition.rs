//! Every fourth event of a clickstream.

use millstream_engine::{BoxError, EventTime, Intake, Partition, Polled, Position};

use super::arrivals::Arrivals;
use super::maker::Maker;
use super::position::ClickstreamPosition;
use super::{PageView, Rate};
use crate::event::Event;
use crate::take::Take;

/// One of the four partitions of a clickstream; an event's offset is its place in the order of arrival.
pub struct ClickstreamPartition {
    rate: Rate,
    maker: Maker,
    arrivals: Arrivals,
    next_offset: u64,
}

impl ClickstreamPartition {
    pub(super) fn new(rate: Rate, maker: Maker, arrivals: Arrivals) -> Self {
        ClickstreamPartition {
            rate,
            maker,
            arrivals,
            next_offset: 0,
        }
    }

    /// Goes on where an earlier run's partition stood.
    pub(super) fn go_on(mut self, position: &ClickstreamPosition) -> Self {
        self.arrivals = self.arrivals.go_on(&position.progress);
        self.next_offset = position.n_events;
        self
    }

    pub(crate) fn advance(
        &mut self,
        now: EventTime,
        intake: &mut impl Take<Event<PageView>>,
    ) -> Result<Polled, BoxError> {
        while let Some(at) = self.arrivals.next_at() {
            match self.rate {
                Rate::Zero => return Ok(Polled::CaughtUp { until: None }),
                Rate::PerSecond(_) if at > now => return Ok(Polled::CaughtUp { until: Some(at) }),
                Rate::PerSecond(_) | Rate::Max => {}
            }
            if intake.room() == 0 {
                return Ok(Polled::Ready);
            }
            let Some(n) = self.arrivals.pop() else { break };
            if let Err(reason) = intake.accept(self.maker.event(n)) {
                let raw = serde_json::to_vec(&self.maker.event(n))?;
                intake.reject(self.next_offset, reason, &raw);
            }
            self.next_offset += 1;
        }
        Ok(Polled::Ended)
    }
}

impl Partition for ClickstreamPartition {
    type Item = Event<PageView>;

    fn poll(&mut self, intake: &mut Intake<'_, Event<PageView>>) -> Result<Polled, BoxError> {
        self.advance(intake.now(), intake)
    }

    fn position(&self) -> Option<Position> {
        let position = ClickstreamPosition {
            n_events: self.next_offset,
            progress: self.arrivals.progress(),
        };
        Some(Position(position.to_string()))
    }
}

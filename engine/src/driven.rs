//! One partition of a source as the engine drives it: its watermark, and whether it is idle.
//!
//! A partition is idle when it was polled, is caught up, and had nothing for a while. One that waits for another partition,
//! for room, or for anything but its input is not.

use std::sync::PoisonError;
use std::sync::atomic::Ordering::Relaxed;

use crate::dead_letter::DeadLetter;
use crate::epoch::Epoch;
use crate::error::BoxError;
use crate::intake::{Intake, PartitionWatermark, TimeOf};
use crate::record::Record;
use crate::snapshot::manifest::PartitionState;
use crate::source::{Arrival, Partition, Polled, Position};
use crate::source_meter::{PartitionMeter, Shown, UNKNOWN};
use crate::step::Meter;
use crate::time::EventTime;
use crate::watermarks::Watermarks;

/// What holds for all partitions of a source.
#[derive(Clone, Copy)]
pub(crate) struct Rules {
    pub(crate) watermarks: Watermarks,
    pub(crate) arrival: Arrival,
    /// When the pipeline first started.
    pub(crate) started: EventTime,
    /// When this run did.
    pub(crate) resumed: EventTime,
}

impl Rules {
    /// What event times are measured against: the latest that a record may have.
    pub(crate) fn latest_allowed(&self, now: EventTime) -> EventTime {
        let latest = match self.arrival {
            Arrival::Now => now.plus(self.watermarks.max_ahead),
            Arrival::AtStart => self.started.plus(self.watermarks.max_ahead),
            Arrival::MadeUp => EventTime::MAX,
        };
        // The end of time is no time at which anything happens: no window would ever hold it.
        latest.min(EventTime::from_micros(i64::MAX - 1))
    }
}

/// A partition and how it stands.
pub(crate) struct Driven<P: Partition> {
    number: u32,
    /// `None` once it has ended.
    partition: Option<P>,
    rules: Rules,
    watermark: PartitionWatermark,
    polled: Option<Polled>,
    /// How many records a poll may well bring: as many as the last ones did at most, the older the less.
    expected: usize,
    /// When it last had something, or last waited for something else than its input.
    busy_at: EventTime,
    idle: bool,
    told: Option<(Shown, EventTime)>,
    /// Where it stood when it ended.
    last_position: Option<Position>,
}

/// What a poll brought.
pub(crate) struct Polling<T> {
    pub(crate) batch: Vec<Record<T>>,
    pub(crate) more_at_once: bool,
}

impl<P: Partition> Driven<P> {
    pub(crate) fn new(number: u32, partition: P, rules: Rules) -> Self {
        Driven {
            number,
            partition: Some(partition),
            rules,
            watermark: PartitionWatermark::new(rules.watermarks.bound()),
            polled: None,
            expected: 0,
            busy_at: rules.resumed,
            idle: false,
            told: None,
            last_position: None,
        }
    }

    /// The same partition as an earlier run left it. What time passed between the runs does not count as quiet.
    pub(crate) fn restored(mut self, state: &PartitionState) -> Self {
        self.watermark.restore(state.watermark);
        self.busy_at = self.rules.resumed.minus(state.quiet);
        self.idle = state.idle && !self.rules.watermarks.by_clock;
        self
    }

    /// Time has come to `now`, for a partition whose records are timed by the clock.
    pub(crate) fn pass(&mut self, now: EventTime) {
        if self.rules.watermarks.by_clock && !self.has_ended() {
            self.watermark.pass(now);
        }
    }

    /// What a snapshot keeps of it.
    pub(crate) fn state(&self, now: EventTime, meter: &PartitionMeter) -> PartitionState {
        let position = match &self.partition {
            Some(partition) => partition.position(),
            None => self.last_position.clone(),
        };
        PartitionState {
            position,
            watermark: self.watermark(),
            quiet: now.since(self.busy_at),
            idle: self.idle,
            events: meter.events.load(Relaxed),
            rejected: meter.rejected.load(Relaxed),
        }
    }

    pub(crate) fn number(&self) -> u32 {
        self.number
    }

    pub(crate) fn watermark(&self) -> EventTime {
        self.watermark.get()
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.partition.is_none()
    }

    pub(crate) fn is_active(&self) -> bool {
        !self.has_ended() && !self.idle
    }

    /// When it should be polled again though nobody wakes it.
    pub(crate) fn wants_poll_at(&self, now: EventTime) -> Option<EventTime> {
        let Some(Polled::CaughtUp { until }) = self.polled.filter(|_| !self.has_ended()) else {
            return None;
        };
        // One that says "until now" is to be asked again, not never.
        let until = until.map(|time| time.max(now));
        if self.rules.watermarks.by_clock {
            return until;
        }
        let idle_at = self.busy_at.plus(self.rules.watermarks.idle_after);
        let idle_at = (!self.idle && idle_at > now).then_some(idle_at);
        [until, idle_at].into_iter().flatten().min()
    }

    /// Asks the partition for records, at most `room`; gives `None` if it has ended.
    pub(crate) fn poll(
        &mut self,
        source: &str,
        time_of: &TimeOf<P::Item>,
        room: usize,
        (now, epoch): (EventTime, Epoch),
        letters: &mut Vec<DeadLetter>,
        meter: &PartitionMeter,
    ) -> Result<Option<Polling<P::Item>>, BoxError> {
        self.pass(now);
        let taken_in = self.watermark();
        let Some(partition) = &mut self.partition else {
            return Ok(None);
        };
        // Where there was much there will be much again, and a list that grows is copied again and again.
        let mut batch = Vec::with_capacity(self.expected.min(room));
        let mut intake = Intake {
            time_of,
            taken_in,
            watermark: &mut self.watermark,
            latest_allowed: self.rules.latest_allowed(now),
            room,
            now,
            partition: self.number,
            source,
            records: &mut batch,
            letters,
            epoch,
            refused: None,
        };
        let polled = partition.poll(&mut intake)?;
        let (bytes, bytes_total) = partition.progress();
        Meter::add(&meter.events, batch.len() as u64);
        Meter::add(&meter.rejected, letters.len() as u64);
        meter.bytes.store(bytes, Relaxed);
        meter
            .bytes_total
            .store(bytes_total.unwrap_or(UNKNOWN), Relaxed);
        meter.lag.store(partition.lag().unwrap_or(UNKNOWN), Relaxed);
        self.expected = batch.len().max(self.expected - self.expected / 4);
        let brought = !batch.is_empty() || !letters.is_empty();
        self.note(polled, brought, now, meter);
        Ok(Some(Polling {
            batch,
            more_at_once: polled == Polled::Ready,
        }))
    }

    fn note(&mut self, polled: Polled, brought: bool, now: EventTime, meter: &PartitionMeter) {
        self.polled = Some(polled);
        if brought || matches!(polled, Polled::Ready | Polled::Held) {
            self.busy_at = now;
        }
        let quiet = now.since(self.busy_at) >= self.rules.watermarks.idle_after;
        // Where the clock says how far it is, it holds nobody up.
        let may_idle = !self.rules.watermarks.by_clock;
        self.idle = may_idle && quiet && matches!(polled, Polled::CaughtUp { .. });
        if polled == Polled::Ended {
            let ended = self.partition.take();
            self.last_position = ended.and_then(|partition| partition.position());
        }
        let state = match polled {
            Polled::Ended => Shown::Ended,
            Polled::Held => Shown::Held,
            Polled::CaughtUp { .. } if self.idle => Shown::Idle,
            Polled::CaughtUp { .. } | Polled::Ready => Shown::Active,
        };
        let told = (state, self.watermark());
        let as_known = |(known, watermark): (Shown, EventTime)| {
            known == state && watermark.is_finite() == self.watermark().is_finite()
        };
        if !self.told.is_some_and(as_known) {
            *meter.reason.lock().unwrap_or_else(PoisonError::into_inner) = self.reason(state);
        }
        if self.told != Some(told) {
            meter.state.store(state as u8, Relaxed);
            meter.watermark.store(told.1.micros(), Relaxed);
            self.told = Some(told);
        }
    }

    fn reason(&self, state: Shown) -> String {
        let idle_after = self.rules.watermarks.idle_after.as_secs_f64();
        match state {
            Shown::Active | Shown::Held if self.rules.watermarks.by_clock => {
                "its records are timed when they are taken in: it stands at the clock of the run, and moves with it".into()
            }
            Shown::Active if self.watermark() == EventTime::MIN => format!(
                "it has promised nothing yet and holds everyone up: that waits for {}; after {idle_after} s without \
                 any event the partition is idle and holds no one up",
                self.rules.watermarks.describe()
            ),
            Shown::Active => format!(
                "it stands at {}, and moves when newer events come; after {idle_after} s without any the partition is \
                 idle and holds no one up",
                self.rules.watermarks.describe()
            ),
            Shown::Idle => format!(
                "nothing came for {idle_after} s: it is idle and holds no one up; when all are idle, time goes on by \
                 the wall clock from where the watermark stood"
            ),
            Shown::Held => {
                "it waits until the other partitions of its input have come as far".into()
            }
            Shown::Ended => "it has ended and holds no one up".into(),
        }
    }
}

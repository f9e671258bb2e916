//! The rules by which two records meet.

use std::time::Duration;

use millstream_engine::{Data, EventTime, Record, Window};

/// What was said about the intervals of a step.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rules {
    /// How long after its end an interval can still be met.
    pub(super) lateness: Duration,
    /// How long before the event time of its record an interval may begin.
    pub(super) back: Duration,
    /// A key has one interval only.
    pub(super) unique: bool,
}

impl Rules {
    /// The interval of a record, cut off where it may not begin yet.
    pub(super) fn cut<T>(&self, interval: Window, of: &Record<T>) -> Window {
        let start = interval.start.max(of.time.minus(self.back));
        Window {
            start,
            end: interval.end.max(start),
        }
    }

    /// When an interval is closed.
    pub(super) fn close(&self, interval: Window) -> EventTime {
        interval.end.plus(self.lateness)
    }

    /// The last watermark at which a left record may still come for what happened at `time`.
    pub(super) fn last_wanted(&self, time: EventTime) -> EventTime {
        time.plus(self.back).plus(self.lateness)
    }

    /// The watermark from which on no left record can come for what happened at `time`.
    pub(super) fn in_vain(&self, time: EventTime) -> EventTime {
        let last = self.last_wanted(time).micros();
        EventTime::from_micros(last.saturating_add(1))
    }

    /// Whether a left record comes when its interval is closed already. Where it is not behind, it is not late, though its
    /// interval may end before its own time: else that would depend on how far the step happens to be.
    pub(super) fn is_late<T>(
        &self,
        left: &Record<T>,
        interval: Window,
        watermark: EventTime,
    ) -> bool {
        let close = self.close(interval);
        close <= left.behind || (left.time < watermark && close <= watermark)
    }

    /// Whether two records of one key meet: the same whichever of them is read first.
    #[inline]
    pub(super) fn meet<L: Data, R: Data>(
        &self,
        left: &Record<L>,
        interval: Window,
        right: &Record<R>,
    ) -> bool {
        interval.start <= right.time
            && right.time < interval.end
            && right.behind < self.close(interval)
            && left.behind <= self.last_wanted(right.time)
    }

    /// Whether a right record came so far behind its watermark that nothing can be expected for it.
    pub(super) fn is_far_behind<R>(&self, right: &Record<R>) -> bool {
        self.last_wanted(right.time) < right.behind
    }
}

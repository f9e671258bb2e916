//! Spans: from the first record of a session to its last.

use std::time::Duration;

use millstream_engine::{EventTime, Window};
use serde::{Deserialize, Serialize};

/// From `first` to `last`; both are in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Span {
    pub(super) first: EventTime,
    pub(super) last: EventTime,
}

/// Later by `micros`; unlike a promise, a record may be at either end of time, and is moved like any other.
#[inline]
fn later(time: EventTime, micros: i64) -> EventTime {
    EventTime::from_micros(time.micros().saturating_add(micros))
}

/// In whole microseconds, as far as time goes.
#[inline]
fn micros_of(gap: Duration) -> i64 {
    i64::try_from(gap.as_micros()).unwrap_or(i64::MAX)
}

impl Span {
    /// The span of one record.
    #[inline]
    pub(super) fn at(time: EventTime) -> Self {
        Span {
            first: time,
            last: time,
        }
    }

    /// Whether the two belong to one session.
    #[inline]
    pub(super) fn touches(self, other: Span, gap: Duration) -> bool {
        let gap = micros_of(gap);
        // Where time ends, so does the sum; and whatever is there is then nearer than a gap.
        other.first <= later(self.last, gap) && self.first <= later(other.last, gap)
    }

    /// Both, and what lies between them.
    #[inline]
    pub(super) fn and(self, other: Span) -> Span {
        Span {
            first: self.first.min(other.first),
            last: self.last.max(other.last),
        }
    }

    /// The end of the session's window.
    #[inline]
    pub(super) fn end(self, gap: Duration) -> EventTime {
        later(self.last, micros_of(gap))
    }

    /// The session's window.
    pub(super) fn window(self, gap: Duration) -> Window {
        Window {
            start: self.first,
            end: self.end(gap),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(first: i64, last: i64) -> Span {
        Span {
            first: EventTime::from_micros(first),
            last: EventTime::from_micros(last),
        }
    }

    fn check(a: (i64, i64), b: (i64, i64), gap: u64, touches: bool) {
        let (a, b, gap) = (span(a.0, a.1), span(b.0, b.1), Duration::from_micros(gap));
        assert_eq!(a.touches(b, gap), touches, "{a:?} and {b:?}");
        assert_eq!(b.touches(a, gap), touches, "{b:?} and {a:?}");
    }

    #[test]
    fn those_a_gap_apart_touch_and_no_others() {
        check((0, 10), (20, 30), 10, true);
        check((0, 10), (21, 30), 10, false);
        check((0, 10), (3, 5), 1, true);
        check((i64::MIN, i64::MIN), (i64::MIN + 5, 0), 5, true);
        check((i64::MIN, i64::MIN), (i64::MIN + 6, 0), 5, false);
        check((0, i64::MAX - 9), (i64::MAX - 1, i64::MAX - 1), 7, false);
        check((0, i64::MAX - 9), (i64::MAX - 1, i64::MAX - 1), 8, true);
        check((i64::MIN, i64::MIN), (i64::MAX, i64::MAX), u64::MAX, false);
        check((0, 0), (i64::MAX, i64::MAX), u64::MAX, true);
        assert_eq!(span(3, 7).and(span(5, 9)), span(3, 9));
    }
}

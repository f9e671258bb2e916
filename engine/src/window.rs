//! Windows: half-open intervals of event time.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::{EventTime, micros_of};

/// The interval `start ≤ t < end`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Window {
    /// The first microsecond inside.
    pub start: EventTime,
    /// The first microsecond after.
    pub end: EventTime,
}

impl Window {
    /// The tumbling window of length `size` that holds `time`; windows are aligned to 1970 UTC.
    ///
    /// # Panics
    /// If `size` is less than a microsecond.
    ///
    /// # Examples
    /// ```
    /// use millstream_engine::{EventTime, Window, minutes};
    /// let window = Window::tumbling(EventTime::from_micros(-1), minutes(1));
    /// assert_eq!(window.end, EventTime::from_micros(0));
    /// ```
    #[must_use]
    pub fn tumbling(time: EventTime, size: Duration) -> Self {
        let size = micros_of(size);
        assert!(size > 0, "a window is at least a microsecond long");
        // At the ends of time a window is cut off where it would go on; so no two of them overlap.
        let start = i128::from(time.micros().div_euclid(size)) * i128::from(size);
        Window {
            start: EventTime::from_micros(i64::try_from(start).unwrap_or(i64::MIN)),
            end: EventTime::from_micros(
                i64::try_from(start + i128::from(size)).unwrap_or(i64::MAX),
            ),
        }
    }
}

/// How windows of one length follow one another: one begins with every hop, counted from 1970 UTC.
#[derive(Clone, Copy, Debug)]
pub struct Spacing {
    /// How long each window is.
    pub size: Duration,
    /// How far apart two begin; as far as they are long, if they do not overlap.
    pub hop: Duration,
}

impl Spacing {
    /// When the first window begins that ends after `time`.
    pub(crate) fn first_after(self, time: EventTime) -> EventTime {
        let [size, hop] = [self.size, self.hop].map(|by| i128::from(micros_of(by)));
        let start = ((i128::from(time.micros()) - size).div_euclid(hop) + 1) * hop;
        // Before all time there is no window that is not cut off there.
        EventTime::from_micros(i64::try_from(start).unwrap_or(i64::MIN))
    }
}

impl fmt::Debug for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}, {})", self.start, self.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::seconds;

    #[test]
    fn the_first_window_after_a_time_is_the_first_that_ends_after_it() {
        let first = |size, hop, time| {
            let [size, hop] = [size, hop].map(Duration::from_micros);
            let after = Spacing { size, hop }.first_after(EventTime::from_micros(time));
            after.micros()
        };
        for (size, hop) in [(10, 10), (10, 2), (10, 3), (7, 4), (1, 1)] {
            for time in -30..30 {
                let ends_after = |n: &i64| n * hop as i64 + size as i64 > time;
                let expected = (-60..60).find(ends_after).expect("one does") * hop as i64;
                assert_eq!(
                    first(size, hop, time),
                    expected,
                    "{time}: {size} every {hop}"
                );
            }
        }
        assert_eq!(first(10, 2, i64::MIN), i64::MIN);
        assert_eq!(first(u64::MAX, 1, 0), 1 - i64::MAX);
    }

    fn check(time: i64, size: Duration, start: i64, end: i64) {
        let window = Window::tumbling(EventTime::from_micros(time), size);
        let expected = Window {
            start: EventTime::from_micros(start),
            end: EventTime::from_micros(end),
        };
        assert_eq!(window, expected, "{time} in windows of {size:?}");
    }

    #[test]
    fn windows_touch_up_to_the_ends_of_time() {
        let size = 1_000_000;
        check(0, seconds(1), 0, size);
        check(-1, seconds(1), -size, 0);
        let first_whole = i64::MIN / size * size;
        check(i64::MIN, seconds(1), i64::MIN, first_whole);
        check(first_whole - 1, seconds(1), i64::MIN, first_whole);
        check(first_whole, seconds(1), first_whole, first_whole + size);
        let last_whole = i64::MAX / size * size;
        check(i64::MAX - 1, seconds(1), last_whole, i64::MAX);
        check(5, Duration::MAX, 0, i64::MAX);
        check(-5, Duration::MAX, -i64::MAX, 0);
        check(i64::MIN, Duration::MAX, i64::MIN, -i64::MAX);
    }
}

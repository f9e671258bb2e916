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
        let start = time.micros().div_euclid(size).saturating_mul(size);
        Window {
            start: EventTime::from_micros(start),
            end: EventTime::from_micros(start.saturating_add(size)),
        }
    }
}

impl fmt::Debug for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}, {})", self.start, self.end)
    }
}

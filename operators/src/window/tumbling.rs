//! Tumbling windows: one after the other, all of one length.

use std::time::Duration;

use millstream_engine::{EventTime, Window};

/// Windows of one length that touch and do not overlap, aligned to 1970 UTC.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use millstream_operators::Tumbling;
/// let windows = Tumbling::of(Duration::from_secs(60)).lateness(Duration::from_secs(30));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Tumbling {
    size: Duration,
    lateness: Duration,
}

impl Tumbling {
    /// Windows of length `size`, final when the watermark passes their end.
    ///
    /// # Panics
    /// If `size` is less than a microsecond.
    #[must_use]
    pub fn of(size: Duration) -> Self {
        assert!(
            size >= Duration::from_micros(1),
            "a window is at least a microsecond long, not {size:?}"
        );
        Tumbling {
            size,
            lateness: Duration::ZERO,
        }
    }

    /// Takes records up to `lateness` after the watermark has passed the end of their window; final only then.
    #[must_use]
    pub fn lateness(mut self, lateness: Duration) -> Self {
        self.lateness = lateness;
        self
    }

    pub(crate) fn size(&self) -> Duration {
        self.size
    }

    pub(crate) fn lateness_allowed(&self) -> Duration {
        self.lateness
    }

    /// The window that `time` lies in.
    pub(crate) fn holding(&self, time: EventTime) -> Window {
        Window::tumbling(time, self.size)
    }

    /// When `window` is final.
    pub(crate) fn close(&self, window: Window) -> EventTime {
        window.end.plus(self.lateness)
    }
}

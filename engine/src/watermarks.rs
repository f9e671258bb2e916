//! How a source promises that time has passed.
//!
//! A watermark of a partition is its promise that nothing with an earlier event time will follow, except what comes late.
//! [`Watermarks`] says how the promise is made: bounded out-of-orderness for streams, or only at the end for input in no
//! order at all; when a partition counts as idle, so that a quiet one does not hold up the others; and how far ahead of
//! the wall clock an event may claim to be.

use std::time::Duration;

use crate::time::{micros_of, minutes, seconds};

/// The watermark policy of a source.
///
/// # Examples
/// ```
/// use millstream_engine::{Watermarks, seconds};
/// let _live = Watermarks::bounded(seconds(5)).idle_after(seconds(10));
/// let _unsorted_file = Watermarks::at_end();
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Watermarks {
    out_of_orderness: Option<Duration>,
    pub(crate) idle_after: Duration,
    pub(crate) max_ahead: Duration,
    /// Records are timed by the clock of the run, and so is the promise.
    pub(crate) by_clock: bool,
}

impl Watermarks {
    /// Records may come up to `out_of_orderness` of event time after a later one of their partition.
    #[must_use]
    pub fn bounded(out_of_orderness: Duration) -> Self {
        Watermarks {
            out_of_orderness: Some(out_of_orderness),
            ..Self::at_end()
        }
    }

    /// Nothing is promised before a partition ends: for files in no order. Every window stays open until then.
    #[must_use]
    pub fn at_end() -> Self {
        Watermarks {
            out_of_orderness: None,
            idle_after: seconds(10),
            max_ahead: minutes(1),
            by_clock: false,
        }
    }

    /// Nothing will be timed before now: for records that are timed when they are taken in.
    pub(crate) fn by_clock() -> Self {
        Watermarks {
            by_clock: true,
            max_ahead: Duration::MAX,
            ..Self::bounded(Duration::ZERO)
        }
    }

    /// A partition that is caught up and had nothing for `idle_after` of wall-clock time (default 10 s) holds no one up.
    #[must_use]
    pub fn idle_after(mut self, idle_after: Duration) -> Self {
        self.idle_after = idle_after;
        self
    }

    /// An event that claims to be more than `max_ahead` (default one minute) in the future is a dead letter.
    ///
    /// The future begins when the event arrives, for a live source, and when the run started, for a file.
    #[must_use]
    pub fn max_ahead(mut self, max_ahead: Duration) -> Self {
        self.max_ahead = max_ahead;
        self
    }

    /// In microseconds; `None` where nothing is promised before the end.
    pub(crate) fn bound(&self) -> Option<i64> {
        self.out_of_orderness.map(micros_of)
    }

    /// The bound in words.
    pub(crate) fn describe(&self) -> String {
        match self.out_of_orderness {
            Some(by) => format!(
                "its newest event less {} s of out-of-orderness",
                by.as_secs_f64()
            ),
            None => "the end of its input, as Watermarks::at_end() says".into(),
        }
    }
}

//! Tumbling windows: one after the other, all of one length.

use std::time::Duration;

use millstream_engine::{EventTime, Window};

/// Windows of one length that touch and do not overlap, aligned to 1970 UTC.
///
/// # Examples
/// ```
/// # use millstream_connectors::{Clickstream, Memory, Rate};
/// # use millstream_engine::{App, Watermarks, minutes, seconds};
/// # use millstream_operators::{Tumbling, Windows};
/// let memory = Memory::new();
/// let sink = memory.clone();
/// let report = App::new("doc").workers(1).run(move |flow| {
///     flow.source("views", Clickstream::new().rate(Rate::Max).events(100_000))
///         .event_time(|e| e.timestamp, Watermarks::bounded(seconds(5)))
///         .window(Tumbling::of(seconds(1)).lateness(minutes(2)))
///         .aggregate("traffic", |of| of.count("views"))
///         .closed()
///         .sink("memory", sink.clone())
/// })?;
/// assert_eq!(report.late, 0); // the generator delays nothing by more than two minutes
/// # Ok::<(), millstream_engine::Error>(())
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
    ///
    /// # Examples
    /// ```
    /// # use millstream_engine::{Window, minutes};
    /// # use millstream_operators::Tumbling;
    /// let _minutes = Tumbling::of(minutes(1));
    /// let window = Window::tumbling("2025-01-15T10:30:42Z".parse().unwrap(), minutes(1));
    /// assert_eq!(window.start, "2025-01-15T10:30:00Z".parse().unwrap());
    /// ```
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
    ///
    /// # Examples
    /// ```
    /// # use millstream_connectors::{Clickstream, Rate};
    /// # use millstream_engine::{App, Watermarks, seconds};
    /// # use millstream_operators::{Tumbling, Windows};
    /// let late = |lateness| {
    ///     let report = App::new("doc").workers(1).run(move |flow| {
    ///         flow.source("views", Clickstream::new().rate(Rate::Max).events(500_000))
    ///             .event_time(|e| e.timestamp, Watermarks::bounded(seconds(5)))
    ///             .window(Tumbling::of(seconds(10)).lateness(lateness))
    ///             .aggregate("traffic", |of| of.count("views"))
    ///             .view("traffic")
    ///     });
    ///     report.map(|report| report.late)
    /// };
    /// assert!(late(seconds(0))? > late(seconds(60))?);
    /// assert_eq!(late(seconds(120))?, 0);
    /// # Ok::<(), millstream_engine::Error>(())
    /// ```
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

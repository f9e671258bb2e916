//! Tumbling windows: one after the other, all of one length.

use std::time::Duration;

use millstream_engine::{EventTime, LoadError, Window};

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
    /// Windows that ended by then were closed by a run before, whatever the lateness is now.
    closed: EventTime,
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
            closed: EventTime::MIN,
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

    /// When `window` is final; long ago, if it was final in a run before.
    pub(crate) fn close(&self, window: Window) -> EventTime {
        if window.end <= self.closed {
            return EventTime::MIN;
        }
        window.end.plus(self.lateness)
    }

    /// Says for a run that goes on from here, with whatever lateness, which windows are closed at `watermark`.
    pub(crate) fn note(&self, watermark: EventTime) -> Option<String> {
        let closed = watermark.minus(self.lateness).max(self.closed).finite();
        closed.map(|closed| closed.micros().to_string())
    }

    /// Takes that back.
    pub(crate) fn restore_note(&mut self, note: &str) -> Result<(), LoadError> {
        let micros = note.parse().map_err(|_| LoadError::Unexpected)?;
        self.closed = self.closed.max(EventTime::from_micros(micros));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use millstream_engine::{minutes, seconds};

    use super::*;

    #[test]
    fn what_was_closed_stays_closed_with_another_lateness() {
        let minute = |n: i64| Window::tumbling(EventTime::from_micros(n * 60_000_000), minutes(1));
        let before = Tumbling::of(minutes(1)).lateness(seconds(30));
        let note = before.note(minute(2).end.plus(seconds(30))).unwrap();
        let mut after = Tumbling::of(minutes(1)).lateness(minutes(10));
        after.restore_note(&note).unwrap();
        assert_eq!(after.close(minute(2)), EventTime::MIN);
        assert_eq!(after.close(minute(3)), minute(3).end.plus(minutes(10)));
        let again = after.note(EventTime::MIN).unwrap();
        assert_eq!(again, note, "and in the run after that");
        assert_eq!(before.note(EventTime::MIN), None);
        assert!(after.restore_note("soon").is_err());
    }
}

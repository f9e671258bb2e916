//! Lateness: which windows are closed, and that they stay so.
//!
//! A window is closed once the watermark has passed its end and the lateness. A run that goes on from a snapshot may have
//! been given another lateness: what was closed before it stays closed, and what was not is judged by the new one.

use std::time::Duration;

use millstream_engine::{EventTime, LoadError, Window};

/// How long windows can be corrected after their end, and which of them were closed by a run before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lateness {
    pub(super) allowed: Duration,
    /// Windows that ended by then were closed by a run before, whatever the lateness is now.
    closed: EventTime,
}

impl Lateness {
    pub(super) fn of(allowed: Duration) -> Self {
        Lateness {
            allowed,
            closed: EventTime::MIN,
        }
    }

    /// When `window` is final; long ago, if it was final in a run before.
    pub(super) fn close(&self, window: Window) -> EventTime {
        if window.end <= self.closed {
            return EventTime::MIN;
        }
        window.end.plus(self.allowed)
    }

    /// The windows that are closed at `watermark` are those that end by then.
    pub(super) fn closed_by(&self, watermark: EventTime) -> EventTime {
        watermark.minus(self.allowed).max(self.closed)
    }

    /// Says for a run that goes on from here, with whatever lateness, which windows are closed at `watermark`.
    pub(super) fn note(&self, watermark: EventTime) -> Option<String> {
        let closed = self.closed_by(watermark).finite();
        let closed = closed.or(self.closed.finite());
        closed.map(|closed| closed.micros().to_string())
    }

    /// The input has ended at `watermark`. That is a promise for this run alone; what was closed before stays so.
    pub(super) fn end(&mut self, watermark: EventTime) {
        self.closed = self.closed_by(watermark);
    }

    /// Takes that back.
    pub(super) fn restore_note(&mut self, note: &str) -> Result<(), LoadError> {
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
        let before = Lateness::of(seconds(30));
        let note = before.note(minute(2).end.plus(seconds(30))).unwrap();
        let mut after = Lateness::of(minutes(10));
        after.restore_note(&note).unwrap();
        assert_eq!(after.close(minute(2)), EventTime::MIN);
        assert_eq!(after.close(minute(3)), minute(3).end.plus(minutes(10)));
        assert_eq!(after.closed_by(minute(4).end), minute(2).end);
        let again = after.note(EventTime::MIN).unwrap();
        assert_eq!(again, note, "and in the run after that");
        assert_eq!(before.note(EventTime::MIN), None);
        assert!(after.restore_note("soon").is_err());
    }

    #[test]
    fn what_was_closed_before_the_input_ended_stays_closed() {
        let at = |second: i64| EventTime::from_millis(second * 1000);
        let mut before = Lateness::of(seconds(30));
        assert_eq!(before.note(EventTime::MAX), None, "nothing was closed");
        before.end(at(100));
        let note = before.note(EventTime::MAX).expect("some were closed");
        let mut after = Lateness::of(seconds(60));
        after.restore_note(&note).unwrap();
        assert_eq!(after.closed_by(at(100)), at(70));
        assert_eq!(after.note(EventTime::MAX), Some(note), "by a run before");
    }
}

//! Sessions: the records of a key that follow one another closely.
//!
//! ```text
//!  records of a key   ×  × ×     ×              ×  ×
//!                     └──────────┴── gap ──┤    └──┴── gap ──┤
//!  windows            [ first … last + gap )    [ … )
//! ```
//!
//! A session is a largest set of records of a key in which each follows another by at most the gap. Its window begins with
//! its first record and ends a gap after its last: a record right at the end still belongs to it, and extends it. A record
//! between two sessions may join them into one. So a window is not known from a record alone, and changes as records come.
//!
//! **Late** is a record whose time is more than the lateness before the watermark: that of its own partition before it,
//! or, if that had been idle, that of the step. Where a record of the same time would have found its session open does not
//! matter: whether that is so depends on what others sent meanwhile. **Final** is a session when the watermark is more than
//! the lateness past its end; one microsecond later than a window into which its end does not belong.
//!
//! *Invariants*: which sessions there are depends on the records that are not late and on nothing else: not on their order,
//! epochs, or workers. For let `w` be the watermark of the step, `l` the lateness and `end` that of a session which is
//! final, so `end < w - l`. A record that comes after that is not late only if its time `t` is not before `w - l`: it is
//! judged by `w` at least. So `end < t`, and `t` is more than a gap after the session's last record: it neither belongs to
//! the session nor joins it to another. Nor can it be joined by what is folded elsewhere first and sent here later, which
//! begins with such a record.
//!
//! Source: Akidau et al., *The Dataflow Model*, VLDB 2015, §2.2; that the end belongs to it is as in Flink and Kafka Streams.

mod ahead;
mod due;
mod frozen;
mod kept;
mod notes;
mod of_key;
mod open;
mod restore;
mod sessions;
mod size;
mod span;
mod step;

#[cfg(test)]
mod tests;

use std::rc::Rc;
use std::time::Duration;

use millstream_engine::raw::{Spacing, Windowing};
use millstream_engine::{Data, EventTime, KeyOf, LoadError, Record};

use super::kind::WindowKind;
use crate::aggregate::Aggregate;
use span::Span;
use step::Sessioning;

/// Windows of as many records of a key as follow one another closely: one for each visit, say.
///
/// # Examples
/// ```
/// # use millstream_connectors::Memory;
/// # use millstream_engine::testing::{Act, Script};
/// # use millstream_engine::{App, EventTime, Value, Watermarks, seconds};
/// # use millstream_operators::{Session, Windows};
/// let memory = Memory::new();
/// let sink = memory.clone();
/// let at = |second: i64| EventTime::from_millis(second * 1000);
/// let clicks = [0, 4, 14, 30].map(|second| Act::Emit(at(second), ())); // within 10 s of the one before, but for the last
/// let script = Script::new(vec![clicks.to_vec()]);
/// App::new("doc").workers(1).run(move |flow| {
///     flow.source("clicks", script.clone())
///         .event_time(|(time, ())| *time, Watermarks::bounded(seconds(5)))
///         .window(Session::gap(seconds(10)))
///         .aggregate("visits", |of| of.count("clicks"))
///         .closed()
///         .sink("memory", sink.clone())
/// })?;
/// let row = |start, end, clicks| [Value::Time(at(start)), Value::Time(at(end)), Value::Int(clicks)];
/// assert_eq!(memory.rows(), [row(0, 24, 3), row(30, 40, 1)]);
/// # Ok::<(), millstream_engine::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Session {
    gap: Duration,
    lateness: Duration,
    /// Whatever ended before was closed by a run before, whatever the lateness is now.
    barred: EventTime,
}

impl Session {
    /// Sessions of records that each follow another by at most `gap`.
    ///
    /// # Panics
    /// If `gap` is less than a microsecond.
    ///
    /// # Examples
    /// ```
    /// # use millstream_engine::minutes;
    /// # use millstream_operators::Session;
    /// let _visits = Session::gap(minutes(30));
    /// ```
    #[must_use]
    pub fn gap(gap: Duration) -> Self {
        assert!(
            gap >= Duration::from_micros(1),
            "the gap of a session is at least a microsecond, not {gap:?}"
        );
        Session {
            gap,
            lateness: Duration::ZERO,
            barred: EventTime::MIN,
        }
    }

    /// Takes records that come up to `lateness` behind the watermark; a session is final only when none can reach it.
    ///
    /// Without it every record behind the watermark is late, also one that would have found its session open.
    ///
    /// # Examples
    /// ```
    /// # use millstream_connectors::{Clickstream, Rate};
    /// # use millstream_engine::{App, Watermarks, minutes, seconds};
    /// # use millstream_operators::{KeyBy, Session, Windows};
    /// let late = |lateness| {
    ///     let report = App::new("doc").workers(1).run(move |flow| {
    ///         flow.source("views", Clickstream::new().rate(Rate::Max).events(200_000))
    ///             .event_time(|e| e.timestamp, Watermarks::bounded(seconds(5)))
    ///             .key_by("user", |e| &e.data.user_id)
    ///             .window(Session::gap(minutes(1)).lateness(lateness))
    ///             .aggregate("visits", |of| of.count("views"))
    ///             .view("visits")
    ///     });
    ///     report.map(|report| report.late)
    /// };
    /// assert!(late(seconds(0))? > late(seconds(20))?);
    /// assert_eq!(late(minutes(2))?, 0);
    /// # Ok::<(), millstream_engine::Error>(())
    /// ```
    #[must_use]
    pub fn lateness(mut self, lateness: Duration) -> Self {
        self.lateness = lateness;
        self
    }

    /// Where records are late that are before, and sessions final that end before, at `watermark`.
    fn bar(&self, watermark: EventTime) -> EventTime {
        watermark.minus(self.lateness).max(self.barred)
    }

    /// Whether a record is late, where those before `bar` are.
    #[inline]
    fn is_late<T>(&self, record: &Record<T>, bar: EventTime) -> bool {
        record.time < bar.max(record.behind.minus(self.lateness))
    }

    /// Whether a session of `span` is final, where those that end before `bar` are. At the end of time everything is.
    fn is_final(&self, span: Span, bar: EventTime) -> bool {
        span.end(self.gap) < bar || bar == EventTime::MAX
    }

    /// Says for a run that goes on from here, with whatever lateness, what is closed at `watermark`.
    fn note(&self, watermark: EventTime) -> Option<String> {
        let bar = watermark.minus(self.lateness).finite();
        let bar = bar.map_or(self.barred, |bar| bar.max(self.barred));
        bar.finite().map(|bar| bar.micros().to_string())
    }

    /// Takes that back.
    fn restore_note(&mut self, note: &str) -> Result<(), LoadError> {
        let micros = note.parse().map_err(|_| LoadError::Unexpected)?;
        self.barred = self.barred.max(EventTime::from_micros(micros));
        Ok(())
    }
}

impl<T: Data> WindowKind<T> for Session {
    fn in_words(&self) -> String {
        format!("session({:?})", self.gap)
    }
    fn spacing(&self) -> Option<Spacing> {
        None
    }
    fn lateness_allowed(&self) -> Duration {
        self.lateness
    }
    fn behind(&self) -> Duration {
        // A record right at the end of a session still belongs to it.
        self.lateness.saturating_add(Duration::from_micros(1))
    }
    fn windowing<K: KeyOf<T>, A: Aggregate<T>>(
        &self,
        key: Rc<K>,
        aggregate: Rc<A>,
    ) -> impl Windowing<T, Key = K::Key, Values = A::Output> {
        Sessioning::new(key, aggregate, *self)
    }
}

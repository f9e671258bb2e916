//! Tumbling windows: one after the other, all of one length.

use std::rc::Rc;
use std::time::Duration;

use millstream_engine::raw::{Spacing, Windowing};
use millstream_engine::{Data, KeyOf, Record, Window, days};

use super::behind::Folding;
use super::cut::Cut;
use super::kind::WindowKind;
use super::lateness::Lateness;
use crate::aggregate::Aggregate;

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
    lateness: Lateness,
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
            lateness: Lateness::of(Duration::ZERO),
        }
    }

    /// Windows of a day each, of 24 hours and from midnight to midnight in UTC.
    ///
    /// # Examples
    /// ```
    /// # use millstream_engine::{Window, days};
    /// # use millstream_operators::Tumbling;
    /// let _days = Tumbling::days();
    /// let day = Window::tumbling("2015-07-15T22:10:00Z".parse().unwrap(), days(1));
    /// assert_eq!((day.start.date(), day.end.date()), ("2015-07-15".into(), "2015-07-16".into()));
    /// ```
    #[must_use]
    pub fn days() -> Self {
        Tumbling::of(days(1))
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
        self.lateness.allowed = lateness;
        self
    }
}

impl<T: Data> WindowKind<T> for Tumbling {
    fn in_words(&self) -> String {
        format!("tumbling({:?})", self.size)
    }
    fn spacing(&self) -> Option<Spacing> {
        Some(Spacing {
            size: self.size,
            hop: self.size,
        })
    }
    fn lateness_allowed(&self) -> Duration {
        self.lateness.allowed
    }
    fn windowing<K: KeyOf<T>, A: Aggregate<T>>(
        &self,
        key: Rc<K>,
        aggregate: Rc<A>,
    ) -> impl Windowing<T, Key = K::Key, Values = A::Output> {
        Folding::new(key, aggregate, *self)
    }
}

impl<T> Cut<T> for Tumbling {
    fn stretch(&self, record: &Record<T>) -> Window {
        Window::tumbling(record.time, self.size)
    }
    fn lateness(&self) -> &Lateness {
        &self.lateness
    }
    fn lateness_mut(&mut self) -> &mut Lateness {
        &mut self.lateness
    }
}

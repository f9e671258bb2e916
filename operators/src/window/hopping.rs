//! Hopping windows: all of one length, a window beginning with every hop, so that they overlap.

use std::rc::Rc;
use std::time::Duration;

use millstream_engine::raw::{Spacing, Windowing};
use millstream_engine::{Data, EventTime, KeyOf, Record, Window};

use super::behind::Folding;
use super::cut::Cut;
use super::hops::Hops;
use super::kind::WindowKind;
use super::lateness::Lateness;
use crate::aggregate::Aggregate;

/// Windows of one length that overlap: one begins with every hop, counted from 1970 UTC.
///
/// A record is in `size / hop` windows and is folded in once: what windows share is kept once and merged when a row is
/// made. State: one of each aggregate for every key in every piece of a hop that a window which is not final counts;
/// if `size` is no multiple of `hop`, a hop has two pieces.
///
/// What is shown is paid by window: of a key that has changed since changes were last shown, `size / hop` rows have changed,
/// and each takes a few merges; a row that ends or is final is merged from its `size / hop` pieces.
///
/// # Examples
/// ```
/// # use millstream_connectors::{Clickstream, Memory, Rate};
/// # use millstream_engine::{App, EventTime, Value, VirtualClock, Watermarks, seconds};
/// # use millstream_operators::{Hopping, Windows};
/// let memory = Memory::new();
/// let sink = memory.clone();
/// let clock = VirtualClock::starting_at(EventTime::from_micros(0)); // 5,000 views a second from here on
/// App::new("doc").workers(1).clock(clock).run(move |flow| {
///     flow.source("views", Clickstream::new().rate(Rate::Max).events(15_000))
///         .event_time(|e| e.timestamp, Watermarks::bounded(seconds(5)))
///         .window(Hopping::of(seconds(2)).every(seconds(1)))
///         .aggregate("last_two_seconds", |of| of.count("views"))
///         .closed()
///         .sink("memory", sink.clone())
/// })?;
/// let views: Vec<Value> = memory.rows().into_iter().map(|row| row[2].clone()).collect();
/// assert_eq!(views, [5000, 10_000, 10_000, 5000].map(Value::Int));
/// # Ok::<(), millstream_engine::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Hopping {
    size: Duration,
    hop: Duration,
    hops: Hops,
    lateness: Lateness,
}

/// How long hopping windows are; [`every`](Self::every) says how far apart they begin.
#[derive(Clone, Copy, Debug)]
#[must_use = "say how far apart the windows begin: `.every(seconds(1))`"]
pub struct HoppingSize(Duration);

impl Hopping {
    /// Windows of length `size`; how far apart they begin is said by [`every`](HoppingSize::every).
    ///
    /// # Panics
    /// If `size` is less than a microsecond.
    ///
    /// # Examples
    /// ```
    /// # use millstream_engine::{minutes, seconds};
    /// # use millstream_operators::Hopping;
    /// let _last_minute_every_ten_seconds = Hopping::of(minutes(1)).every(seconds(10));
    /// ```
    pub fn of(size: Duration) -> HoppingSize {
        assert!(
            size >= Duration::from_micros(1),
            "a window is at least a microsecond long, not {size:?}"
        );
        HoppingSize(size)
    }

    /// Takes records up to `lateness` after the watermark has passed the end of a window; the window is final only then.
    ///
    /// A record may be too late for some of its windows and in time for others: it counts in those, and goes to the late
    /// records only if it is too late for all.
    ///
    /// # Examples
    /// ```
    /// # use millstream_connectors::{Clickstream, Rate};
    /// # use millstream_engine::{App, Watermarks, seconds};
    /// # use millstream_operators::{Hopping, Windows};
    /// let late = |lateness| {
    ///     let report = App::new("doc").workers(1).run(move |flow| {
    ///         flow.source("views", Clickstream::new().rate(Rate::Max).events(500_000))
    ///             .event_time(|e| e.timestamp, Watermarks::bounded(seconds(5)))
    ///             .window(Hopping::of(seconds(10)).every(seconds(2)).lateness(lateness))
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

impl HoppingSize {
    /// Has a window begin `hop` after the one before.
    ///
    /// With a hop as long as the windows they do not overlap, as [`Tumbling`](super::Tumbling) ones. The length needs not
    /// be a multiple of the hop.
    ///
    /// # Panics
    /// If `hop` is less than a microsecond, or longer than the windows: records would fall between them.
    ///
    /// # Examples
    /// ```should_panic
    /// # use millstream_engine::seconds;
    /// # use millstream_operators::Hopping;
    /// let _ = Hopping::of(seconds(10)).every(seconds(11)); // nothing would count what happens in the eleventh second
    /// ```
    #[must_use]
    pub fn every(self, hop: Duration) -> Hopping {
        let HoppingSize(size) = self;
        assert!(
            hop >= Duration::from_micros(1),
            "windows begin at least a microsecond apart, not {hop:?}"
        );
        assert!(
            hop <= size,
            "windows of {size:?} that begin {hop:?} apart have gaps that records fall into: \
             let them begin every {size:?} at most"
        );
        Hopping {
            size,
            hop,
            hops: Hops::new(size, hop),
            lateness: Lateness::of(Duration::ZERO),
        }
    }
}

impl<T: Data> WindowKind<T> for Hopping {
    fn in_words(&self) -> String {
        format!("hopping({:?} every {:?})", self.size, self.hop)
    }
    fn spacing(&self) -> Option<Spacing> {
        Some(Spacing {
            size: self.size,
            hop: self.hop,
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

impl<T> Cut<T> for Hopping {
    fn stretch(&self, record: &Record<T>) -> Window {
        self.hops.stretch(record.time)
    }
    fn piece(&self, stretch: Window, watermark: EventTime) -> Option<Window> {
        self.hops.piece(stretch, self.lateness.closed_by(watermark))
    }
    fn lateness(&self) -> &Lateness {
        &self.lateness
    }
    fn lateness_mut(&mut self) -> &mut Lateness {
        &mut self.lateness
    }
    fn hops(&self) -> Option<Hops> {
        Some(self.hops)
    }
}

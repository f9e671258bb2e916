//! Rows in their own windows: what windows gave is aggregated again, window by window.
//!
//! ```text
//!  windows ─▶ aggregate ─▶ closed() ─▶ WindowRow { window, … } ─▶ in_their_windows() ─▶ the same windows again
//! ```
//!
//! The window is taken from the row and not cut anew, so it is the same whatever kind it was of, and wherever time ends.
//! Rows of one window come at one watermark, and the marks of their stream follow them: so the window is final with the
//! epoch that they came in, and none of them is late. (Sessions of several keys are in one window here if they begin and
//! end together.)

use std::rc::Rc;
use std::time::Duration;

use millstream_engine::raw::{NoKey, Spacing, Windowing};
use millstream_engine::{Data, KeyOf, KeyedStream, Record, Stream, Window, WindowRow};

use super::behind::Folding;
use super::cut::Cut;
use super::kind::WindowKind;
use super::lateness::Lateness;
use super::{WindowedStream, Windows};
use crate::aggregate::Aggregate;

/// Puts rows of windows back into the windows that they are of.
pub trait InTheirWindows<'f, T, K> {
    /// Puts each row into the window that it is of.
    ///
    /// For streams of [`WindowRow`]s, as [`closed`](millstream_engine::Table::closed) gives them. A window is final as soon
    /// as its rows have come, and no row is late. Rows that have been corrected (of `on_close` and `changes`) count as
    /// often as they come.
    ///
    /// # Examples
    /// ```
    /// # use millstream_connectors::{Clickstream, Memory, Rate};
    /// # use millstream_engine::{App, EventTime, Value, VirtualClock, Watermarks, seconds};
    /// # use millstream_operators::{Hopping, InTheirWindows, KeyBy, Windows};
    /// let memory = Memory::new();
    /// let sink = memory.clone();
    /// let clock = VirtualClock::starting_at(EventTime::from_micros(0)); // 5,000 views a second from here on
    /// App::new("doc").workers(1).clock(clock).run(move |flow| {
    ///     flow.source("views", Clickstream::new().rate(Rate::Max).events(15_000))
    ///         .event_time(|e| e.timestamp, Watermarks::bounded(seconds(5)))
    ///         .key_by("url", |e| &e.data.url)
    ///         .window(Hopping::of(seconds(2)).every(seconds(1)))
    ///         .aggregate("per_url", |of| of.count("views"))
    ///         .closed()
    ///         .in_their_windows()
    ///         .aggregate("all", |of| (of.count("urls"), of.sum("views", |row| row.values)))
    ///         .closed()
    ///         .sink("memory", sink.clone())
    /// })?;
    /// let views: Vec<Value> = memory.rows().into_iter().map(|row| row[3].clone()).collect();
    /// assert_eq!(views, [5000, 10_000, 10_000, 5000].map(Value::Int));
    /// # Ok::<(), millstream_engine::Error>(())
    /// ```
    fn in_their_windows(&self) -> WindowedStream<'f, T, K, TheirWindows>;
}

impl<'f, Q: Data, V: Data> InTheirWindows<'f, WindowRow<Q, V>, NoKey>
    for Stream<'f, WindowRow<Q, V>>
{
    fn in_their_windows(&self) -> WindowedStream<'f, WindowRow<Q, V>, NoKey, TheirWindows> {
        self.window(TheirWindows::new())
    }
}

impl<'f, Q: Data, V: Data, K: KeyOf<WindowRow<Q, V>>> InTheirWindows<'f, WindowRow<Q, V>, K>
    for KeyedStream<'f, WindowRow<Q, V>, K>
{
    fn in_their_windows(&self) -> WindowedStream<'f, WindowRow<Q, V>, K, TheirWindows> {
        self.window(TheirWindows::new())
    }
}

/// The windows that rows are of; made by [`in_their_windows`](InTheirWindows::in_their_windows).
#[derive(Clone, Copy, Debug)]
pub struct TheirWindows {
    lateness: Lateness,
}

impl TheirWindows {
    pub(super) fn new() -> Self {
        TheirWindows {
            lateness: Lateness::of(Duration::ZERO),
        }
    }
}

impl<Q: Data, V: Data> WindowKind<WindowRow<Q, V>> for TheirWindows {
    fn in_words(&self) -> String {
        "their own".into()
    }
    fn spacing(&self) -> Option<Spacing> {
        None
    }
    fn lateness_allowed(&self) -> Duration {
        self.lateness.allowed
    }
    fn windowing<K: KeyOf<WindowRow<Q, V>>, A: Aggregate<WindowRow<Q, V>>>(
        &self,
        key: Rc<K>,
        aggregate: Rc<A>,
    ) -> impl Windowing<WindowRow<Q, V>, Key = K::Key, Values = A::Output> {
        Folding::new(key, aggregate, *self)
    }
}

impl<Q, V> Cut<WindowRow<Q, V>> for TheirWindows {
    fn stretch(&self, record: &Record<WindowRow<Q, V>>) -> Window {
        record.value.window
    }
    fn is_in(&self, record: &Record<WindowRow<Q, V>>, stretch: Window) -> bool {
        record.value.window == stretch
    }
    fn lateness(&self) -> &Lateness {
        &self.lateness
    }
    fn lateness_mut(&mut self) -> &mut Lateness {
        &mut self.lateness
    }
}

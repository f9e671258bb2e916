//! Windows: finite pieces of an endless stream, by event time.
//!
//! ```text
//!  stream.window(…)           ┐                  ┌▶ aggregate("name", |of| …) ─▶ Aggregated: a table, and the late
//!  stream.key_by(…).window(…) ┼─▶ WindowedStream ┤
//!  rows.in_their_windows()    ┘                  └▶ at_max("name", |record| …) ─▶ Extremes: records, when a window is final, and the late
//! ```
//!
//! A record belongs to the windows that its event time lies in. A window is *open* until the watermark passes its end, then
//! *ended*, and *final* once the watermark has passed its end and the lateness; then its state is dropped. A record is
//! *late* if its window was final when it came: by the watermark of its own partition, or, if that partition had been idle
//! meanwhile, by that of the step. Of a session the window is not known from a record: what is late then is said in
//! `session`.
//!
//! *Invariants*: which records are late does not depend on the number of workers, nor on how they fell into epochs. What a
//! window keeps is gone when it is final.
//!
//! Source: Akidau et al., *The Dataflow Model*, VLDB 2015, §2.2.

mod aggregated;
mod ahead;
mod always;
mod at_max;
mod behind;
mod cut;
mod extremes;
mod flags;
mod frozen;
mod hopping;
mod hops;
mod join;
mod kind;
mod lateness;
mod open_windows;
mod overlapping;
mod panes;
mod pieces;
mod restore;
mod runs;
mod session;
mod size;
mod sum;
mod sums;
mod their_windows;
mod tumbling;

#[cfg(test)]
mod tests;

use std::panic::Location;
use std::rc::Rc;

use millstream_engine::raw::{Asked, NoKey};
use millstream_engine::{Data, KeyOf, KeyedStream, Stream};

use crate::aggregate::{Aggregate, Of};

pub use aggregated::Aggregated;
pub(crate) use always::Always;
pub use extremes::Extremes;
pub use hopping::{Hopping, HoppingSize};
pub use kind::WindowKind;
pub use session::Session;
pub use their_windows::{InTheirWindows, TheirWindows};
pub use tumbling::Tumbling;

/// Cuts a stream into windows.
pub trait Windows<'f, T: Data, K> {
    /// Puts each record into its window.
    ///
    /// # Examples
    /// ```
    /// # use millstream_connectors::{Clickstream, Memory, Rate};
    /// # use millstream_engine::{App, EventTime, Value, VirtualClock, Watermarks, seconds};
    /// # use millstream_operators::{Tumbling, Windows};
    /// let memory = Memory::new();
    /// let sink = memory.clone();
    /// let clock = VirtualClock::starting_at(EventTime::from_micros(0)); // 5,000 views a second from here on
    /// App::new("doc").workers(1).clock(clock).run(move |flow| {
    ///     flow.source("views", Clickstream::new().rate(Rate::Max).events(12_000))
    ///         .event_time(|e| e.timestamp, Watermarks::bounded(seconds(5)))
    ///         .window(Tumbling::of(seconds(1)))
    ///         .aggregate("per_second", |of| of.count("views"))
    ///         .closed()
    ///         .sink("memory", sink.clone())
    /// })?;
    /// let views: Vec<Value> = memory.rows().into_iter().map(|row| row[2].clone()).collect();
    /// assert_eq!(views, [5000, 5000, 2000].map(Value::Int));
    /// # Ok::<(), millstream_engine::Error>(())
    /// ```
    fn window<W: WindowKind<T>>(&self, window: W) -> WindowedStream<'f, T, K, W>;
}

impl<'f, T: Data, K: KeyOf<T>> Windows<'f, T, K> for KeyedStream<'f, T, K> {
    fn window<W: WindowKind<T>>(&self, window: W) -> WindowedStream<'f, T, K, W> {
        WindowedStream {
            stream: self.stream().clone(),
            names: self.names().to_vec(),
            key: self.key(),
            window,
        }
    }
}

impl<'f, T: Data> Windows<'f, T, NoKey> for Stream<'f, T> {
    fn window<W: WindowKind<T>>(&self, window: W) -> WindowedStream<'f, T, NoKey, W> {
        WindowedStream {
            stream: self.clone(),
            names: Vec::new(),
            key: Rc::new(NoKey),
            window,
        }
    }
}

/// A stream whose records are in windows.
#[must_use = "windows do nothing until they are aggregated"]
pub struct WindowedStream<'f, T: 'static, K, W> {
    stream: Stream<'f, T>,
    names: Vec<String>,
    key: Rc<K>,
    window: W,
}

impl<'f, T: Data, K: KeyOf<T>, W: WindowKind<T>> WindowedStream<'f, T, K, W> {
    /// Aggregates the records of each key in each window, as step `name`.
    ///
    /// `aggregates` is given a handle that makes aggregates, and gives one of them or a tuple of up to eight; their names
    /// are the columns of the table. State: one of each aggregate for every key in every window that is not yet final.
    ///
    /// # Examples
    /// ```
    /// # use millstream_connectors::{Clickstream, Memory, Rate};
    /// # use millstream_engine::{App, ColumnType, Watermarks, hours, seconds};
    /// # use millstream_operators::{Tumbling, Windows};
    /// let memory = Memory::new();
    /// let sink = memory.clone();
    /// App::new("doc").workers(1).run(move |flow| {
    ///     flow.source("views", Clickstream::new().rate(Rate::Max).events(100))
    ///         .event_time(|e| e.timestamp, Watermarks::bounded(seconds(5)))
    ///         .window(Tumbling::of(hours(1)))
    ///         .aggregate("traffic", |of| (of.count("views"), of.max("longest_ms", |e| e.data.duration_ms)))
    ///         .closed()
    ///         .sink("memory", sink.clone())
    /// })?;
    /// let kinds: Vec<_> = memory.columns().iter().map(|column| column.kind).collect();
    /// assert_eq!(kinds[2..], [ColumnType::Int64, ColumnType::Int64]);
    /// # Ok::<(), millstream_engine::Error>(())
    /// ```
    #[track_caller]
    pub fn aggregate<A: Aggregate<T>>(
        &self,
        name: &str,
        aggregates: impl FnOnce(&Of<T>) -> A,
    ) -> Aggregated<'f, T, K::Key, A::Output> {
        self.aggregated(name, Location::caller(), aggregates(&Of::new()))
    }

    /// Has `aggregate` fold the records of each key in each window, as step `name`.
    pub(crate) fn aggregated<A: Aggregate<T>>(
        &self,
        name: &str,
        location: &'static Location<'static>,
        aggregate: A,
    ) -> Aggregated<'f, T, K::Key, A::Output> {
        let asked = Asked {
            kind: self.window.step_kind(),
            name: name.into(),
            location,
            key_names: self.names.clone(),
            value_names: aggregate.names(),
            made_by: made_by(&self.window.in_words(), &self.names, &aggregate.kind()),
            spacing: self.window.spacing(),
            lateness: self.window.lateness_allowed(),
            behind: self.window.behind(),
        };
        let windowing = self
            .window
            .windowing(Rc::clone(&self.key), Rc::new(aggregate));
        let (table, late) = self.stream.aggregate_windows(asked, &windowing);
        Aggregated::new(table, late)
    }
}

/// How the values are made, in words: what was kept of others is of no use. The lateness may change.
fn made_by(windows: &str, keys: &[String], aggregates: &str) -> String {
    let by = if keys.is_empty() {
        String::new()
    } else {
        format!(" by {keys:?}")
    };
    format!("{windows}{by}: {aggregates}")
}

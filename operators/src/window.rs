//! Windows: finite pieces of an endless stream, by event time.
//!
//! ```text
//!  stream.window(…)           ┐
//!  stream.key_by(…).window(…) ┴─▶ WindowedStream ─▶ aggregate("name", |of| …) ─▶ Aggregated: a table, and the late
//! ```
//!
//! A record belongs to the window that its event time lies in. A window is *open* until the watermark passes its end, then
//! *ended*, and *final* once the watermark has passed its end and the lateness; then its state is dropped. A record is
//! *late* if its window was final when it came: by the watermark of its own partition, or, if that partition had been idle
//! meanwhile, by that of the step.
//!
//! *Invariants*: which records are late does not depend on the number of workers, nor on how they fell into epochs. What a
//! window keeps is gone when it is final.
//!
//! Source: Akidau et al., *The Dataflow Model*, VLDB 2015, §2.2.

mod aggregated;
mod ahead;
mod behind;
mod flags;
mod frozen;
mod open_windows;
mod panes;
mod restore;
mod runs;
mod size;
mod tumbling;

#[cfg(test)]
mod tests;

use std::panic::Location;
use std::rc::Rc;
use std::time::Duration;

use millstream_engine::raw::{Asked, NoKey};
use millstream_engine::{Data, KeyOf, KeyedStream, Stream};

use crate::aggregate::{Aggregate, Of};

pub use aggregated::Aggregated;
pub use tumbling::Tumbling;

use behind::Folding;

/// Cuts a stream into windows.
pub trait Windows<'f, T, K> {
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
    fn window(&self, window: Tumbling) -> WindowedStream<'f, T, K>;
}

impl<'f, T: Data, K: KeyOf<T>> Windows<'f, T, K> for KeyedStream<'f, T, K> {
    fn window(&self, window: Tumbling) -> WindowedStream<'f, T, K> {
        WindowedStream {
            stream: self.stream().clone(),
            names: self.names().to_vec(),
            key: self.key(),
            window,
        }
    }
}

impl<'f, T: Data> Windows<'f, T, NoKey> for Stream<'f, T> {
    fn window(&self, window: Tumbling) -> WindowedStream<'f, T, NoKey> {
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
pub struct WindowedStream<'f, T: 'static, K> {
    stream: Stream<'f, T>,
    names: Vec<String>,
    key: Rc<K>,
    window: Tumbling,
}

impl<'f, T: Data, K: KeyOf<T>> WindowedStream<'f, T, K> {
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
        let aggregate = aggregates(&Of::new());
        let asked = Asked {
            name: name.into(),
            location: Location::caller(),
            key_names: self.names.clone(),
            value_names: aggregate.names(),
            made_by: made_by(self.window.size(), &self.names, &aggregate.kind()),
            size: self.window.size(),
            lateness: self.window.lateness_allowed(),
        };
        let folding = Folding::new(Rc::clone(&self.key), Rc::new(aggregate), self.window);
        let (table, late) = self.stream.aggregate_windows(asked, &folding);
        Aggregated::new(table, late)
    }
}

/// How the values are made, in words: what was kept of others is of no use. The lateness may change.
fn made_by(size: Duration, keys: &[String], aggregates: &str) -> String {
    let by = if keys.is_empty() {
        String::new()
    } else {
        format!(" by {keys:?}")
    };
    format!("tumbling({size:?}){by}: {aggregates}")
}

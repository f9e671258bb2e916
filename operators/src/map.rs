//! `map`: one value for each value.

use std::panic::Location;

use millstream_engine::raw::{left, owned};
use millstream_engine::{Data, Record, Stream};

/// Turns each value into another.
pub trait Map<'f, T> {
    /// A stream of `f(value)` for each value, with the same event times, in the same order.
    ///
    /// No state. A panic in `f` ends the run with an error that names this line.
    ///
    /// # Examples
    /// ```
    /// # use millstream_connectors::{Clickstream, Memory, Rate};
    /// # use millstream_engine::{App, Watermarks, seconds};
    /// # use millstream_operators::Map;
    /// let memory = Memory::new();
    /// let sink = memory.clone();
    /// App::new("doc").workers(1).run(move |flow| {
    ///     let views = flow
    ///         .source("views", Clickstream::new().rate(Rate::Max).events(100))
    ///         .event_time(|e| e.timestamp, Watermarks::bounded(seconds(5)));
    ///     views
    ///         .map(|e| e.data.duration_ms / 1000)
    ///         .columns("seconds", |seconds| *seconds)
    ///         .sink("memory", sink.clone())
    /// })?;
    /// assert_eq!(memory.rows().len(), 100);
    /// # Ok::<(), millstream_engine::Error>(())
    /// ```
    #[track_caller]
    #[must_use]
    fn map<U: Data>(&self, f: impl FnMut(T) -> U + 'static) -> Stream<'f, U>;
}

impl<'f, T: Data> Map<'f, T> for Stream<'f, T> {
    #[track_caller]
    fn map<U: Data>(&self, mut f: impl FnMut(T) -> U + 'static) -> Stream<'f, U> {
        self.transform("map", Location::caller(), move |batch| {
            let other = |record: Record<T>| {
                let Record {
                    value,
                    time,
                    behind,
                } = record;
                Record {
                    value: f(value),
                    time,
                    behind,
                }
            };
            left(owned(batch).into_iter().map(other).collect())
        })
    }
}

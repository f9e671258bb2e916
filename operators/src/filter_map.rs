//! `filter_map`: at most one value for each value.

use std::panic::Location;

use millstream_engine::raw::{left, owned};
use millstream_engine::{Data, Record, Stream};

/// Turns each value into another or into none.
pub trait FilterMap<'f, T> {
    /// A stream of what `f` gives, where it gives something; event times and order stay. No state.
    ///
    /// # Examples
    /// ```
    /// # use millstream_connectors::{Clickstream, Memory, Rate};
    /// # use millstream_engine::{App, Watermarks, seconds};
    /// # use millstream_operators::FilterMap;
    /// let memory = Memory::new();
    /// let sink = memory.clone();
    /// App::new("doc").workers(1).run(move |flow| {
    ///     let views = flow
    ///         .source("views", Clickstream::new().rate(Rate::Max).events(100))
    ///         .event_time(|e| e.timestamp, Watermarks::bounded(seconds(5)));
    ///     views
    ///         .filter_map(|e| e.data.referrer)
    ///         .columns("referrer", |referrer| referrer.clone())
    ///         .sink("memory", sink.clone())
    /// })?;
    /// assert_eq!(memory.rows().len(), 37); // nobody knows where the other 63 came from
    /// # Ok::<(), millstream_engine::Error>(())
    /// ```
    #[track_caller]
    #[must_use]
    fn filter_map<U: Data>(&self, f: impl FnMut(T) -> Option<U> + 'static) -> Stream<'f, U>;
}

impl<'f, T: Data> FilterMap<'f, T> for Stream<'f, T> {
    #[track_caller]
    fn filter_map<U: Data>(&self, mut f: impl FnMut(T) -> Option<U> + 'static) -> Stream<'f, U> {
        self.transform("filter_map", Location::caller(), move |batch| {
            let some = |record: Record<T>| {
                let Record {
                    value,
                    time,
                    behind,
                } = record;
                f(value).map(|value| Record {
                    value,
                    time,
                    behind,
                })
            };
            left(owned(batch).into_iter().filter_map(some).collect())
        })
    }
}

//! `flat_map`: any number of values for each value.

use std::panic::Location;

use millstream_engine::raw::{left, owned};
use millstream_engine::{Data, Record, Stream};

/// Turns each value into any number of others.
pub trait FlatMap<'f, T> {
    /// A stream of all that `f` gives for each value, each with that value's event time. No state.
    ///
    /// # Examples
    /// ```
    /// # use millstream_connectors::{Clickstream, Memory, Rate};
    /// # use millstream_engine::{App, Watermarks, seconds};
    /// # use millstream_operators::FlatMap;
    /// let memory = Memory::new();
    /// let sink = memory.clone();
    /// App::new("doc").workers(1).run(move |flow| {
    ///     let views = flow
    ///         .source("views", Clickstream::new().rate(Rate::Max).events(100))
    ///         .event_time(|e| e.timestamp, Watermarks::bounded(seconds(5)));
    ///     views
    ///         .flat_map(|e| [e.data.country, e.data.device])
    ///         .columns("word", |word| word.clone())
    ///         .sink("memory", sink.clone())
    /// })?;
    /// assert_eq!(memory.rows().len(), 200);
    /// # Ok::<(), millstream_engine::Error>(())
    /// ```
    #[track_caller]
    #[must_use]
    fn flat_map<I>(&self, f: impl FnMut(T) -> I + 'static) -> Stream<'f, I::Item>
    where
        I: IntoIterator,
        I::Item: Data;
}

impl<'f, T: Data> FlatMap<'f, T> for Stream<'f, T> {
    #[track_caller]
    fn flat_map<I>(&self, mut f: impl FnMut(T) -> I + 'static) -> Stream<'f, I::Item>
    where
        I: IntoIterator,
        I::Item: Data,
    {
        self.transform("flat_map", Location::caller(), move |batch| {
            let several = |record: Record<T>| {
                let Record {
                    value,
                    time,
                    behind,
                } = record;
                f(value).into_iter().map(move |value| Record {
                    value,
                    time,
                    behind,
                })
            };
            left(owned(batch).into_iter().flat_map(several).collect())
        })
    }
}

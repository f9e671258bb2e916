//! `key_by` and `key_with`: what records are grouped by.

use std::hash::Hash;

use millstream_engine::raw::{ByRef, ByValue};
use millstream_engine::{Data, Key, KeyedStream, Names, Stream};

/// Gives a stream a key.
pub trait KeyBy<'f, T> {
    /// Groups by something that lies in the record, in a column called `name`.
    ///
    /// `key` gives a reference; a key is copied when it is first seen, not for each record.
    ///
    /// # Examples
    /// ```
    /// # use millstream_connectors::{Clickstream, Memory, Rate};
    /// # use millstream_engine::{App, Watermarks, hours, seconds};
    /// # use millstream_operators::{KeyBy, Tumbling, Windows};
    /// let memory = Memory::new();
    /// let sink = memory.clone();
    /// App::new("doc").workers(1).run(move |flow| {
    ///     flow.source("views", Clickstream::new().rate(Rate::Max).events(100))
    ///         .event_time(|e| e.timestamp, Watermarks::bounded(seconds(5)))
    ///         .key_by("country", |e| &e.data.country)
    ///         .window(Tumbling::of(hours(1)))
    ///         .aggregate("per_country", |of| of.count("views"))
    ///         .closed()
    ///         .sink("memory", sink.clone())
    /// })?;
    /// let names: Vec<_> = memory.columns().iter().map(|column| column.name.clone()).collect();
    /// assert_eq!(names, ["window_start", "window_end", "country", "views"]);
    /// # Ok::<(), millstream_engine::Error>(())
    /// ```
    #[must_use]
    fn key_by<Q, F>(&self, name: &str, key: F) -> KeyedStream<'f, T, ByRef<Q, F>>
    where
        Q: ?Sized + ToOwned + Hash + Eq + 'static,
        Q::Owned: Key,
        F: for<'a> Fn(&'a T) -> &'a Q + 'static;

    /// Groups by something made of the record: a scalar, or a tuple for several columns, `names` in the same order.
    ///
    /// The key is made anew for each record: cheap for numbers, a copy for text.
    ///
    /// # Examples
    /// ```
    /// # use millstream_connectors::{Clickstream, Memory, Rate};
    /// # use millstream_engine::{App, Watermarks, hours, seconds};
    /// # use millstream_operators::{KeyBy, Tumbling, Windows};
    /// let memory = Memory::new();
    /// let sink = memory.clone();
    /// App::new("doc").workers(1).run(move |flow| {
    ///     flow.source("views", Clickstream::new().rate(Rate::Max).events(100))
    ///         .event_time(|e| e.timestamp, Watermarks::bounded(seconds(5)))
    ///         .key_with(("device", "long"), |e| (e.data.device.clone(), e.data.duration_ms > 60_000))
    ///         .window(Tumbling::of(hours(1)))
    ///         .aggregate("per_device", |of| of.count("views"))
    ///         .closed()
    ///         .sink("memory", sink.clone())
    /// })?;
    /// let names: Vec<_> = memory.columns().iter().map(|column| column.name.clone()).collect();
    /// assert_eq!(names, ["window_start", "window_end", "device", "long", "views"]);
    /// # Ok::<(), millstream_engine::Error>(())
    /// ```
    #[must_use]
    fn key_with<N, K, F>(&self, names: N, key: F) -> KeyedStream<'f, T, ByValue<F>>
    where
        N: Names,
        K: Key,
        F: Fn(&T) -> K + 'static;
}

impl<'f, T: Data> KeyBy<'f, T> for Stream<'f, T> {
    fn key_by<Q, F>(&self, name: &str, key: F) -> KeyedStream<'f, T, ByRef<Q, F>>
    where
        Q: ?Sized + ToOwned + Hash + Eq + 'static,
        Q::Owned: Key,
        F: for<'a> Fn(&'a T) -> &'a Q + 'static,
    {
        KeyedStream::new(self.clone(), name.names(), ByRef::new(key))
    }

    fn key_with<N, K, F>(&self, names: N, key: F) -> KeyedStream<'f, T, ByValue<F>>
    where
        N: Names,
        K: Key,
        F: Fn(&T) -> K + 'static,
    {
        KeyedStream::new(self.clone(), names.names(), ByValue::new(key))
    }
}

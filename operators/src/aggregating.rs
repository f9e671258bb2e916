//! `aggregate` without windows: what all records of a key come to, kept up to date.

use std::panic::Location;

use millstream_engine::{Data, KeyOf, KeyedStream, Table};

use crate::aggregate::{Aggregate, Of};
use crate::window::{Always, Windows};

/// Aggregates the records of a key for as long as the pipeline runs.
pub trait Aggregating<'f, T: Data, K: KeyOf<T>> {
    /// Aggregates all records of each key, as step `name`: a table with a row a key, kept up to date.
    ///
    /// `aggregates` is given a handle that makes aggregates, and gives one of them or a tuple of up to eight; their names are
    /// the columns of the table. Rows change at publish epochs, and never leave. No record is late. State: one of each
    /// aggregate for every key there ever was; where keys come and go, cut the stream into windows.
    ///
    /// # Examples
    /// ```
    /// # use millstream_connectors::{Clickstream, Memory, Rate};
    /// # use millstream_engine::{App, Value, Watermarks, seconds};
    /// # use millstream_operators::{Aggregating, KeyBy};
    /// let memory = Memory::new();
    /// let sink = memory.clone();
    /// App::new("doc").workers(1).run(move |flow| {
    ///     flow.source("views", Clickstream::new().rate(Rate::Max).events(1_000))
    ///         .event_time(|e| e.timestamp, Watermarks::bounded(seconds(5)))
    ///         .key_by("country", |e| &e.data.country)
    ///         .aggregate("per_country", |of| of.count("views"))
    ///         .closed()
    ///         .sink("memory", sink.clone())
    /// })?;
    /// let views = memory.rows().into_iter().map(|row| match row[1] {
    ///     Value::Int(views) => views,
    ///     _ => unreachable!(),
    /// });
    /// assert_eq!(views.sum::<i64>(), 1_000);
    /// # Ok::<(), millstream_engine::Error>(())
    /// ```
    #[track_caller]
    fn aggregate<A: Aggregate<T>>(
        &self,
        name: &str,
        aggregates: impl FnOnce(&Of<T>) -> A,
    ) -> Table<'f, K::Key, A::Output>;
}

impl<'f, T: Data, K: KeyOf<T>> Aggregating<'f, T, K> for KeyedStream<'f, T, K> {
    fn aggregate<A: Aggregate<T>>(
        &self,
        name: &str,
        aggregates: impl FnOnce(&Of<T>) -> A,
    ) -> Table<'f, K::Key, A::Output> {
        always(self, name, Location::caller(), aggregates(&Of::new()))
    }
}

/// The table of what `aggregate` makes of all records of each key.
pub(crate) fn always<'f, T: Data, K: KeyOf<T>, A: Aggregate<T>>(
    stream: &KeyedStream<'f, T, K>,
    name: &str,
    location: &'static Location<'static>,
    aggregate: A,
) -> Table<'f, K::Key, A::Output> {
    let windowed = stream.window(Always::new());
    windowed
        .aggregated(name, location, aggregate)
        .without_windows()
}

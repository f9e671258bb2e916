//! `filter` on tables.

use millstream_engine::{Key, Row, Table};

/// Keeps some rows of a table.
pub trait FilterRows<'f, K, V> {
    /// The rows for which `holds` gives true of key and value.
    ///
    /// A row that changes so that it does not hold any more leaves. The table keeps its name and its columns.
    ///
    /// # Examples
    /// ```
    /// # use millstream_connectors::{Clickstream, Memory, Rate};
    /// # use millstream_engine::{App, Value, Watermarks, seconds};
    /// # use millstream_operators::{Aggregating, FilterRows, KeyBy};
    /// let memory = Memory::new();
    /// let sink = memory.clone();
    /// App::new("doc").workers(1).run(move |flow| {
    ///     flow.source("views", Clickstream::new().rate(Rate::Max).events(1_000))
    ///         .event_time(|e| e.timestamp, Watermarks::bounded(seconds(5)))
    ///         .key_by("country", |e| &e.data.country)
    ///         .aggregate("per_country", |of| of.count("views"))
    ///         .filter(|country, views| country != "US" && *views > 10)
    ///         .closed()
    ///         .sink("memory", sink.clone())
    /// })?;
    /// assert!(memory.rows().iter().all(|row| row[1] > Value::Int(10)));
    /// # Ok::<(), millstream_engine::Error>(())
    /// ```
    #[must_use]
    fn filter(&self, holds: impl Fn(&K, &V) -> bool + 'static) -> Table<'f, K, V>;
}

impl<'f, K: Key, V: Row> FilterRows<'f, K, V> for Table<'f, K, V> {
    fn filter(&self, holds: impl Fn(&K, &V) -> bool + 'static) -> Table<'f, K, V> {
        let rows = self.diffs();
        self.with_rows(rows.filter(move |(key, value)| holds(key, value)))
    }
}

//! What comes of aggregating windows.

use std::ops::Deref;

use millstream_engine::{Data, Stream, Table, Windowed};

/// A table of windows, and the records that came too late for them. Everything a [`Table`] can do, it can do too.
pub struct Aggregated<'f, T: 'static, K: 'static, V: 'static> {
    table: Table<'f, Windowed<K>, V>,
    late: Stream<'f, T>,
}

impl<'f, T: Data, K, V> Aggregated<'f, T, K, V> {
    pub(crate) fn new(table: Table<'f, Windowed<K>, V>, late: Stream<'f, T>) -> Self {
        Aggregated { table, late }
    }

    /// The records whose window was final when they came; they are counted, and in no row.
    ///
    /// # Examples
    /// ```
    /// # use millstream_connectors::{Clickstream, Memory, Rate};
    /// # use millstream_engine::{App, Watermarks, seconds};
    /// # use millstream_operators::{Tumbling, Windows};
    /// let memory = Memory::new();
    /// let sink = memory.clone();
    /// let report = App::new("doc").workers(1).run(move |flow| {
    ///     flow.source("views", Clickstream::new().rate(Rate::Max).events(500_000))
    ///         .event_time(|e| e.timestamp, Watermarks::bounded(seconds(5)))
    ///         .window(Tumbling::of(seconds(10)))
    ///         .aggregate("traffic", |of| of.count("views"))
    ///         .late()
    ///         .columns("happened", |e| e.timestamp)
    ///         .sink("memory", sink.clone())
    /// })?;
    /// assert!(report.late > 0);
    /// assert_eq!(memory.rows().len() as u64, report.late);
    /// # Ok::<(), millstream_engine::Error>(())
    /// ```
    #[must_use]
    pub fn late(&self) -> Stream<'f, T> {
        self.late.clone()
    }
}

impl<'f, T, K, V> Deref for Aggregated<'f, T, K, V> {
    type Target = Table<'f, Windowed<K>, V>;
    fn deref(&self) -> &Table<'f, Windowed<K>, V> {
        &self.table
    }
}

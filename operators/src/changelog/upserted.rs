//! What comes of a changelog.

use std::ops::Deref;

use millstream_engine::{Data, Stream, Table};

use crate::kept::Kept;

/// The table of a changelog, and the records that came too late for it. Everything a [`Table`] can do, it can do too.
pub struct Upserted<'f, T: 'static, K: 'static, V: 'static> {
    table: Table<'f, K, Kept<V>>,
    late: Stream<'f, T>,
}

impl<'f, T: Data, K, V> Upserted<'f, T, K, V> {
    pub(super) fn new(table: Table<'f, K, Kept<V>>, late: Stream<'f, T>) -> Self {
        Upserted { table, late }
    }

    /// The records that came behind the watermark for a key without a row; they are counted, and change nothing.
    ///
    /// # Examples
    /// ```
    /// # use millstream_connectors::Memory;
    /// # use millstream_engine::testing::{Act, Script};
    /// # use millstream_engine::{App, EventTime, Value, Watermarks, seconds};
    /// # use millstream_operators::{Changelog, KeyBy};
    /// let memory = Memory::new();
    /// let sink = memory.clone();
    /// let ids = [(1_000, 1), (9_000, 2), (2_000, 1), (2_000, 3)]; // the last one is new, and 7 seconds late
    /// let script = Script::new(vec![ids.map(|(at, id)| Act::Emit(EventTime::from_millis(at), id)).to_vec()]);
    /// let report = App::new("doc").workers(1).run(move |flow| {
    ///     flow.source("members", script.clone())
    ///         .event_time(|(time, _)| *time, Watermarks::bounded(seconds(5)))
    ///         .key_with("id", |(_, id)| *id)
    ///         .upsert("members", |_| Some(()))
    ///         .late()
    ///         .columns("id", |(_, id)| *id)
    ///         .sink("late", sink.clone())
    /// })?;
    /// assert_eq!(memory.rows(), [[Value::Int(3)]]);
    /// assert_eq!(report.late, 1);
    /// # Ok::<(), millstream_engine::Error>(())
    /// ```
    #[must_use]
    pub fn late(&self) -> Stream<'f, T> {
        self.late.clone()
    }
}

impl<'f, T, K, V> Deref for Upserted<'f, T, K, V> {
    type Target = Table<'f, K, Kept<V>>;
    fn deref(&self) -> &Table<'f, K, Kept<V>> {
        &self.table
    }
}

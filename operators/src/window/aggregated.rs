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

//! Table keys: what a row of a table is known by.
//!
//! A key alone, or a key within a window. A row goes out with its window first, then its key, then its values; and
//! everything outside the pipeline finds it again by window and key, whatever Rust type the key has inside.

use serde::{Deserialize, Serialize};

use crate::key::Key;
use crate::record::Data;
use crate::scalar::Columns;
use crate::shard::{Shard, hash_key};
use crate::value::{ColumnType, Value};
use crate::view::RowKey;
use crate::window::Window;

/// A key within a window.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Windowed<K> {
    /// The window.
    pub window: Window,
    /// The key.
    pub key: K,
}

/// The key of a table: with a window or without.
pub trait TableKey: Data {
    /// Whether there is a window.
    const WINDOWED: bool;
    /// The columns of the key itself.
    fn kinds() -> Vec<(ColumnType, bool)>;
    /// The window, if the table is windowed.
    fn window(&self) -> Option<Window>;
    /// The shard of the key itself: where its changes come from.
    #[doc(hidden)]
    fn shard(&self) -> Shard;
    /// Appends the key's values.
    fn append(&self, row: &mut Vec<Value>);
}

impl<K: Key> TableKey for Windowed<K> {
    const WINDOWED: bool = true;
    fn kinds() -> Vec<(ColumnType, bool)> {
        K::kinds()
    }
    fn window(&self) -> Option<Window> {
        Some(self.window)
    }
    fn shard(&self) -> Shard {
        Shard::of_hash(hash_key(&self.key))
    }
    fn append(&self, row: &mut Vec<Value>) {
        self.key.append(row);
    }
}

impl<K: Key> TableKey for K {
    const WINDOWED: bool = false;
    fn kinds() -> Vec<(ColumnType, bool)> {
        <K as Columns>::kinds()
    }
    fn window(&self) -> Option<Window> {
        None
    }
    fn shard(&self) -> Shard {
        Shard::of_hash(hash_key(self))
    }
    fn append(&self, row: &mut Vec<Value>) {
        Columns::append(self, row);
    }
}

/// The values of a row in the order of [`Table::columns`].
#[doc(hidden)]
pub fn row_values<K: TableKey, V: Columns>(key: &K, value: &V) -> Vec<Value> {
    let mut values = Vec::new();
    if let Some(window) = key.window() {
        values.extend([Value::Time(window.start), Value::Time(window.end)]);
    }
    key.append(&mut values);
    value.append(&mut values);
    values
}

/// What a row of a view is kept by.
pub(crate) fn row_key<K: TableKey>(key: &K) -> RowKey {
    let mut values = Vec::new();
    key.append(&mut values);
    RowKey {
        window: key.window(),
        key: values.into(),
    }
}

//! Records as the values of a table.

use std::ops::Deref;

use millstream_engine::{ColumnType, Columns, Value};
use serde::{Deserialize, Serialize};

/// A record, or several, as the value of a row. It fills no columns by itself:
/// [`map_values`](millstream_engine::Table::map_values) says which of its fields do.
///
/// # Examples
/// ```
/// use millstream_operators::Kept;
/// let kept = Kept(String::from("text"));
/// assert_eq!(kept.len(), 4);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Kept<T>(pub T);

impl<T> Deref for Kept<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> Columns for Kept<T> {
    fn kinds() -> Vec<(ColumnType, bool)> {
        Vec::new()
    }
    fn append(&self, _row: &mut Vec<Value>) {}
}

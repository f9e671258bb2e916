//! Values that may be missing, as the columns of a row.

use std::ops::Deref;

use millstream_engine::{ColumnType, Columns, Value};
use serde::{Deserialize, Serialize};

/// What a left join found on the right, or nothing: an `Option` that fills columns, which are null where it is `None`.
///
/// # Examples
/// ```
/// use millstream_operators::Maybe;
/// let found = Maybe(Some(7));
/// assert_eq!(found.map_or(0, |n| n + 1), 8);
/// assert!(Maybe::<i64>(None).is_none());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Maybe<T>(pub Option<T>);

impl<T> Deref for Maybe<T> {
    type Target = Option<T>;
    fn deref(&self) -> &Option<T> {
        &self.0
    }
}

impl<T: Columns> Columns for Maybe<T> {
    fn kinds() -> Vec<(ColumnType, bool)> {
        let kinds = T::kinds().into_iter();
        kinds.map(|(kind, _)| (kind, true)).collect()
    }
    fn append(&self, row: &mut Vec<Value>) {
        match &self.0 {
            Some(value) => value.append(row),
            None => row.extend(T::kinds().iter().map(|_| Value::Null)),
        }
    }
}

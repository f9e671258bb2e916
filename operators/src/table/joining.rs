//! What can be on the left of a join: a table, by its own key; or one that is grouped, by its group.

use std::panic::Location;

use millstream_engine::raw::{Diffs, TableAsked};
use millstream_engine::{Column, Key, Row, Table};

use super::Grouped;

/// Rows that lie by what they are to be joined on. There are two: a [`Table`], and a [`Grouped`] one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be joined with a table by `{G}`",
    note = "both tables need the same type of key, or the left one `group_by` with that type"
)]
pub trait Joining<'f, G: Key> {
    /// The key of a row.
    type Key: Key;
    /// The value of a row.
    type Value: Row;

    /// The table whose rows they are.
    #[doc(hidden)]
    fn left(&self) -> &Table<'f, Self::Key, Self::Value>;

    /// What `make` makes of each of the rows and the row on the right that goes with it, by the key of the row on the left.
    #[doc(hidden)]
    fn pairs<W: Row, O: Row>(
        &self,
        right: &Table<'f, G, W>,
        make: impl Fn(&Self::Value, &W) -> O + 'static,
    ) -> Diffs<'f, (Self::Key, O)>;

    /// What they are joined on, in words.
    #[doc(hidden)]
    fn joined_on(&self) -> String;
}

impl<'f, K: Key, V: Row> Joining<'f, K> for Table<'f, K, V> {
    type Key = K;
    type Value = V;

    fn left(&self) -> &Table<'f, K, V> {
        self
    }

    fn pairs<W: Row, O: Row>(
        &self,
        right: &Table<'f, K, W>,
        make: impl Fn(&V, &W) -> O + 'static,
    ) -> Diffs<'f, (K, O)> {
        let pair = move |key: &K, left: &V, right: &W| Some((key.clone(), make(left, right)));
        self.by_key().join(right.by_key(), pair)
    }

    fn joined_on(&self) -> String {
        "key".into()
    }
}

impl<'f, G: Key, K: Key, V: Row> Joining<'f, G> for Grouped<'f, G, K, V> {
    type Key = K;
    type Value = V;

    fn left(&self) -> &Table<'f, K, V> {
        self.table()
    }

    fn pairs<W: Row, O: Row>(
        &self,
        right: &Table<'f, G, W>,
        make: impl Fn(&V, &W) -> O + 'static,
    ) -> Diffs<'f, (K, O)> {
        let pair =
            move |_: &G, (key, left): &(K, V), right: &W| Some((key.clone(), make(left, right)));
        self.by_group().join(right.by_key(), pair)
    }

    fn joined_on(&self) -> String {
        format!("group {:?}", self.names())
    }
}

/// What is asked of a join of kind `kind`: a table with the key of the left and these values.
pub(super) fn asked<'f, G: Key, L: Joining<'f, G>>(
    left: &L,
    kind: &'static str,
    name: &str,
    location: &'static Location<'static>,
    value_columns: Vec<Column>,
) -> TableAsked {
    TableAsked {
        kind,
        name: name.into(),
        location,
        made_by: format!("{kind} by {}", left.joined_on()),
        key_columns: left.left().key_columns().to_vec(),
        value_columns,
    }
}

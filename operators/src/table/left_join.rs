//! `left_join`: all rows of a table, with those of another where there are any.
//!
//! ```text
//!  left ─▶ (row, nothing) +1 ────────────────────────┐
//!  left ⋈ right ─▶ (row, found) +1, (row, nothing) −1 ┴─▶ each row once
//! ```

use std::panic::Location;

use millstream_engine::{Column, Key, Row, Table};

use super::Joining;
use super::joining::asked;
use crate::maybe::Maybe;

/// Joins tables, and leaves no row of the left out.
pub trait LeftJoin<'f, G: Key>: Joining<'f, G> {
    /// Each row with the row of `right` that has its key, or without one, as step `name`: by the key of the left.
    ///
    /// The value on the right is [`Maybe`]: an `Option` that fills columns, null where it is `None`. A row gets what it is
    /// joined with when that comes, and is without it again when that goes; there is always one of each row on the left. Else
    /// it is as [`join`](super::Join::join).
    ///
    /// # Examples
    /// ```
    /// # use millstream_connectors::{Clickstream, Memory, Rate};
    /// # use millstream_engine::{App, Value, Watermarks, seconds};
    /// # use millstream_operators::{Aggregating, Filter, KeyBy, LeftJoin};
    /// let memory = Memory::new();
    /// let sink = memory.clone();
    /// App::new("doc").workers(1).run(move |flow| {
    ///     let views = flow
    ///         .source("views", Clickstream::new().rate(Rate::Max).events(1_000))
    ///         .event_time(|e| e.timestamp, Watermarks::bounded(seconds(5)));
    ///     let all = views.key_by("device", |e| &e.data.device).aggregate("all", |of| of.count("views"));
    ///     let long = views.filter(|e| e.data.device == "mobile");
    ///     let long = long.key_by("device", |e| &e.data.device).aggregate("by_mobile", |of| of.count("by_mobile"));
    ///     all.left_join("with_mobile", &long).closed().sink("memory", sink.clone())
    /// })?;
    /// assert!(memory.columns()[2].nullable);
    /// for row in memory.rows() {
    ///     assert_eq!(row[2] == Value::Null, row[0] != Value::Text("mobile".into()));
    /// }
    /// # Ok::<(), millstream_engine::Error>(())
    /// ```
    #[track_caller]
    fn left_join<W: Row>(
        &self,
        name: &str,
        right: &Table<'f, G, W>,
    ) -> Table<'f, Self::Key, (Self::Value, Maybe<W>)>;
}

impl<'f, G: Key, L: Joining<'f, G>> LeftJoin<'f, G> for L {
    fn left_join<W: Row>(
        &self,
        name: &str,
        right: &Table<'f, G, W>,
    ) -> Table<'f, L::Key, (L::Value, Maybe<W>)> {
        let location = Location::caller();
        let nullable = right.value_columns().iter().cloned().map(Column::nullable);
        let columns = self.left().value_columns().iter().cloned();
        let columns = columns.chain(nullable).collect();
        let asked = asked(self, "left_join", name, location, columns);
        let found = self.pairs(right, |left, right| (left.clone(), right.clone()));
        let found = found.explode(|(key, (left, right))| {
            let without = (key.clone(), (left.clone(), Maybe(None)));
            vec![((key, (left, Maybe(Some(right)))), 1), (without, -1)]
        });
        let all = self.left().diffs();
        let all = all.map(|(key, left)| (key, (left, Maybe(None))));
        self.left()
            .derived()
            .and(right)
            .table(asked, all.concat(found))
    }
}

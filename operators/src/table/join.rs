//! `join`: the rows of two tables that have a key in common.

use std::panic::Location;

use millstream_engine::{Key, Row, Table};

use super::Joining;
use super::joining::asked;

/// Joins tables.
pub trait Join<'f, G: Key>: Joining<'f, G> {
    /// Each row with the row of `right` that has its key, as step `name`: by the key of the left, with the values of both.
    ///
    /// Of a table that is [grouped](super::GroupBy::group_by) the group is looked up, as a foreign key is. A pair comes when
    /// both rows are there, changes when one of them does, and goes with either. The columns of the values are those of both
    /// tables, and must have different names: [`map_values`](Table::map_values) gives them others.
    ///
    /// State: the rows of both tables, by key. Work: what changes on either side, times the rows that it meets on the other.
    ///
    /// # Examples
    /// ```
    /// # use millstream_connectors::{Clickstream, Memory, Rate};
    /// # use millstream_engine::{App, Value, Watermarks, seconds};
    /// # use millstream_operators::{Aggregating, Filter, GroupBy, Join, KeyBy};
    /// let memory = Memory::new();
    /// let sink = memory.clone();
    /// App::new("doc").workers(1).run(move |flow| {
    ///     let views = flow
    ///         .source("views", Clickstream::new().rate(Rate::Max).events(1_000))
    ///         .event_time(|e| e.timestamp, Watermarks::bounded(seconds(5)));
    ///     let on = |device| views.filter(move |e| e.data.device == device).key_by("url", |e| &e.data.url);
    ///     let mobiles = on("mobile").aggregate("mobiles", |of| of.count("by_mobile"));
    ///     let tablets = on("tablet").aggregate("tablets", |of| of.count("by_tablet"));
    ///     mobiles.join("both", &tablets).closed().sink("memory", sink.clone())
    /// })?;
    /// let names: Vec<_> = memory.columns().iter().map(|column| column.name.clone()).collect();
    /// assert_eq!(names, ["url", "by_mobile", "by_tablet"]);
    /// assert!(!memory.rows().is_empty());
    /// # Ok::<(), millstream_engine::Error>(())
    /// ```
    #[track_caller]
    fn join<W: Row>(
        &self,
        name: &str,
        right: &Table<'f, G, W>,
    ) -> Table<'f, Self::Key, (Self::Value, W)>;
}

impl<'f, G: Key, L: Joining<'f, G>> Join<'f, G> for L {
    fn join<W: Row>(
        &self,
        name: &str,
        right: &Table<'f, G, W>,
    ) -> Table<'f, L::Key, (L::Value, W)> {
        let location = Location::caller();
        let columns = [self.left().value_columns(), right.value_columns()].concat();
        let asked = asked(self, "join", name, location, columns);
        let rows = self.pairs(right, |left, right| (left.clone(), right.clone()));
        self.left().derived().and(right).table(asked, rows)
    }
}

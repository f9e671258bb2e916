//! `top_k` over the rows of each group of a table: who leaves makes room for the next.
//!
//! ```text
//!  a group:  rows in order ─▶ 1 2 3 … k │ k + 1 …        a row that leaves the first k lets the next one in
//!                             shown     │ kept
//! ```
//!
//! All rows of a group are kept in their order, so a change costs the time to find its place, however many rows there are, and
//! the first k are looked at only if it falls among them. Diffs are applied in the order of epochs, those of an epoch at once;
//! what was said of the ranks of a group is compared with what is to be said now.
//!
//! *Invariants*: what is shown of a group is its first k rows at the end of the last epoch applied.

mod group;
mod ranking;

use std::panic::Location;

use millstream_engine::raw::hash_key;
use millstream_engine::{Column, ColumnType, Key, Row, Table};

use super::Grouped;
use crate::top_k::InRank;
use ranking::Ranking;

impl<'f, G: Key, K: Key, V: Row> Grouped<'f, G, K, V> {
    /// The first `k` rows of each group by `order`, as step `name`: a table by group and rank, from 1, of their keys and values.
    ///
    /// What is to come first must be the least: for the greatest price, `Reverse(price)`. Rows that are equal in the order come
    /// by their keys. When a row leaves, those behind it move up, and the next one comes. Its columns are those of the group,
    /// `rank`, and then those of the table. State: all rows of all groups, in order. Work: for each change to find its place,
    /// and for the groups whose first `k` it falls among to look at these.
    ///
    /// # Panics
    /// If `k` is 0.
    ///
    /// # Examples
    /// The two countries with most views on each device:
    /// ```
    /// # use std::cmp::Reverse;
    /// # use millstream_connectors::{Clickstream, Memory, Rate};
    /// # use millstream_engine::{App, Value, Watermarks, seconds};
    /// # use millstream_operators::{Aggregating, GroupBy, KeyBy};
    /// let memory = Memory::new();
    /// let sink = memory.clone();
    /// App::new("doc").workers(1).run(move |flow| {
    ///     flow.source("views", Clickstream::new().rate(Rate::Max).events(1_000))
    ///         .event_time(|e| e.timestamp, Watermarks::bounded(seconds(5)))
    ///         .key_with(("country", "device"), |e| (e.data.country.clone(), e.data.device.clone()))
    ///         .aggregate("views", |of| of.count("views"))
    ///         .group_by("of_device", |(_country, device), _views| device.clone())
    ///         .top_k("most", 2, |_, views| Reverse(*views))
    ///         .closed()
    ///         .sink("memory", sink.clone())
    /// })?;
    /// let names: Vec<_> = memory.columns().iter().map(|column| column.name.clone()).collect();
    /// assert_eq!(names, ["of_device", "rank", "country", "device", "views"]);
    /// let rows = memory.rows();
    /// assert_eq!((&rows[0][1], &rows[1][1]), (&Value::Int(1), &Value::Int(2)));
    /// assert!(rows[0][4] >= rows[1][4]);
    /// # Ok::<(), millstream_engine::Error>(())
    /// ```
    #[track_caller]
    pub fn top_k<O: Ord + Clone + 'static>(
        &self,
        name: &str,
        k: usize,
        order: impl Fn(&K, &V) -> O + 'static,
    ) -> Table<'f, InRank<G>, (K, V)> {
        assert!(k > 0, "the first 0 rows are none");
        let table = self.table();
        let columns = [table.key_columns(), table.value_columns()].concat();
        let made_by = format!("the first {k} by {:?}", self.names());
        let mut asked = self.asked::<()>("top_k", name, Location::caller(), &made_by, &[]);
        asked.value_columns = columns;
        asked
            .key_columns
            .push(Column::new("rank", ColumnType::Int64));
        let group = self.group();
        let rows = table.diffs();
        let rows = rows.map(move |(key, value)| (group(&key, &value), (key, value)));
        let ranking = Ranking::new(k, order);
        table
            .derived()
            .stepped(asked, rows, |(group, _)| hash_key(group), ranking)
    }
}

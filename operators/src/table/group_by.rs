//! `group_by`: the rows of a table by something in them.

use std::cell::OnceCell;
use std::rc::Rc;

use millstream_engine::raw::ByKey;
use millstream_engine::{Key, Names, Row, Table};

/// Groups the rows of a table.
pub trait GroupBy<'f, K: Key, V: Row> {
    /// The rows by what `group` makes of key and value: a scalar, or a tuple for several columns, called `names`.
    ///
    /// A group can be joined with the table that has it as key, aggregated, ranked, or counted once. `()` for both puts all rows
    /// into one group. A row whose group changes leaves one and comes to the other.
    ///
    /// # Examples
    /// How many countries have how many views:
    /// ```
    /// # use millstream_connectors::{Clickstream, Memory, Rate};
    /// # use millstream_engine::{App, Value, Watermarks, seconds};
    /// # use millstream_operators::{Aggregating, GroupBy, KeyBy};
    /// let memory = Memory::new();
    /// let sink = memory.clone();
    /// App::new("doc").workers(1).run(move |flow| {
    ///     flow.source("views", Clickstream::new().rate(Rate::Max).events(1_000))
    ///         .event_time(|e| e.timestamp, Watermarks::bounded(seconds(5)))
    ///         .key_by("country", |e| &e.data.country)
    ///         .aggregate("per_country", |of| of.count("views"))
    ///         .group_by("hundreds", |_country, views| views / 100)
    ///         .aggregate("countries", |of| of.count("countries"))
    ///         .closed()
    ///         .sink("memory", sink.clone())
    /// })?;
    /// let names: Vec<_> = memory.columns().iter().map(|column| column.name.clone()).collect();
    /// assert_eq!(names, ["hundreds", "countries"]);
    /// # Ok::<(), millstream_engine::Error>(())
    /// ```
    fn group_by<N: Names, G: Key>(
        &self,
        names: N,
        group: impl Fn(&K, &V) -> G + 'static,
    ) -> Grouped<'f, G, K, V>;
}

impl<'f, K: Key, V: Row> GroupBy<'f, K, V> for Table<'f, K, V> {
    fn group_by<N: Names, G: Key>(
        &self,
        names: N,
        group: impl Fn(&K, &V) -> G + 'static,
    ) -> Grouped<'f, G, K, V> {
        Grouped {
            table: self.clone(),
            names: names.names(),
            group: Rc::new(group),
            by_group: OnceCell::new(),
        }
    }
}

/// A table whose rows are in groups. Nothing is moved or copied until a step needs it.
#[must_use = "groups do nothing until a step reads them"]
pub struct Grouped<'f, G: Key, K: Key, V: Row> {
    table: Table<'f, K, V>,
    names: Vec<String>,
    group: Rc<dyn Fn(&K, &V) -> G>,
    by_group: OnceCell<ByKey<'f, G, (K, V)>>,
}

impl<'f, G: Key, K: Key, V: Row> Grouped<'f, G, K, V> {
    /// The table.
    pub(super) fn table(&self) -> &Table<'f, K, V> {
        &self.table
    }

    /// The names of the columns of a group.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// What gives the group of a row.
    pub(super) fn group(&self) -> Rc<dyn Fn(&K, &V) -> G> {
        Rc::clone(&self.group)
    }

    /// The rows by group, arranged once for all joins.
    pub(super) fn by_group(&self) -> ByKey<'f, G, (K, V)> {
        let arrange = || {
            let group = self.group();
            let rows = self.table.diffs();
            let rows = rows.map(move |(key, value)| (group(&key, &value), (key, value)));
            rows.by_key("rows by group")
        };
        self.by_group.get_or_init(arrange).clone()
    }
}

//! `distinct`: the groups that there are.

use std::panic::Location;

use millstream_engine::{Key, Row, Table};

use super::Grouped;

impl<'f, G: Key, K: Key, V: Row> Grouped<'f, G, K, V> {
    /// Each group that has a row, once, as step `name`: a table whose rows are their key.
    ///
    /// A group leaves with its last row. State: how many rows each group has.
    ///
    /// # Examples
    /// ```
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
    ///         .group_by("device", |(_country, device), _views| device.clone())
    ///         .distinct("devices")
    ///         .closed()
    ///         .sink("memory", sink.clone())
    /// })?;
    /// assert!(memory.rows().contains(&vec![Value::Text("mobile".into())]));
    /// assert_eq!(memory.columns().len(), 1);
    /// # Ok::<(), millstream_engine::Error>(())
    /// ```
    #[track_caller]
    pub fn distinct(&self, name: &str) -> Table<'f, G, ()> {
        let asked = self.asked::<()>("distinct", name, Location::caller(), "distinct", &[]);
        let group = self.group();
        let rows = self.table().diffs();
        let rows = rows.map(move |(key, value)| (group(&key, &value), ()));
        let rows = rows.by_key("groups").keys("distinct");
        self.table().derived().table(asked, rows)
    }
}

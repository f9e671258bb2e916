//! `semi_join`: the rows of a table that have one in another.

use std::panic::Location;

use millstream_engine::{Key, Row, Table};

use super::Joining;
use super::joining::asked;

/// Keeps the rows that another table knows.
pub trait SemiJoin<'f, G: Key>: Joining<'f, G> {
    /// The rows whose key, or group, has a row in `right`, as step `name`; with their own values alone.
    ///
    /// A row leaves when that of `right` does. State: the rows of both tables.
    ///
    /// # Examples
    /// ```
    /// # use millstream_connectors::{Clickstream, Memory, Rate};
    /// # use millstream_engine::{App, Value, Watermarks, seconds};
    /// # use millstream_operators::{Aggregating, Filter, KeyBy, SemiJoin};
    /// let memory = Memory::new();
    /// let sink = memory.clone();
    /// App::new("doc").workers(1).run(move |flow| {
    ///     let views = flow
    ///         .source("views", Clickstream::new().rate(Rate::Max).events(1_000))
    ///         .event_time(|e| e.timestamp, Watermarks::bounded(seconds(5)));
    ///     let all = views.key_by("device", |e| &e.data.device).aggregate("all", |of| of.count("views"));
    ///     let mobiles = views.filter(|e| e.data.device == "mobile");
    ///     let mobiles = mobiles.key_by("device", |e| &e.data.device).aggregate("by_mobile", |of| of.count("by_mobile"));
    ///     all.semi_join("mobiles", &mobiles).closed().sink("memory", sink.clone())
    /// })?;
    /// assert_eq!(memory.rows().len(), 1);
    /// # Ok::<(), millstream_engine::Error>(())
    /// ```
    #[track_caller]
    fn semi_join<W: Row>(
        &self,
        name: &str,
        right: &Table<'f, G, W>,
    ) -> Table<'f, Self::Key, Self::Value>;
}

impl<'f, G: Key, L: Joining<'f, G>> SemiJoin<'f, G> for L {
    fn semi_join<W: Row>(
        &self,
        name: &str,
        right: &Table<'f, G, W>,
    ) -> Table<'f, L::Key, L::Value> {
        let location = Location::caller();
        let columns = self.left().value_columns().to_vec();
        let asked = asked(self, "semi_join", name, location, columns);
        let rows = self.pairs(right, |left, _| left.clone());
        self.left().derived().and(right).table(asked, rows)
    }
}

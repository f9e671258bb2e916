//! `anti_join`: the rows of a table that have none in another.

use std::panic::Location;

use millstream_engine::{Key, Row, Table};

use super::Joining;
use super::joining::asked;

/// Keeps the rows that another table does not know.
pub trait AntiJoin<'f, G: Key>: Joining<'f, G> {
    /// The rows whose key, or group, has no row in `right`, as step `name`; with their own values.
    ///
    /// A row leaves when one comes in `right`, and is back when that goes. State: the rows of both tables.
    ///
    /// # Examples
    /// ```
    /// # use millstream_connectors::{Clickstream, Memory, Rate};
    /// # use millstream_engine::{App, Value, Watermarks, seconds};
    /// # use millstream_operators::{Aggregating, AntiJoin, Filter, KeyBy};
    /// let memory = Memory::new();
    /// let sink = memory.clone();
    /// App::new("doc").workers(1).run(move |flow| {
    ///     let views = flow
    ///         .source("views", Clickstream::new().rate(Rate::Max).events(1_000))
    ///         .event_time(|e| e.timestamp, Watermarks::bounded(seconds(5)));
    ///     let all = views.key_by("device", |e| &e.data.device).aggregate("all", |of| of.count("views"));
    ///     let mobiles = views.filter(|e| e.data.device == "mobile");
    ///     let mobiles = mobiles.key_by("device", |e| &e.data.device).aggregate("by_mobile", |of| of.count("by_mobile"));
    ///     all.anti_join("others", &mobiles).closed().sink("memory", sink.clone())
    /// })?;
    /// assert!(memory.rows().iter().all(|row| row[0] != Value::Text("mobile".into())));
    /// # Ok::<(), millstream_engine::Error>(())
    /// ```
    #[track_caller]
    fn anti_join<W: Row>(
        &self,
        name: &str,
        right: &Table<'f, G, W>,
    ) -> Table<'f, Self::Key, Self::Value>;
}

impl<'f, G: Key, L: Joining<'f, G>> AntiJoin<'f, G> for L {
    fn anti_join<W: Row>(
        &self,
        name: &str,
        right: &Table<'f, G, W>,
    ) -> Table<'f, L::Key, L::Value> {
        let location = Location::caller();
        let columns = self.left().value_columns().to_vec();
        let asked = asked(self, "anti_join", name, location, columns);
        let known = self.pairs(right, |left, _| left.clone());
        let rows = self.left().diffs().concat(known.negate());
        self.left().derived().and(right).table(asked, rows)
    }
}

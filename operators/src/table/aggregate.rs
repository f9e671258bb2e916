//! `aggregate` over the rows of each group of a table.
//!
//! A row that leaves a group cannot be taken out of a minimum or of a quantile. So where a group has changed its aggregates are
//! made anew, of all the rows that it has then: once at a publish epoch, however many of its rows have changed.

use std::panic::Location;

use millstream_engine::raw::TableAsked;
use millstream_engine::{Columns, Key, Row, Table};

use super::{Grouped, Ordered};
use crate::aggregate::{Aggregate, Of};

impl<'f, G: Key, K: Key, V: Row> Grouped<'f, G, K, V> {
    /// Aggregates the values of the rows of each group, as step `name`: a table by group, without the groups that have no row.
    ///
    /// `aggregates` is given a handle that makes aggregates, and gives one of them or a tuple of up to eight; their names are
    /// the columns of the table. Floats come as [`Float`](millstream_engine::Float). State: the values of all rows, by group.
    /// Work: at a publish epoch all rows of the groups in which one has changed.
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
    ///         .key_by("user", |e| &e.data.user_id)
    ///         .aggregate("per_user", |of| of.count("views"))
    ///         .group_by((), |_user, _views| ())
    ///         .aggregate("users", |of| (of.count("users"), of.max("most", |views| *views), of.mean("mean", |views| *views)))
    ///         .closed()
    ///         .sink("memory", sink.clone())
    /// })?;
    /// let [row] = &memory.rows()[..] else { unreachable!() };
    /// let (Value::Int(users), Value::Float(mean)) = (&row[0], &row[2]) else { unreachable!() };
    /// assert!((*users as f64 * mean - 1_000.0).abs() < 1e-6);
    /// # Ok::<(), millstream_engine::Error>(())
    /// ```
    #[track_caller]
    pub fn aggregate<A>(
        &self,
        name: &str,
        aggregates: impl FnOnce(&Of<V>) -> A,
    ) -> Table<'f, G, <A::Output as Ordered>::Ordered>
    where
        A: Aggregate<V, Output: Ordered>,
    {
        let location = Location::caller();
        let aggregate = aggregates(&Of::new());
        let made_by = format!("aggregate by {:?}: {}", self.names(), aggregate.kind());
        let names = aggregate.names();
        let asked = self.asked::<A::Output>("aggregate", name, location, &made_by, &names);
        let group = self.group();
        let values = self.table().diffs();
        let values = values.map(move |(key, value)| (group(&key, &value), value));
        let rows = values.by_key("values by group");
        let rows = rows.reduce("aggregate", move |_, values, out| {
            let mut state = A::State::default();
            for (value, times) in values {
                (0..*times).for_each(|_| aggregate.add(&mut state, value));
            }
            out.push((aggregate.output(&state).ordered(), 1));
        });
        self.table().derived().table(asked, rows)
    }

    /// What is asked of a step by group whose values are `C`.
    pub(super) fn asked<C: Columns>(
        &self,
        kind: &'static str,
        name: &str,
        location: &'static Location<'static>,
        made_by: &str,
        value_names: &[String],
    ) -> TableAsked {
        TableAsked {
            kind,
            name: name.into(),
            location,
            made_by: made_by.into(),
            key_columns: self.table().named_columns::<G>(self.names(), location),
            value_columns: self.table().named_columns::<C>(value_names, location),
        }
    }
}

//! Tables that are made of others change by change: other values, other keys, no windows.

use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;

use timely::container::CapacityContainerBuilder;
use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::Operator;

use crate::diffs::RowsOf;
use crate::key::Key;
use crate::lazily::Lazily;
use crate::record::Data;
use crate::scalar::{Columns, Names};
use crate::stream::named_columns;
use crate::table::{Change, Table};
use crate::table_key::Windowed;
use crate::value::{Column, ColumnType};

/// What operators make of tables; not for users.
impl<'f, K: Key, V: Columns + Data> Table<'f, Windowed<K>, V> {
    /// The same table without windows: for steps in which all records of a key are in one window.
    #[doc(hidden)]
    #[must_use]
    pub fn without_windows(&self) -> Table<'f, K, V> {
        let table = self.reshaped(|change, out| {
            out.push(Change {
                key: change.key.key,
                value: change.value,
                stage: change.stage,
            });
        });
        let of = table.clone();
        Table {
            rows: RowsOf::made_by(move || of.root()),
            ..table
        }
    }
}

impl<'f, K: Data, V: Data> Table<'f, K, V> {
    /// The same rows with other values, in columns called `names`.
    ///
    /// A record that is kept as the value of a row fills no columns until this says which of its fields do.
    ///
    /// # Errors
    /// Not here: a name that cannot be used, or another number of names than of values, is told when the building ends.
    ///
    /// # Examples
    /// ```
    /// # use millstream_connectors::{Clickstream, Memory, Rate};
    /// # use millstream_engine::{App, Value, Watermarks, seconds};
    /// # use millstream_operators::{Aggregating, KeyBy};
    /// let memory = Memory::new();
    /// let sink = memory.clone();
    /// App::new("doc").workers(1).run(move |flow| {
    ///     flow.source("views", Clickstream::new().rate(Rate::Max).events(100))
    ///         .event_time(|e| e.timestamp, Watermarks::bounded(seconds(5)))
    ///         .key_with((), |_| ())
    ///         .aggregate("all", |of| of.count("views"))
    ///         .map_values(("views", "even"), |views| (*views, views % 2 == 0))
    ///         .closed()
    ///         .sink("memory", sink.clone())
    /// })?;
    /// assert_eq!(memory.rows(), [[Value::Int(100), Value::Bool(true)]]);
    /// # Ok::<(), millstream_engine::Error>(())
    /// ```
    #[expect(
        clippy::needless_pass_by_value,
        reason = "names are written where they are given"
    )]
    #[track_caller]
    #[must_use]
    pub fn map_values<N: Names, R: Columns + Data>(
        &self,
        names: N,
        values: impl Fn(&V) -> R + 'static,
    ) -> Table<'f, K, R> {
        let location = Location::caller();
        let build = &self.flow.build;
        let value_columns = named_columns::<R>(&names.names(), location, build);
        let values: Rc<dyn Fn(&V) -> R> = Rc::new(values);
        let rows = self.rows.with_values(Rc::clone(&values));
        let table = self.reshaped(move |change, out| {
            out.push(Change {
                key: change.key,
                value: change.value.as_ref().map(&*values),
                stage: change.stage,
            });
        });
        Table {
            value_columns,
            rows,
            ..table
        }
    }

    /// The table that `each` makes of the changes of this one, for the same keys or for parts of them; with the same columns.
    #[doc(hidden)]
    pub fn reshaped<L: Data, W: Data>(
        &self,
        each: impl FnMut(Change<K, V>, &mut Vec<Change<L, W>>) + 'static,
    ) -> Table<'f, L, W> {
        let changes = self.changes.clone();
        Table {
            flow: self.flow.clone(),
            name: Rc::clone(&self.name),
            step: Arc::clone(&self.step),
            changes: Lazily::made_by(move || reshape(changes.get(), each)),
            rows: RowsOf::default(),
            marks: self.marks.clone(),
            origins: self.origins.clone(),
            key_columns: Arc::clone(&self.key_columns),
            value_columns: Arc::clone(&self.value_columns),
            demand: self.demand.clone(),
            spacing: None,
            own_marks: self.own_marks.clone(),
            speaks: self.speaks.clone(),
        }
    }

    /// As [`reshaped`](Self::reshaped), for keys that have one more column.
    #[doc(hidden)]
    pub fn with_key_column<L: Data, W: Data>(
        &self,
        name: &str,
        kind: ColumnType,
        each: impl FnMut(Change<K, V>, &mut Vec<Change<L, W>>) + 'static,
    ) -> Table<'f, L, W> {
        let mut table = self.reshaped(each);
        let column = Column::new(name, kind);
        table.key_columns = self.key_columns.iter().cloned().chain([column]).collect();
        table
    }
}

/// What `each` makes of every change.
fn reshape<'f, C: Data, D: Data>(
    changes: StreamVec<'f, u64, C>,
    mut each: impl FnMut(C, &mut Vec<D>) + 'static,
) -> StreamVec<'f, u64, D> {
    type Builder<D> = CapacityContainerBuilder<Vec<D>>;
    changes.unary::<Builder<D>, _, _, _>(Pipeline, "reshape", |_, _| {
        let mut reshaped = Vec::new();
        move |input, output| {
            input.for_each(|capability, changes| {
                let changes = changes.drain(..);
                changes.for_each(|change| each(change, &mut reshaped));
                let mut session = output.session(&capability);
                session.give_iterator(reshaped.drain(..));
            });
        }
    })
}

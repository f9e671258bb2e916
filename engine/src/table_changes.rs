//! Tables without windows as streams: every change, or each row once when the input has ended.
//!
//! ```text
//!  changes@e ─▶ time: the watermark after e − 1 ─▶ rows@e
//! ```
//!
//! A row of such a table has no time of its own. Where it goes on as a record, it is timed by the watermark that its change
//! came after: so no row is ever behind its stream, and rows can be windowed again.

use std::marker::PhantomData;
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use timely::container::{CapacityContainerBuilder, NoopBuilder};
use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::Operator;

use crate::diffs::RowsOf;
use crate::key::Key;
use crate::keyed_step::in_batches;
use crate::lazily::Lazily;
use crate::logic::{At, Emitted, Logic, Publish, Size};
use crate::record::{Data, Record};
use crate::row_stream::RowStream;
use crate::scalar::{Columns, Names};
use crate::sink::SinkRow;
use crate::stateful::{Counted, Fed, stateful};
use crate::stream::{Batch, Batches, Stream, named_columns, owned};
use crate::table::{Change, Stage, Table};
use crate::table_key::Windowed;
use crate::time::EventTime;
use crate::value::{Column, ColumnType, Value};

/// A row of a table without windows, as it is from now on. Its event time is the watermark that the change came after.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TableRow<K, V> {
    /// The key.
    pub key: K,
    /// The values; `None` if the row is gone.
    pub values: Option<V>,
}

impl<'f, K: Key, V: Columns + Data> Table<'f, K, V> {
    /// Every change: what has changed since the last publish epoch, each row as it is then; in sinks the values of a row that
    /// is gone are null, and a last column `deleted` says so.
    ///
    /// How many changes there are depends on timing; the last one of each key does not.
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
    ///         .key_by("device", |e| &e.data.device)
    ///         .aggregate("per_device", |of| of.count("views"))
    ///         .changes()
    ///         .sink("memory", sink.clone())
    /// })?;
    /// let names: Vec<_> = memory.columns().iter().map(|column| column.name.clone()).collect();
    /// assert_eq!(names, ["device", "views", "deleted"]);
    /// assert!(memory.rows().iter().all(|row| row[2] == Value::Bool(false)));
    /// # Ok::<(), millstream_engine::Error>(())
    /// ```
    #[track_caller]
    #[must_use]
    pub fn changes(&self) -> RowStream<'f, TableRow<K, V>> {
        self.demand.partial.set(true);
        let mut columns: Vec<Column> = self.key_columns.to_vec();
        columns.extend(self.value_columns.iter().map(|column| Column {
            nullable: true,
            ..column.clone()
        }));
        columns.push(Column::new("deleted", ColumnType::Bool));
        let n_values = self.value_columns.len();
        let rows = self.timed_rows(|stage| stage != Stage::Final);
        self.row_stream(Location::caller(), columns, rows, move |row| {
            let mut values = Vec::new();
            Columns::append(&row.key, &mut values);
            match &row.values {
                Some(row) => row.append(&mut values),
                None => values.extend(std::iter::repeat_n(Value::Null, n_values)),
            }
            values.push(Value::Bool(row.values.is_none()));
            values
        })
    }

    /// Each row once, when it will not change any more: when the input has ended.
    ///
    /// Where the input never ends nothing ever comes; whoever wants to see such a table follows its
    /// [`changes`](Self::changes) or looks at a view of it.
    ///
    /// # Examples
    /// ```
    /// # use millstream_connectors::{Clickstream, Memory, Rate};
    /// # use millstream_engine::{App, Value, Watermarks, seconds};
    /// # use millstream_operators::{Aggregating, KeyBy};
    /// let memory = Memory::new();
    /// let sink = memory.clone();
    /// App::new("doc").run(move |flow| {
    ///     flow.source("views", Clickstream::new().rate(Rate::Max).events(100))
    ///         .event_time(|e| e.timestamp, Watermarks::bounded(seconds(5)))
    ///         .key_with((), |_| ())
    ///         .aggregate("all", |of| of.count("views"))
    ///         .closed()
    ///         .sink("memory", sink.clone())
    /// })?;
    /// assert_eq!(memory.rows(), [[Value::Int(100)]]);
    /// # Ok::<(), millstream_engine::Error>(())
    /// ```
    #[track_caller]
    #[must_use]
    pub fn closed(&self) -> RowStream<'f, (K, V)> {
        self.demand.closed.set(true);
        let rows = self.timed_rows(|stage| stage == Stage::Final);
        let rows = rows.unary::<NoopBuilder<Batch<(K, V)>>, _, _, _>(Pipeline, "closed", |_, _| {
            |input, output| {
                input.for_each(|capability, batch| {
                    let rows = owned(std::mem::take(batch)).into_iter();
                    let rows = rows.filter_map(|record| {
                        let TableRow { key, values } = record.value;
                        values.map(|values| Record::new((key, values), record.time))
                    });
                    let mut rows = Rc::new(rows.collect::<Vec<_>>());
                    let mut session = output.session_with_builder(&capability);
                    session.give_container(&mut rows);
                });
            }
        });
        let columns = self.columns();
        self.row_stream(Location::caller(), columns, rows, |(key, row)| {
            let mut values = Vec::new();
            Columns::append(key, &mut values);
            row.append(&mut values);
            values
        })
    }

    /// The rows whose stage is `wanted`, timed.
    fn timed_rows(&self, wanted: fn(Stage) -> bool) -> Batches<'f, TableRow<K, V>> {
        let counted = Counted {
            step: Arc::clone(&self.step),
            worker: self.flow.build.worker,
            counts_state: false,
        };
        let fed = Fed {
            batches: self.changes.get(),
            marks: self.marks.clone(),
            n_origins: self.origins.len(),
        };
        let logic = Timing {
            wanted,
            reached: EventTime::MIN,
            table: PhantomData,
        };
        in_batches(stateful(&self.flow, counted, fed, Pipeline, None, logic).out)
    }

    fn row_stream<T: Data>(
        &self,
        location: &'static Location<'static>,
        columns: Vec<Column>,
        batches: Batches<'f, T>,
        values: impl Fn(&T) -> Vec<Value> + 'static,
    ) -> RowStream<'f, T> {
        self.flow
            .build
            .check_columns(&self.name, &columns, location);
        let stream = Stream {
            flow: self.flow.clone(),
            batches,
            marks: self.marks.clone(),
            origins: self.origins.clone(),
            reads: Rc::new(vec![self.name.to_string()]),
        };
        RowStream::new(stream, Arc::from(columns), move |record| SinkRow {
            time: record.time,
            values: values(&record.value),
        })
    }
}

/// Gives each change that is wanted the time at which it leaves.
struct Timing<K, V> {
    wanted: fn(Stage) -> bool,
    /// The watermark, if the input has not ended; else what it was before.
    reached: EventTime,
    table: PhantomData<fn(K, V)>,
}

impl<K: Key, V: Data> Logic for Timing<K, V> {
    type In = Vec<Change<K, V>>;
    type Out = Record<TableRow<K, V>>;
    type Late = ();

    fn on_batch(&mut self, batch: Self::In, at: At, out: &mut Emitted<Self::Out, ()>) {
        self.reached = at.watermark.finite().unwrap_or(self.reached);
        let time = self.reached;
        let wanted = batch
            .into_iter()
            .filter(|change| (self.wanted)(change.stage));
        out.out.extend(wanted.map(|change| {
            let row = TableRow {
                key: change.key,
                values: change.value,
            };
            Record::new(row, time)
        }));
    }

    fn on_watermark(&mut self, at: At, _out: &mut Emitted<Self::Out, ()>) {
        self.reached = at.watermark.finite().unwrap_or(self.reached);
    }

    fn on_publish(&mut self, _at: At, _publish: Publish, _out: &mut Emitted<Self::Out, ()>) {}

    fn resume(&mut self, at: At) {
        self.reached = at.watermark;
    }

    fn size(&mut self) -> Size {
        Size {
            keys: 0,
            open_windows: 0,
            bytes: 0,
            next_close: EventTime::MAX,
        }
    }
}

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

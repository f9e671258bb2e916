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
use timely::container::NoopBuilder;
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::Operator;

use crate::key::Key;
use crate::keyed_step::in_batches;
use crate::logic::{At, Emitted, Logic, Publish, Size};
use crate::record::{Data, Record};
use crate::row_stream::RowStream;
use crate::scalar::Columns;
use crate::sink::SinkRow;
use crate::stateful::{Counted, Fed, stateful};
use crate::stream::{Batch, Batches, Stream, owned};
use crate::table::{Change, Stage, Table};
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

//! Rows of windowed tables as streams: when closed, when ended, or with every change.

use std::collections::BTreeSet;
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use timely::container::NoopBuilder;
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::vec::Broadcast;
use timely::dataflow::operators::{Concat, Operator};

use crate::key::Key;
use crate::record::{Data, Record};
use crate::row_stream::RowStream;
use crate::scalar::Columns;
use crate::sink::SinkRow;
use crate::step;
use crate::stream::{Batch, Batches, Stream};
use crate::table::{Change, Stage, Table};
use crate::table_key::Windowed;
use crate::time::EventTime;
use crate::value::{Column, ColumnType, Value};
use crate::window::Window;

/// A row of a windowed table. Its event time is the last microsecond of its window.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct WindowRow<K, V> {
    /// The window.
    pub window: Window,
    /// The key.
    pub key: K,
    /// The aggregates, in the order in which they were asked for.
    pub values: V,
    /// How settled the row is.
    pub stage: Stage,
}

impl<'f, K: Key, V: Columns + Data> Table<'f, Windowed<K>, V> {
    /// Each row once, when its window is final: when the watermark has passed its end and the lateness.
    ///
    /// Can be windowed again, and goes to sinks with the columns `window_start`, `window_end`, the key's and the values'.
    /// A sink that sorts rows by time has them at the start of their window if all are of one length (`Tumbling`, `Hopping`),
    /// and else at its last microsecond (`Session`, and what is aggregated `in_their_windows`).
    ///
    /// # Examples
    /// ```
    /// # use millstream_connectors::{Clickstream, Memory, Rate};
    /// # use millstream_engine::{App, EventTime, Value, VirtualClock, Watermarks, seconds};
    /// # use millstream_operators::{Tumbling, Windows};
    /// let memory = Memory::new();
    /// let sink = memory.clone();
    /// let clock = VirtualClock::starting_at(EventTime::from_micros(0)); // 5,000 views a second from here on
    /// App::new("doc").workers(1).clock(clock).run(move |flow| {
    ///     flow.source("views", Clickstream::new().rate(Rate::Max).events(12_000))
    ///         .event_time(|e| e.timestamp, Watermarks::bounded(seconds(5)))
    ///         .window(Tumbling::of(seconds(1)))
    ///         .aggregate("per_second", |of| of.count("views"))
    ///         .closed()
    ///         .sink("memory", sink.clone())
    /// })?;
    /// let views: Vec<Value> = memory.rows().into_iter().map(|row| row[2].clone()).collect();
    /// assert_eq!(views, [5000, 5000, 2000].map(Value::Int));
    /// # Ok::<(), millstream_engine::Error>(())
    /// ```
    #[track_caller]
    #[must_use]
    pub fn closed(&self) -> RowStream<'f, WindowRow<K, V>> {
        self.rows(
            "closed",
            Location::caller(),
            self.columns(),
            |stage| stage == Stage::Final,
            |_| None,
        )
    }

    /// Each row when its window ends, and again when a record within the lateness corrects it.
    ///
    /// In sinks a last column `correction` tells the two apart. Corrections come at publish epochs: how many there are
    /// depends on timing, the last one does not.
    ///
    /// # Examples
    /// ```
    /// # use millstream_connectors::{Clickstream, Memory, Rate};
    /// # use millstream_engine::{App, EventTime, Value, VirtualClock, Watermarks, seconds};
    /// # use millstream_operators::{Tumbling, Windows};
    /// let memory = Memory::new();
    /// let sink = memory.clone();
    /// let clock = VirtualClock::starting_at(EventTime::from_micros(0)); // 5,000 views a second from here on
    /// App::new("doc").workers(1).clock(clock).run(move |flow| {
    ///     flow.source("views", Clickstream::new().rate(Rate::Max).events(12_000))
    ///         .event_time(|e| e.timestamp, Watermarks::bounded(seconds(5)))
    ///         .window(Tumbling::of(seconds(1)))
    ///         .aggregate("per_second", |of| of.count("views"))
    ///         .on_close()
    ///         .sink("memory", sink.clone())
    /// })?;
    /// let rows: Vec<_> = memory.rows().into_iter().map(|row| row[2..].to_vec()).collect();
    /// assert_eq!(rows, [5000, 5000, 2000].map(|views| [Value::Int(views), Value::Bool(false)]));
    /// # Ok::<(), millstream_engine::Error>(())
    /// ```
    #[track_caller]
    #[must_use]
    pub fn on_close(&self) -> RowStream<'f, WindowRow<K, V>> {
        self.demand.partial.set(true);
        self.demand.ended.set(true);
        let mut columns = self.columns();
        columns.push(Column::new("correction", ColumnType::Bool));
        let correction = |stage: Stage| Some(Value::Bool(stage == Stage::Corrected));
        let wanted = |stage| matches!(stage, Stage::Ended | Stage::Corrected);
        self.rows("on_close", Location::caller(), columns, wanted, correction)
    }

    /// Every change: partial results at publish epochs, then the final row, which says so in a last column `final`.
    ///
    /// # Examples
    /// ```
    /// # use millstream_connectors::{Clickstream, Memory, Rate};
    /// # use millstream_engine::{App, EventTime, Value, VirtualClock, Watermarks, seconds};
    /// # use millstream_operators::{Tumbling, Windows};
    /// let memory = Memory::new();
    /// let sink = memory.clone();
    /// let clock = VirtualClock::starting_at(EventTime::from_micros(0)); // 5,000 views a second from here on
    /// App::new("doc").workers(1).clock(clock).run(move |flow| {
    ///     flow.source("views", Clickstream::new().rate(Rate::Max).events(12_000))
    ///         .event_time(|e| e.timestamp, Watermarks::bounded(seconds(5)))
    ///         .window(Tumbling::of(seconds(1)))
    ///         .aggregate("per_second", |of| of.count("views"))
    ///         .changes()
    ///         .sink("memory", sink.clone())
    /// })?;
    /// let rows: Vec<_> = memory.rows().into_iter().map(|row| row[2..].to_vec()).collect();
    /// for views in [5000, 5000, 2000] {
    ///     assert!(rows.contains(&vec![Value::Int(views), Value::Bool(true)]));
    /// }
    /// # Ok::<(), millstream_engine::Error>(())
    /// ```
    #[track_caller]
    #[must_use]
    pub fn changes(&self) -> RowStream<'f, WindowRow<K, V>> {
        self.demand.partial.set(true);
        let mut columns = self.columns();
        columns.push(Column::new("final", ColumnType::Bool));
        let is_final = |stage: Stage| Some(Value::Bool(stage == Stage::Final));
        let wanted = |stage| !matches!(stage, Stage::Ended);
        self.rows("changes", Location::caller(), columns, wanted, is_final)
    }

    /// The rows whose stage is `wanted`; `last` makes the value of a column after the table's own.
    fn rows(
        &self,
        kind: &str,
        location: &'static Location<'static>,
        columns: Vec<Column>,
        wanted: impl Fn(Stage) -> bool + 'static,
        last: impl Fn(Stage) -> Option<Value> + 'static,
    ) -> RowStream<'f, WindowRow<K, V>> {
        self.flow
            .build
            .check_columns(&self.name, &columns, location);
        let batches = self.row_batches(kind, location, wanted);
        self.speaks.wanted.set(true);
        let own_marks = self.own_marks.clone().broadcast();
        let stream = Stream {
            flow: self.flow.clone(),
            batches,
            marks: own_marks.concat(self.flow.pulse.clone()),
            origins: BTreeSet::from([self.speaks.origin]),
            reads: Rc::new(vec![self.name.to_string()]),
        };
        let all_of_one_length = self.spacing.is_some();
        let row = move |record: &Record<WindowRow<K, V>>| {
            let WindowRow {
                window,
                key,
                values,
                stage,
            } = &record.value;
            let mut row = vec![Value::Time(window.start), Value::Time(window.end)];
            key.append(&mut row);
            values.append(&mut row);
            row.extend(last(*stage));
            // How far back a window of any length began says nothing about which rows may still come.
            let time = if all_of_one_length {
                window.start
            } else {
                record.time
            };
            SinkRow { time, values: row }
        };
        RowStream {
            stream,
            columns: Arc::from(columns),
            row: Rc::new(row),
            windows: self.spacing,
        }
    }

    /// The rows that are wanted, in the dataflow.
    fn row_batches(
        &self,
        kind: &str,
        location: &'static Location<'static>,
        wanted: impl Fn(Stage) -> bool + 'static,
    ) -> Batches<'f, WindowRow<K, V>> {
        let step: Rc<str> = format!("{kind} at {location}").into();
        self.changes
            .get()
            .unary::<NoopBuilder<Batch<WindowRow<K, V>>>, _, _, _>(Pipeline, kind, |_, _| {
                move |input, output| {
                    step::enter(&step);
                    input.for_each(|capability, changes| {
                        let rows: Vec<_> = changes
                            .drain(..)
                            .filter(|change| wanted(change.stage))
                            .filter_map(row_record)
                            .collect();
                        if !rows.is_empty() {
                            output
                                .session_with_builder(&capability)
                                .give_container(&mut Rc::new(rows));
                        }
                    });
                }
            })
    }
}

/// The row that a change leaves behind, timed just inside its window.
fn row_record<K, V>(change: Change<Windowed<K>, V>) -> Option<Record<WindowRow<K, V>>> {
    let Windowed { window, key } = change.key;
    let row = WindowRow {
        window,
        key,
        values: change.value?,
        stage: change.stage,
    };
    Some(Record::new(
        row,
        EventTime::from_micros(window.end.micros() - 1),
    ))
}

//! Streams: append-only events, on their way from step to step.
//!
//! A [`Stream`] is a handle to records and to the marks that accompany them. It can be copied at no cost: several steps
//! may read one stream, and share its batches without copying a record, because aggregating only looks at records and
//! does not take them.

use std::collections::BTreeSet;
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;

use timely::container::NoopBuilder;
use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::{Concat, Operator};

use crate::flow::{Build, Flow};
use crate::mark::{Mark, Origin};
use crate::record::{Data, Record};
use crate::row_stream::RowStream;
use crate::scalar::{Columns, Names};
use crate::sink::SinkRow;
use crate::step;
use crate::value::Column;

/// Records that travel together, shared by all who read them.
pub type Batch<T> = Rc<Vec<Record<T>>>;

/// The records of a stream in the dataflow.
pub(crate) type Batches<'f, T> = timely::dataflow::Stream<'f, u64, Batch<T>>;

/// The marks that accompany a stream in the dataflow.
pub(crate) type Marks<'f> = StreamVec<'f, u64, Mark>;

/// A stream of records with values of type `T`.
pub struct Stream<'f, T: 'static> {
    pub(crate) flow: Flow<'f>,
    pub(crate) batches: Batches<'f, T>,
    pub(crate) marks: Marks<'f>,
    /// Whom the marks speak for.
    pub(crate) origins: BTreeSet<Origin>,
    /// The names of the sources and steps it comes from, for the graph.
    pub(crate) reads: Rc<Vec<String>>,
}

impl<T> Clone for Stream<'_, T> {
    fn clone(&self) -> Self {
        Stream {
            flow: self.flow.clone(),
            batches: self.batches.clone(),
            marks: self.marks.clone(),
            origins: self.origins.clone(),
            reads: Rc::clone(&self.reads),
        }
    }
}

impl<'f, T: Data> Stream<'f, T> {
    /// Gives each record's columns names, so that it can go to a sink: `events.columns(("user", "ms"), |e| (e.user.clone(), e.ms))`.
    ///
    /// # Errors
    /// Not here: a name that cannot be used, or another number of names than of values, is told when the building ends.
    ///
    /// # Examples
    /// ```
    /// # use millstream_connectors::{Clickstream, Memory, Rate};
    /// # use millstream_engine::{App, Value, Watermarks, seconds};
    /// let memory = Memory::new();
    /// let sink = memory.clone();
    /// App::new("doc").workers(1).run(move |flow| {
    ///     flow.source("views", Clickstream::new().rate(Rate::Max).events(1))
    ///         .event_time(|e| e.timestamp, Watermarks::bounded(seconds(5)))
    ///         .columns(("country", "long"), |e| (e.data.country.clone(), e.data.duration_ms > 60_000))
    ///         .sink("memory", sink.clone())
    /// })?;
    /// assert_eq!(memory.columns()[1].name, "long");
    /// assert_eq!(memory.rows(), [[Value::Text("US".into()), Value::Bool(false)]]);
    /// # Ok::<(), millstream_engine::Error>(())
    /// ```
    #[expect(
        clippy::needless_pass_by_value,
        reason = "names are written where they are given"
    )]
    #[track_caller]
    pub fn columns<N: Names, R: Columns>(
        &self,
        names: N,
        row: impl Fn(&T) -> R + 'static,
    ) -> RowStream<'f, T> {
        let location = Location::caller();
        let columns = named_columns::<R>(&names.names(), location, &self.flow.build);
        let row = move |record: &Record<T>| {
            let mut values = Vec::new();
            row(&record.value).append(&mut values);
            SinkRow {
                time: record.time,
                values,
            }
        };
        RowStream {
            stream: self.clone(),
            columns,
            row: Rc::new(row),
            windows: None,
        }
    }

    /// Records of this stream and of `other`; its watermark is the lesser of the two.
    ///
    /// # Examples
    /// ```
    /// # use millstream_connectors::{Clickstream, Memory, Rate};
    /// # use millstream_engine::{App, Watermarks, seconds};
    /// let memory = Memory::new();
    /// let sink = memory.clone();
    /// App::new("doc").workers(1).run(move |flow| {
    ///     let [old, new] = [("old_shop", 1), ("new_shop", 2)].map(|(name, seed)| {
    ///         flow.source(name, Clickstream::new().rate(Rate::Max).events(100).seed(seed))
    ///             .event_time(|e| e.timestamp, Watermarks::bounded(seconds(5)))
    ///     });
    ///     old.merge(&new).columns("url", |e| e.data.url.clone()).sink("memory", sink.clone())
    /// })?;
    /// assert_eq!(memory.rows().len(), 200);
    /// # Ok::<(), millstream_engine::Error>(())
    /// ```
    #[must_use]
    pub fn merge(&self, other: &Stream<'f, T>) -> Stream<'f, T> {
        let mut reads = self.reads.to_vec();
        reads.extend(
            other
                .reads
                .iter()
                .filter(|name| !self.reads.contains(name))
                .cloned(),
        );
        // Marks of origins that both have are the same marks; who hears them twice learns nothing new.
        let marks = if other.origins.is_subset(&self.origins) {
            self.marks.clone()
        } else {
            self.marks.clone().concat(other.marks.clone())
        };
        Stream {
            flow: self.flow.clone(),
            batches: self.batches.clone().concat(other.batches.clone()),
            marks,
            origins: &self.origins | &other.origins,
            reads: Rc::new(reads),
        }
    }
}

pub(crate) fn named_columns<R: Columns>(
    names: &[String],
    location: &'static Location<'static>,
    build: &Build,
) -> Arc<[Column]> {
    let kinds = R::kinds();
    if kinds.len() != names.len() {
        let reason = format!(
            "{} names for {} values at {location}: give each value one",
            names.len(),
            kinds.len()
        );
        build.error(crate::Error::BadSetting {
            what: "columns".into(),
            reason,
        });
    }
    let column = |(name, (kind, nullable)): (&String, (_, _))| Column {
        name: name.clone(),
        kind,
        nullable,
    };
    let columns: Vec<Column> = names.iter().zip(kinds).map(column).collect();
    build.check_columns("columns", &columns, location);
    columns.into()
}

/// What operators are made of; not for users.
impl<'f, T: Data> Stream<'f, T> {
    /// A stream of what `f` makes of each batch; event times, marks and epochs stay.
    ///
    /// `kind` and `location` name the step in errors.
    #[doc(hidden)]
    pub fn transform<U: Data>(
        &self,
        kind: &str,
        location: &'static Location<'static>,
        mut f: impl FnMut(Batch<T>) -> Batch<U> + 'static,
    ) -> Stream<'f, U> {
        let step: Rc<str> = format!("{kind} at {location}").into();
        let batches = self
            .batches
            .clone()
            .unary::<NoopBuilder<Batch<U>>, _, _, _>(Pipeline, kind, |_, _| {
                move |input, output| {
                    step::enter(&step);
                    input.for_each(|capability, batch| {
                        let mut records = f(std::mem::take(batch));
                        if !records.is_empty() {
                            output
                                .session_with_builder(&capability)
                                .give_container(&mut records);
                        }
                    });
                }
            });
        self.of(batches)
    }

    /// The same stream with other batches.
    pub(crate) fn of<U>(&self, batches: Batches<'f, U>) -> Stream<'f, U> {
        Stream {
            flow: self.flow.clone(),
            batches,
            marks: self.marks.clone(),
            origins: self.origins.clone(),
            reads: Rc::clone(&self.reads),
        }
    }

    /// Counts this stream as seen from outside: for steps with effects of their own.
    #[doc(hidden)]
    pub fn comes_out(&self) {
        self.flow.build.comes_out(self.batches.clone());
    }
}

/// The records of a batch as one's own: moved if no one else reads the batch, else copied.
#[doc(hidden)]
#[must_use]
pub fn owned<T: Data>(batch: Batch<T>) -> Vec<Record<T>> {
    Rc::try_unwrap(batch).unwrap_or_else(|shared| shared.to_vec())
}

/// A batch of what is left of another, in whose place it may lie: room for much more than that is given back.
#[doc(hidden)]
#[must_use]
pub fn left<T>(mut records: Vec<Record<T>>) -> Batch<T> {
    if records.capacity() / 16 > records.len() {
        records.shrink_to_fit();
    }
    Rc::new(records)
}

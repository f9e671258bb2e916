//! A source before it flows: which records come is known, and not yet when they happened.
//!
//! Nothing downstream of a source works without event time, so it is no option that can be forgotten: a source becomes a
//! [`Stream`] by [`Unclocked::event_time`] or [`Unclocked::processing_time`] and in no other way. There the source operator
//! is built, and the marks of its partitions are joined with the pulse of the run.

use std::collections::BTreeSet;
use std::rc::Rc;

use timely::dataflow::operators::Concat;

use crate::flow::Flow;
use crate::input::input;
use crate::intake::TimeOf;
use crate::source::Source;
use crate::stream::Stream;
use crate::time::EventTime;
use crate::watermarks::Watermarks;

/// A source of which it is not yet said when its records happened.
#[must_use = "a source flows once `event_time` or `processing_time` has said when its records happened"]
pub struct Unclocked<'f, S> {
    pub(crate) flow: Flow<'f>,
    pub(crate) name: String,
    pub(crate) source: S,
}

impl<'f, S: Source> Unclocked<'f, S> {
    /// Says when a record happened, and how its partitions promise that time has passed.
    ///
    /// The event time travels with each record from here on, whatever the steps make of its value.
    ///
    /// # Examples
    /// ```
    /// # use millstream_connectors::{Clickstream, Memory, Rate};
    /// # use millstream_engine::{App, EventTime, Value, VirtualClock, Watermarks, seconds};
    /// let memory = Memory::new();
    /// let sink = memory.clone();
    /// let start = EventTime::from_micros(0);
    /// App::new("doc").workers(1).clock(VirtualClock::starting_at(start)).run(move |flow| {
    ///     flow.source("views", Clickstream::new().rate(Rate::Max).events(100))
    ///         .event_time(|e| e.timestamp, Watermarks::bounded(seconds(5)))
    ///         .columns("happened", |e| e.timestamp)
    ///         .sink("memory", sink.clone())
    /// })?;
    /// assert_eq!(memory.rows()[0], [Value::Time(start)]);
    /// # Ok::<(), millstream_engine::Error>(())
    /// ```
    pub fn event_time(
        self,
        time_of: impl Fn(&S::Item) -> EventTime + 'static,
        watermarks: Watermarks,
    ) -> Stream<'f, S::Item> {
        self.timed(Box::new(move |value, _| time_of(value)), watermarks)
    }

    /// Says that a record happens when it is taken in, by the clock of the run.
    ///
    /// For records that have no time of their own, or where only their arrival counts. Each is timed by when the source
    /// handed it over; none is ever late or out of order, and none comes from the future. The watermark follows the clock
    /// also when nothing comes: a window closes by itself, within about a second of its end, and no partition holds others
    /// up. What a record's time is depends on the run: records that are read again after a crash are timed anew.
    ///
    /// # Examples
    /// ```
    /// # use millstream_connectors::{Clickstream, Memory, Rate};
    /// # use millstream_engine::{App, EventTime, Value, VirtualClock, seconds};
    /// # use millstream_operators::{Tumbling, Windows};
    /// let memory = Memory::new();
    /// let sink = memory.clone();
    /// let start = EventTime::from_micros(0);
    /// App::new("doc").workers(1).clock(VirtualClock::starting_at(start)).run(move |flow| {
    ///     flow.source("views", Clickstream::new().rate(Rate::Max).events(100))
    ///         .processing_time()
    ///         .window(Tumbling::of(seconds(10)))
    ///         .aggregate("traffic", |of| of.count("views"))
    ///         .closed()
    ///         .sink("memory", sink.clone())
    /// })?;
    /// let end = start.plus(seconds(10));
    /// assert_eq!(memory.rows(), [[Value::Time(start), Value::Time(end), Value::Int(100)]]);
    /// # Ok::<(), millstream_engine::Error>(())
    /// ```
    pub fn processing_time(self) -> Stream<'f, S::Item> {
        self.timed(Box::new(|_, taken_in| taken_in), Watermarks::by_clock())
    }

    fn timed(self, time_of: Box<TimeOf<S::Item>>, watermarks: Watermarks) -> Stream<'f, S::Item> {
        let Unclocked { flow, name, source } = self;
        let origin = flow.build.new_origin();
        let (batches, marks) = input(&flow, &name, &source, time_of, watermarks, origin);
        let marks = marks.concat(flow.pulse.clone());
        Stream {
            flow,
            batches,
            marks,
            origins: BTreeSet::from([origin]),
            reads: Rc::new(vec![name]),
        }
    }
}

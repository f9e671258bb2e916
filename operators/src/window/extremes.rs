//! What comes of looking for the records at the maximum or the minimum of windows.

use std::ops::Deref;

use millstream_engine::{Data, Stream};

/// The records at the maximum or the minimum, and those that came too late for their window. Everything a [`Stream`] can do,
/// it can do too.
pub struct Extremes<'f, T: 'static> {
    best: Stream<'f, T>,
    late: Stream<'f, T>,
}

impl<'f, T: Data> Extremes<'f, T> {
    pub(super) fn new(best: Stream<'f, T>, late: Stream<'f, T>) -> Self {
        Extremes { best, late }
    }

    /// The records whose window was final when they came; they are counted, and at no maximum or minimum.
    ///
    /// # Examples
    /// ```
    /// # use millstream_connectors::{Clickstream, Memory, Rate};
    /// # use millstream_engine::{App, Watermarks, seconds};
    /// # use millstream_operators::{Tumbling, Windows};
    /// let memory = Memory::new();
    /// let sink = memory.clone();
    /// let report = App::new("doc").workers(1).run(move |flow| {
    ///     flow.source("views", Clickstream::new().rate(Rate::Max).events(500_000))
    ///         .event_time(|e| e.timestamp, Watermarks::bounded(seconds(5)))
    ///         .window(Tumbling::of(seconds(10)))
    ///         .at_max("slowest", |e| e.data.duration_ms)
    ///         .late()
    ///         .columns("happened", |e| e.timestamp)
    ///         .sink("memory", sink.clone())
    /// })?;
    /// assert!(report.late > 0);
    /// assert_eq!(memory.rows().len() as u64, report.late);
    /// # Ok::<(), millstream_engine::Error>(())
    /// ```
    #[must_use]
    pub fn late(&self) -> Stream<'f, T> {
        self.late.clone()
    }
}

impl<'f, T> Deref for Extremes<'f, T> {
    type Target = Stream<'f, T>;
    fn deref(&self) -> &Stream<'f, T> {
        &self.best
    }
}

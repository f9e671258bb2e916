//! What comes of a join.

use std::ops::Deref;

use millstream_engine::{Data, Stream};

use crate::sided::Sided;

/// What a join emits, and the records that came too late for it. Everything a [`Stream`] can do, it can do too.
pub struct Joined<'f, O: 'static, L: 'static, R: 'static> {
    out: Stream<'f, O>,
    late: Stream<'f, Sided<L, R>>,
}

impl<'f, O, L: Data, R: Data> Joined<'f, O, L, R> {
    pub(crate) fn new(out: Stream<'f, O>, late: Stream<'f, Sided<L, R>>) -> Self {
        Joined { out, late }
    }

    /// The records of either side that came when nothing of theirs could be joined any more; they are counted.
    ///
    /// # Examples
    /// ```
    /// # use millstream_connectors::{Clickstream, Memory, Rate};
    /// # use millstream_engine::{App, Watermarks, seconds};
    /// # use millstream_operators::{Filter, KeyBy, Sided, Tumbling, Windows};
    /// let memory = Memory::new();
    /// let sink = memory.clone();
    /// let report = App::new("doc").workers(1).run(move |flow| {
    ///     let views = flow
    ///         .source("views", Clickstream::new().rate(Rate::Max).events(500_000))
    ///         .event_time(|e| e.timestamp, Watermarks::bounded(seconds(1)));
    ///     let from = |country| views.filter(move |e| e.data.country == country).key_by("url", |e| &e.data.url);
    ///     from("US")
    ///         .window(Tumbling::of(seconds(10)))
    ///         .semi_join("both", &from("DE"))
    ///         .late()
    ///         .columns("is_left", |record| matches!(record, Sided::Left(_)))
    ///         .sink("memory", sink.clone())
    /// })?;
    /// assert!(report.late > 0);
    /// assert_eq!(memory.rows().len() as u64, report.late);
    /// # Ok::<(), millstream_engine::Error>(())
    /// ```
    #[must_use]
    pub fn late(&self) -> Stream<'f, Sided<L, R>> {
        self.late.clone()
    }
}

impl<'f, O, L, R> Deref for Joined<'f, O, L, R> {
    type Target = Stream<'f, O>;
    fn deref(&self) -> &Stream<'f, O> {
        &self.out
    }
}

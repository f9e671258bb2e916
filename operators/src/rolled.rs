//! What comes of aggregating over the last rows.

use std::ops::Deref;

use millstream_engine::{Data, Stream};

/// Records with what they and those before them come to, and the records that came too late. Everything a [`Stream`] can do,
/// it can do too.
pub struct Rolled<'f, T: 'static, V: 'static> {
    out: Stream<'f, (T, V)>,
    late: Stream<'f, T>,
}

impl<'f, T: Data, V> Rolled<'f, T, V> {
    pub(crate) fn new(out: Stream<'f, (T, V)>, late: Stream<'f, T>) -> Self {
        Rolled { out, late }
    }

    /// The records that came behind their watermark; they are counted, and in no row.
    ///
    /// # Examples
    /// ```
    /// # use millstream_connectors::{Clickstream, Memory, Rate};
    /// # use millstream_engine::{App, Watermarks, seconds};
    /// # use millstream_operators::{KeyBy, Rolling};
    /// let memory = Memory::new();
    /// let sink = memory.clone();
    /// let report = App::new("doc").workers(1).run(move |flow| {
    ///     flow.source("views", Clickstream::new().rate(Rate::Max).events(100_000))
    ///         .event_time(|e| e.timestamp, Watermarks::bounded(seconds(1)))
    ///         .key_by("user", |e| &e.data.user_id)
    ///         .rolling("pace", 3, |e| e.event_id.clone(), |of| of.count("views"))
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

impl<'f, T, V> Deref for Rolled<'f, T, V> {
    type Target = Stream<'f, (T, V)>;
    fn deref(&self) -> &Stream<'f, (T, V)> {
        &self.out
    }
}

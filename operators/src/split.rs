//! `split`: those that, and those that not.

use millstream_engine::{Data, Stream};

use crate::filter::Filter;

/// Divides a stream in two.
pub trait Split<'f, T> {
    /// The values for which `belongs` is true, and those for which it is not; each goes to exactly one of the two.
    ///
    /// `belongs` is asked twice for each value and must answer the same. No state.
    ///
    /// # Examples
    /// ```
    /// # use millstream_connectors::{Clickstream, Memory, Rate};
    /// # use millstream_engine::{App, Watermarks, seconds};
    /// # use millstream_operators::Split;
    /// let memory = Memory::new();
    /// let sink = memory.clone();
    /// App::new("doc").workers(1).run(move |flow| {
    ///     let views = flow
    ///         .source("views", Clickstream::new().rate(Rate::Max).events(100))
    ///         .event_time(|e| e.timestamp, Watermarks::bounded(seconds(5)));
    ///     let (mobile, others) = views.split(|e| e.data.device == "mobile");
    ///     mobile.columns("device", |e| e.data.device.clone()).sink("mobile", sink.clone())?;
    ///     others.columns("device", |e| e.data.device.clone()).sink("others", sink.clone())
    /// })?;
    /// assert_eq!(memory.rows().len(), 100);
    /// # Ok::<(), millstream_engine::Error>(())
    /// ```
    #[track_caller]
    fn split(
        &self,
        belongs: impl Fn(&T) -> bool + Clone + 'static,
    ) -> (Stream<'f, T>, Stream<'f, T>);
}

impl<'f, T: Data> Split<'f, T> for Stream<'f, T> {
    #[track_caller]
    fn split(
        &self,
        belongs: impl Fn(&T) -> bool + Clone + 'static,
    ) -> (Stream<'f, T>, Stream<'f, T>) {
        let others = belongs.clone();
        (
            self.filter(move |value| belongs(value)),
            self.filter(move |value| !others(value)),
        )
    }
}

//! `filter`: only those that.

use std::panic::Location;
use std::rc::Rc;

use millstream_engine::raw::left;
use millstream_engine::{Data, Stream};

/// Keeps the values for which something is true.
pub trait Filter<'f, T> {
    /// A stream of the values for which `keep` is true, with their event times, in the same order.
    ///
    /// No state. A value is copied only if another step reads the same stream.
    ///
    /// # Examples
    /// ```
    /// # use millstream_connectors::{Clickstream, Memory, Rate};
    /// # use millstream_engine::{App, Value, Watermarks, seconds};
    /// # use millstream_operators::Filter;
    /// let memory = Memory::new();
    /// let sink = memory.clone();
    /// App::new("doc").workers(1).run(move |flow| {
    ///     let views = flow
    ///         .source("views", Clickstream::new().rate(Rate::Max).events(100))
    ///         .event_time(|e| e.timestamp, Watermarks::bounded(seconds(5)));
    ///     views
    ///         .filter(|e| e.data.device == "tablet")
    ///         .columns("device", |e| e.data.device.clone())
    ///         .sink("memory", sink.clone())
    /// })?;
    /// assert_eq!(memory.rows(), vec![vec![Value::Text("tablet".into())]; 3]);
    /// # Ok::<(), millstream_engine::Error>(())
    /// ```
    #[track_caller]
    #[must_use]
    fn filter(&self, keep: impl FnMut(&T) -> bool + 'static) -> Stream<'f, T>;
}

impl<'f, T: Data> Filter<'f, T> for Stream<'f, T> {
    #[track_caller]
    fn filter(&self, mut keep: impl FnMut(&T) -> bool + 'static) -> Stream<'f, T> {
        self.transform("filter", Location::caller(), move |batch| {
            left(match Rc::try_unwrap(batch) {
                Ok(mut records) => {
                    records.retain(|record| keep(&record.value));
                    records
                }
                Err(shared) => {
                    let kept = shared.iter().filter(|record| keep(&record.value));
                    kept.cloned().collect()
                }
            })
        })
    }
}

//! `inspect`: looks at each value as it passes.

use std::panic::Location;

use millstream_engine::{Data, Stream};

/// Looks at values.
pub trait Inspect<'f, T> {
    /// The same stream; `look` is called with each value, on the worker where it is.
    ///
    /// Counts as a place where something comes out of the pipeline. No state.
    ///
    /// # Examples
    /// ```
    /// # use std::sync::Arc;
    /// # use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
    /// # use millstream_connectors::{Clickstream, Rate};
    /// # use millstream_engine::{App, Watermarks, seconds};
    /// # use millstream_operators::Inspect;
    /// let seen = Arc::new(AtomicU64::new(0));
    /// let counter = Arc::clone(&seen);
    /// App::new("doc").workers(1).run(move |flow| {
    ///     let counter = Arc::clone(&counter);
    ///     flow.source("views", Clickstream::new().rate(Rate::Max).events(100))
    ///         .event_time(|e| e.timestamp, Watermarks::bounded(seconds(5)))
    ///         .inspect(move |_| drop(counter.fetch_add(1, Relaxed)));
    ///     Ok(())
    /// })?;
    /// assert_eq!(seen.load(Relaxed), 100);
    /// # Ok::<(), millstream_engine::Error>(())
    /// ```
    #[track_caller]
    fn inspect(&self, look: impl FnMut(&T) + 'static) -> Stream<'f, T>;
}

impl<'f, T: Data> Inspect<'f, T> for Stream<'f, T> {
    #[track_caller]
    fn inspect(&self, mut look: impl FnMut(&T) + 'static) -> Stream<'f, T> {
        let seen = self.transform("inspect", Location::caller(), move |batch| {
            batch.iter().for_each(|record| look(&record.value));
            batch
        });
        seen.comes_out();
        seen
    }
}

//! `branch`: one stream into two of different kinds.

use std::panic::Location;

use millstream_engine::{Data, Stream};

use crate::sided::Sided;

/// Branches a stream.
pub trait Branch<'f, T> {
    /// Two streams: what `side` puts to the left and to the right; what it gives `None` for is dropped.
    ///
    /// Each record is moved to its side; it is cheapest where most go to the right. Two steps that take from one stream each what they want, as
    /// [`filter_map`](crate::FilterMap::filter_map) does, would have to share its records, and copy what they take.
    ///
    /// # Examples
    /// ```
    /// # use millstream_connectors::{Clickstream, Memory, Rate};
    /// # use millstream_engine::{App, Watermarks, seconds};
    /// # use millstream_operators::{Branch, Sided};
    /// let (urls, devices) = (Memory::new(), Memory::new());
    /// let (first, second) = (urls.clone(), devices.clone());
    /// App::new("doc").workers(1).run(move |flow| {
    ///     let (urls, devices) = flow
    ///         .source("views", Clickstream::new().rate(Rate::Max).events(1_000))
    ///         .event_time(|e| e.timestamp, Watermarks::bounded(seconds(5)))
    ///         .branch(|e| match e.data.duration_ms {
    ///             0..30_000 => Some(Sided::Left(e.data.url)),
    ///             30_000..60_000 => Some(Sided::Right(e.data.device)),
    ///             _ => None,
    ///         });
    ///     urls.columns("url", |url| url.clone()).sink("urls", first.clone())?;
    ///     devices.columns("device", |device| device.clone()).sink("devices", second.clone())
    /// })?;
    /// assert!((1..1_000).contains(&(urls.rows().len() + devices.rows().len())));
    /// # Ok::<(), millstream_engine::Error>(())
    /// ```
    #[track_caller]
    #[must_use]
    fn branch<L: Data, R: Data>(
        &self,
        side: impl FnMut(T) -> Option<Sided<L, R>> + 'static,
    ) -> (Stream<'f, L>, Stream<'f, R>);
}

impl<'f, T: Data> Branch<'f, T> for Stream<'f, T> {
    fn branch<L: Data, R: Data>(
        &self,
        mut side: impl FnMut(T) -> Option<Sided<L, R>> + 'static,
    ) -> (Stream<'f, L>, Stream<'f, R>) {
        self.branched("branch", Location::caller(), move |record, left| {
            let (value, times) = record.parted();
            match side(value)? {
                Sided::Right(value) => Some(times.with(value)),
                Sided::Left(value) => {
                    left.push(times.with(value));
                    None
                }
            }
        })
    }
}

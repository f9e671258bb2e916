//! `during`: records of one stream that are open for some time, joined with what happens to them meanwhile.
//!
//! ```text
//!  left:    auction 7 ├───────────────────────┤         open from its start to its end
//!  right:        bid    bid  bid        bid    bid      each meets the auction of its key that is open at its time
//!  close:                                     ▲         the watermark has passed the end and the lateness
//! ```
//!
//! An auction and its bids, a delivery and the places it was seen at, a session and its clicks: the left record says for how
//! long it is open, and a record of the right meets it if it has the same key and happened in that time, in whatever order
//! the two are read. What is kept is what is open, and of the right only what a left record may still come for.
//!
//! *Late* is a left record that comes when its interval is closed already, and a right one that met nothing and came so far
//! behind its watermark that nothing could be expected for it.
//!
//! *Invariants*: whether two records meet depends on the two alone: on their times, and on the watermarks that they came
//! behind. So it does not matter which is read first, nor on how many workers.

mod close;
mod intervals;
mod life;
mod logic;
mod meet;
mod meeting;
mod rules;

use std::rc::Rc;

use millstream_engine::{Data, KeyOf, KeyedStream, Window};

pub use intervals::Intervals;
pub(crate) use intervals::hashed;
pub(crate) use life::pair;
use rules::Rules;

/// Says for how long the records of a stream are open.
pub trait During<'f, T: Data, K: KeyOf<T>> {
    /// Opens each record for the interval that `interval` gives: from its start, which belongs to it, to its end, which does
    /// not.
    ///
    /// An interval begins at the event time of its record or after; one that may begin before needs
    /// [`reaching_back`](Intervals::reaching_back). It does nothing until it is joined.
    ///
    /// # Examples
    /// ```
    /// # use millstream_connectors::{Clickstream, Memory, Rate};
    /// # use millstream_engine::{App, Watermarks, Window, minutes, seconds};
    /// # use millstream_operators::{During, KeyBy};
    /// let memory = Memory::new();
    /// let sink = memory.clone();
    /// App::new("doc").workers(1).run(move |flow| {
    ///     let views = flow
    ///         .source("views", Clickstream::new().rate(Rate::Max).events(1_000))
    ///         .event_time(|e| e.timestamp, Watermarks::bounded(seconds(5)));
    ///     let by_user = views.key_by("user", |e| &e.data.user_id);
    ///     by_user
    ///         .during(|e| Window { start: e.timestamp, end: e.timestamp.plus(minutes(10)) })
    ///         .join("views_after_views", &by_user, |first, then| (first.data.url.clone(), then.data.url.clone()))
    ///         .columns(("from", "to"), |urls| urls.clone())
    ///         .sink("memory", sink.clone())
    /// })?;
    /// assert!(memory.rows().len() >= 1_000); // every view happens during itself
    /// # Ok::<(), millstream_engine::Error>(())
    /// ```
    fn during<F>(&self, interval: F) -> Intervals<'f, T, K, F>
    where
        F: Fn(&T) -> Window + 'static;
}

impl<'f, T: Data, K: KeyOf<T>> During<'f, T, K> for KeyedStream<'f, T, K> {
    fn during<F>(&self, interval: F) -> Intervals<'f, T, K, F>
    where
        F: Fn(&T) -> Window + 'static,
    {
        Intervals {
            left: self.stream().clone(),
            key: self.key(),
            interval: Rc::new(interval),
            rules: Rules::default(),
        }
    }
}

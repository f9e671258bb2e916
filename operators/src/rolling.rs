//! `rolling`: for each record, what it and the few before it of its key come to.
//!
//! ```text
//!  of a key, in order of event time:   a  b  c  d  e          the last three rows:
//!                                      └──┴──┘                c ─▶ of a, b, c
//!                                         └──┴──┘             d ─▶ of b, c, d
//! ```
//!
//! The order is that of event time, so a record has its turn when the watermark has passed its time: then none can come
//! that belongs before it. What comes out is in that order, each record once, and is never taken back.
//!
//! *Invariants*: the rows before a record do not depend on how records were read. Source: SQL's `OVER (PARTITION BY … ORDER
//! BY … ROWS BETWEEN n PRECEDING AND CURRENT ROW)`.

mod logic;

use std::panic::Location;
use std::time::Duration;

use millstream_engine::raw::{Hashed, StepAsked};
use millstream_engine::{Data, KeyOf, KeyedStream};

use crate::aggregate::{Aggregate, Of};
use crate::rolled::Rolled;
use logic::Rolling as Step;

/// Aggregates over the last rows of each key.
pub trait Rolling<'f, T: Data, K: KeyOf<T>> {
    /// Each record with what it and those before it of its key come to, `n` rows together at most, as step `name`.
    ///
    /// Rows are in the order of event time, and those of one time in that of `order`; records that are equal in that too are
    /// told apart by their bytes. A record comes when the watermark has passed its event time, which it keeps; one that comes
    /// behind its watermark is late. Aggregates are folded anew for each record, over `n` rows. State: `n − 1` records for every
    /// key there ever was, and those whose time has not come.
    ///
    /// # Panics
    /// If `n` is 0.
    ///
    /// # Examples
    /// How long each view took, and the mean of the last three of its user:
    /// ```
    /// # use millstream_connectors::{Clickstream, Memory, Rate};
    /// # use millstream_engine::{App, Watermarks, minutes};
    /// # use millstream_operators::{KeyBy, Rolling};
    /// let memory = Memory::new();
    /// let sink = memory.clone();
    /// App::new("doc").workers(1).run(move |flow| {
    ///     flow.source("views", Clickstream::new().rate(Rate::Max).events(1_000))
    ///         .event_time(|e| e.timestamp, Watermarks::bounded(minutes(5)))
    ///         .key_by("user", |e| &e.data.user_id)
    ///         .rolling("pace", 3, |e| e.event_id.clone(), |of| of.mean("mean_ms", |e| e.data.duration_ms))
    ///         .columns(("user", "ms", "mean_ms"), |(e, mean)| (e.data.user_id.clone(), e.data.duration_ms, *mean))
    ///         .sink("memory", sink.clone())
    /// })?;
    /// assert_eq!(memory.rows().len(), 1_000);
    /// # Ok::<(), millstream_engine::Error>(())
    /// ```
    #[track_caller]
    fn rolling<O: Ord + 'static, A: Aggregate<T>>(
        &self,
        name: &str,
        n: usize,
        order: impl Fn(&T) -> O + 'static,
        aggregates: impl FnOnce(&Of<T>) -> A,
    ) -> Rolled<'f, T, A::Output>;
}

impl<'f, T: Data, K: KeyOf<T>> Rolling<'f, T, K> for KeyedStream<'f, T, K> {
    fn rolling<O: Ord + 'static, A: Aggregate<T>>(
        &self,
        name: &str,
        n: usize,
        order: impl Fn(&T) -> O + 'static,
        aggregates: impl FnOnce(&Of<T>) -> A,
    ) -> Rolled<'f, T, A::Output> {
        assert!(n > 0, "the last 0 rows are none");
        let location = Location::caller();
        let asked = StepAsked {
            kind: "rolling",
            name: name.into(),
            location,
            made_by: format!("rolling({n})"),
            closes: None,
            behind: Some(Duration::ZERO),
        };
        let (key, of_record) = (self.key(), self.key());
        let aggregate = aggregates(&Of::new());
        let routed = self.stream().routed("rolling", location, move |record| {
            let hash = of_record.hash(&record.value);
            Hashed { hash, record }
        });
        let (out, late) = routed.step(asked, move |snapshots| {
            Step::new(key, n - 1, order, aggregate, snapshots)
        });
        Rolled::new(out, late)
    }
}

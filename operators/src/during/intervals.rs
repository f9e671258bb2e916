//! Intervals: what is open, and how it is joined.

use std::panic::Location;
use std::rc::Rc;
use std::time::Duration;

use millstream_engine::raw::{Hashed, StepAsked};
use millstream_engine::{Data, KeyOf, KeyedStream, Record, Stream, Window};

use super::logic::Joining;
use super::meeting::{First, Folded, Meeting, Pairs};
use super::rules::Rules;
use crate::aggregate::{Aggregate, Of};
use crate::joined::Joined;
use crate::sided::{KeyOfSide, Sided};

/// A stream whose records are open for some time each; made by [`during`](super::During::during).
#[must_use = "intervals do nothing until they are joined"]
pub struct Intervals<'f, T: 'static, K, F> {
    pub(super) left: Stream<'f, T>,
    pub(super) key: Rc<K>,
    pub(super) interval: Rc<F>,
    pub(super) rules: Rules,
}

impl<'f, T, K, F> Intervals<'f, T, K, F>
where
    T: Data,
    K: KeyOf<T>,
    F: Fn(&T) -> Window + 'static,
{
    /// Keeps intervals open for `lateness` of event time after their end, so that stragglers meet them (default none).
    pub fn lateness(mut self, lateness: Duration) -> Self {
        self.rules.lateness = lateness;
        self
    }

    /// Intervals may begin so long before the event time of their record (default not at all): records of the other stream
    /// are kept for so long. An interval that begins earlier is cut off there.
    pub fn reaching_back(mut self, back: Duration) -> Self {
        self.rules.back = back;
        self
    }

    /// A key has one interval at a time, as an auction has: what has met it need not be kept for another. One that comes
    /// while another of its key is open is refused as if it were late; which of the two comes first must not matter.
    pub fn one_at_a_time(mut self) -> Self {
        self.rules.unique = true;
        self
    }

    /// What `pair` makes of each two records that meet, at once, as step `name`.
    ///
    /// A pair has the event time of the later of the two. State: the left records that are open, and those of the right for
    /// which a left one may still come.
    ///
    /// # Examples
    /// See [`during`](super::During::during).
    #[track_caller]
    pub fn join<R, KR, O>(
        &self,
        name: &str,
        right: &KeyedStream<'f, R, KR>,
        pair: impl Fn(&T, &R) -> O + 'static,
    ) -> Joined<'f, O, T, R>
    where
        R: Data,
        KR: KeyOf<R, Key = K::Key>,
        O: Data,
    {
        let asked = self.asked("pairs", name, Location::caller(), None);
        self.step(asked, right, Pairs(pair))
    }

    /// Each left record with the first, by `order`, of those that met it, when it is closed, as step `name`; those that
    /// nothing met are passed over.
    ///
    /// For the greatest price, `Reverse(price)` as order; records that are equal in it are told apart by their bytes. A pair
    /// has the event time of the later of the two, which may lie long back when the interval closes: the watermark of what
    /// comes out waits for the oldest that is open. State: the left records that are open, each with one record.
    ///
    /// # Examples
    /// The longest view in the ten minutes after each order, by the same user:
    /// ```
    /// # use std::cmp::Reverse;
    /// # use millstream_connectors::{Clickstream, Memory, Rate};
    /// # use millstream_engine::{App, Watermarks, Window, minutes, seconds};
    /// # use millstream_operators::{During, Filter, KeyBy};
    /// let memory = Memory::new();
    /// let sink = memory.clone();
    /// App::new("doc").workers(1).run(move |flow| {
    ///     let views = flow
    ///         .source("views", Clickstream::new().rate(Rate::Max).events(10_000))
    ///         .event_time(|e| e.timestamp, Watermarks::bounded(seconds(5)));
    ///     let orders = views.filter(|e| e.data.url == "/checkout");
    ///     orders
    ///         .key_by("user", |e| &e.data.user_id)
    ///         .during(|e| Window { start: e.timestamp, end: e.timestamp.plus(minutes(10)) })
    ///         .join_first("longest", &views.key_by("user", |e| &e.data.user_id), |e| Reverse(e.data.duration_ms))
    ///         .columns(("user", "url"), |(order, view)| (order.data.user_id.clone(), view.data.url.clone()))
    ///         .sink("memory", sink.clone())
    /// })?;
    /// assert_eq!(memory.columns()[1].name, "url");
    /// # Ok::<(), millstream_engine::Error>(())
    /// ```
    #[track_caller]
    pub fn join_first<R, KR, O>(
        &self,
        name: &str,
        right: &KeyedStream<'f, R, KR>,
        order: impl Fn(&R) -> O + 'static,
    ) -> Joined<'f, (T, R), T, R>
    where
        R: Data,
        KR: KeyOf<R, Key = K::Key>,
        O: Ord + 'static,
    {
        // One that came behind its watermark may have met what happened so long before that.
        let behind = Some(self.rules.lateness + self.rules.back);
        let asked = self.asked("first", name, Location::caller(), behind);
        self.step(asked, right, First(order))
    }

    /// Each left record with what those that met it come to, when it is closed, as step `name`; those that nothing met are
    /// passed over.
    ///
    /// The event time is the last microsecond of the interval. State: the left records that are open, each with one of each
    /// aggregate.
    ///
    /// # Examples
    /// How many views follow each within a minute:
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
    ///         .during(|e| Window { start: e.timestamp, end: e.timestamp.plus(minutes(1)) })
    ///         .aggregate("then", &by_user, |of| of.count("views"))
    ///         .columns(("user", "views"), |(view, views)| (view.data.user_id.clone(), *views))
    ///         .sink("memory", sink.clone())
    /// })?;
    /// assert_eq!(memory.rows().len(), 1_000);
    /// # Ok::<(), millstream_engine::Error>(())
    /// ```
    #[track_caller]
    pub fn aggregate<R, KR, A>(
        &self,
        name: &str,
        right: &KeyedStream<'f, R, KR>,
        aggregates: impl FnOnce(&Of<R>) -> A,
    ) -> Joined<'f, (T, A::Output), T, R>
    where
        R: Data,
        KR: KeyOf<R, Key = K::Key>,
        A: Aggregate<R>,
    {
        let aggregate = aggregates(&Of::new());
        let made_by = format!("aggregate: {}", aggregate.kind());
        // An interval closes so long after its end, and may have ended before its record came.
        let behind = Some(self.rules.lateness.max(self.rules.back));
        let asked = self.asked(&made_by, name, Location::caller(), behind);
        self.step(asked, right, Folded(Rc::new(aggregate)))
    }

    fn asked(
        &self,
        made_by: &str,
        name: &str,
        location: &'static Location<'static>,
        behind: Option<Duration>,
    ) -> StepAsked {
        let lateness = self.rules.lateness.as_secs_f64();
        StepAsked {
            kind: "join",
            name: name.into(),
            location,
            made_by: format!("during: {made_by}"),
            closes: Some(format!("its end and {lateness} s of lateness")),
            behind,
        }
    }

    fn step<R, KR, M>(
        &self,
        asked: StepAsked,
        right: &KeyedStream<'f, R, KR>,
        meeting: M,
    ) -> Joined<'f, M::Out, T, R>
    where
        R: Data,
        KR: KeyOf<R, Key = K::Key>,
        M: Meeting<T, R>,
    {
        let (location, rules) = (asked.location, self.rules);
        let key = KeyOfSide {
            left: Rc::clone(&self.key),
            right: right.key(),
        };
        let (of_left, of_right) = (Rc::clone(&key.left), Rc::clone(&key.right));
        let left = self.left.routed("during", location, move |record| {
            hashed(of_left.hash(&record.value), record, Sided::Left)
        });
        let right = right.stream().routed("during", location, move |record| {
            hashed(of_right.hash(&record.value), record, Sided::Right)
        });
        let interval = Rc::clone(&self.interval);
        let (out, late) = left.and(right).step(asked, move |snapshots| {
            Joining::new(key, interval, rules, meeting, snapshots)
        });
        Joined::new(out, late)
    }
}

/// A record on its way, as one of its side.
pub(crate) fn hashed<T, X>(hash: u64, record: Record<T>, side: impl Fn(T) -> X) -> Hashed<X> {
    let (value, times) = record.parted();
    Hashed {
        hash,
        record: times.with(side(value)),
    }
}

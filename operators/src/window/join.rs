//! `join`, `semi_join` and `anti_join` in windows: records of two streams that have a key and a window in common.
//!
//! ```text
//!  left  ─▶ Left(…)  ─┐
//!                     ├─▶ windows, by key ─▶ both sides of a key in a window ─▶ when that is final: what they come to
//!  right ─▶ Right(…) ─┘
//! ```
//!
//! The two sides of a key in a window are an aggregate like any other: what came of the left, what came of the right. So
//! windows of any kind can be joined, within their lateness, over any number of workers, and what is kept is gone with the
//! window. A snapshot writes what was added since the one before.

mod sides;

use std::panic::Location;
use std::rc::Rc;

use millstream_engine::{Data, KeyOf, KeyedStream};

use super::{WindowKind, WindowedStream};
use crate::aggregate::Aggregate;
use crate::flat_map::FlatMap;
use crate::joined::Joined;
use crate::kept::Kept;
use crate::map::Map;
use crate::sided::{KeyOfSide, Sided};
use sides::{Pairs, Those};

impl<'f, T: Data, K: KeyOf<T>, W: WindowKind<T>> WindowedStream<'f, T, K, W> {
    /// What `pair` makes of each two records of the two streams that have a key and a window in common, as step `name`.
    ///
    /// Pairs come when their window is final, in no order, with the last microsecond of the window as event time, so that
    /// windows can follow. State: a copy of each record of either side in every window that is not yet final; a window gives
    /// as many pairs of a key as the product of the two.
    ///
    /// # Examples
    /// ```
    /// # use millstream_connectors::{Clickstream, Memory, Rate};
    /// # use millstream_engine::{App, Value, Watermarks, minutes, seconds};
    /// # use millstream_operators::{Filter, KeyBy, Tumbling, Windows};
    /// let memory = Memory::new();
    /// let sink = memory.clone();
    /// App::new("doc").workers(1).run(move |flow| {
    ///     let views = flow
    ///         .source("views", Clickstream::new().rate(Rate::Max).events(1_000))
    ///         .event_time(|e| e.timestamp, Watermarks::bounded(seconds(5)));
    ///     let on = |device| views.filter(move |e| e.data.device == device).key_by("user", |e| &e.data.user_id);
    ///     on("mobile")
    ///         .window(Tumbling::of(minutes(10)))
    ///         .join("both_devices", &on("tablet"), |mobile, tablet| (mobile.data.url.clone(), tablet.data.url.clone()))
    ///         .columns(("on_mobile", "on_tablet"), |urls| urls.clone())
    ///         .sink("memory", sink.clone())
    /// })?;
    /// assert_eq!(memory.columns().len(), 2);
    /// # Ok::<(), millstream_engine::Error>(())
    /// ```
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
        W: WindowKind<Sided<T, R>>,
    {
        self.joined(name, Location::caller(), right, Pairs { pair })
    }

    /// The records of this stream whose key has a record of the other stream in the same window, as step `name`: each once.
    ///
    /// They come as those of [`join`](Self::join) do. State: a copy of each record of this stream, and of the other that there
    /// was one, for every key in every window that is not yet final.
    ///
    /// # Examples
    /// ```
    /// # use millstream_connectors::{Clickstream, Memory, Rate};
    /// # use millstream_engine::{App, Value, Watermarks, minutes, seconds};
    /// # use millstream_operators::{Filter, KeyBy, Tumbling, Windows};
    /// let memory = Memory::new();
    /// let sink = memory.clone();
    /// App::new("doc").workers(1).run(move |flow| {
    ///     let views = flow
    ///         .source("views", Clickstream::new().rate(Rate::Max).events(1_000))
    ///         .event_time(|e| e.timestamp, Watermarks::bounded(seconds(5)));
    ///     let by_user = views.key_by("user", |e| &e.data.user_id);
    ///     by_user
    ///         .window(Tumbling::of(minutes(10)))
    ///         .semi_join("all", &by_user) // everyone meets themselves
    ///         .columns("user", |e| e.data.user_id.clone())
    ///         .sink("memory", sink.clone())
    /// })?;
    /// assert_eq!(memory.rows().len(), 1_000);
    /// # Ok::<(), millstream_engine::Error>(())
    /// ```
    #[track_caller]
    pub fn semi_join<R, KR>(
        &self,
        name: &str,
        right: &KeyedStream<'f, R, KR>,
    ) -> Joined<'f, T, T, R>
    where
        R: Data,
        KR: KeyOf<R, Key = K::Key>,
        W: WindowKind<Sided<T, R>>,
    {
        let those = Those { with_partner: true };
        self.joined(name, Location::caller(), right, those)
    }

    /// The records of this stream whose key has no record of the other stream in the same window, as step `name`.
    ///
    /// As [`semi_join`](Self::semi_join), of which these are the others.
    ///
    /// # Examples
    /// ```
    /// # use millstream_connectors::{Clickstream, Memory, Rate};
    /// # use millstream_engine::{App, Value, Watermarks, minutes, seconds};
    /// # use millstream_operators::{Filter, KeyBy, Tumbling, Windows};
    /// let memory = Memory::new();
    /// let sink = memory.clone();
    /// App::new("doc").workers(1).run(move |flow| {
    ///     let views = flow
    ///         .source("views", Clickstream::new().rate(Rate::Max).events(1_000))
    ///         .event_time(|e| e.timestamp, Watermarks::bounded(seconds(5)));
    ///     let none = views.filter(|_| false);
    ///     views
    ///         .key_by("user", |e| &e.data.user_id)
    ///         .window(Tumbling::of(minutes(10)))
    ///         .anti_join("alone", &none.key_by("user", |e| &e.data.user_id))
    ///         .columns("user", |e| e.data.user_id.clone())
    ///         .sink("memory", sink.clone())
    /// })?;
    /// assert_eq!(memory.rows().len(), 1_000);
    /// # Ok::<(), millstream_engine::Error>(())
    /// ```
    #[track_caller]
    pub fn anti_join<R, KR>(
        &self,
        name: &str,
        right: &KeyedStream<'f, R, KR>,
    ) -> Joined<'f, T, T, R>
    where
        R: Data,
        KR: KeyOf<R, Key = K::Key>,
        W: WindowKind<Sided<T, R>>,
    {
        let those = Those {
            with_partner: false,
        };
        self.joined(name, Location::caller(), right, those)
    }

    /// Gathers both sides, and has `aggregate` say what they come to.
    fn joined<R, KR, O, A>(
        &self,
        name: &str,
        location: &'static Location<'static>,
        right: &KeyedStream<'f, R, KR>,
        aggregate: A,
    ) -> Joined<'f, O, T, R>
    where
        R: Data,
        KR: KeyOf<R, Key = K::Key>,
        O: Data,
        W: WindowKind<Sided<T, R>>,
        A: Aggregate<Sided<T, R>, Output = Kept<Vec<O>>>,
    {
        let left = self.stream.map(Sided::Left);
        let both = WindowedStream {
            stream: left.merge(&right.stream().map(Sided::Right)),
            names: self.names.clone(),
            key: Rc::new(KeyOfSide {
                left: Rc::clone(&self.key),
                right: right.key(),
            }),
            window: self.window.clone(),
        };
        let rows = both.aggregated(name, location, aggregate);
        Joined::new(rows.closed().flat_map(|row| row.values.0), rows.late())
    }
}

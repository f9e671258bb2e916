//! `keep_first` and `keep_last`: of all records of a key the one that comes first, or last, in an order.
//!
//! Which that is must not depend on which was read first. So the order is said; and of two records that are equal in it the
//! one stays whose bytes, as they are written down, are the lesser for the first and the greater for the last.

use std::cmp::Ordering;
use std::marker::PhantomData;
use std::panic::Location;

use millstream_engine::raw::content_bytes;
use millstream_engine::{Data, KeyOf, KeyedStream, Table};

use crate::aggregate::Aggregate;
use crate::aggregating::always;
use crate::in_order::compare;
use crate::kept::Kept;

/// Keeps one record of each key.
pub trait Keep<'f, T: Data, K: KeyOf<T>> {
    /// Keeps of each key the record that is the first by `order`, as step `name`: a table with a row a key.
    ///
    /// `order` may give any ordered data: an [`EventTime`](millstream_engine::EventTime), an integer, a tuple. A row changes
    /// when a record comes that is before the one kept. State: a record for every key there ever was.
    ///
    /// # Examples
    /// The first page that each user saw:
    /// ```
    /// # use millstream_connectors::{Clickstream, Memory, Rate};
    /// # use millstream_engine::{App, Watermarks, seconds};
    /// # use millstream_operators::{Keep, KeyBy};
    /// let memory = Memory::new();
    /// let sink = memory.clone();
    /// App::new("doc").workers(1).run(move |flow| {
    ///     flow.source("views", Clickstream::new().rate(Rate::Max).events(1_000))
    ///         .event_time(|e| e.timestamp, Watermarks::bounded(seconds(5)))
    ///         .key_by("user", |e| &e.data.user_id)
    ///         .keep_first("landing", |e| e.timestamp)
    ///         .map_values("url", |e| e.data.url.clone())
    ///         .closed()
    ///         .sink("memory", sink.clone())
    /// })?;
    /// let names: Vec<_> = memory.columns().iter().map(|column| column.name.clone()).collect();
    /// assert_eq!(names, ["user", "url"]);
    /// # Ok::<(), millstream_engine::Error>(())
    /// ```
    #[track_caller]
    fn keep_first<O: Ord + 'static>(
        &self,
        name: &str,
        order: impl Fn(&T) -> O + 'static,
    ) -> Table<'f, K::Key, Kept<T>>;

    /// Keeps of each key the record that is the last by `order`, as step `name`: a table with a row a key.
    ///
    /// As [`keep_first`](Self::keep_first), from the other end: with the event time as order, the latest state of each key.
    ///
    /// # Examples
    /// ```
    /// # use millstream_connectors::Memory;
    /// # use millstream_engine::testing::{Act, Script};
    /// # use millstream_engine::{App, EventTime, Value, Watermarks, seconds};
    /// # use millstream_operators::{Keep, KeyBy};
    /// let memory = Memory::new();
    /// let sink = memory.clone();
    /// let prices = [(1, 20), (3, 10), (2, 30)]; // the second is the latest, though not the last to come
    /// let script = Script::new(vec![prices.map(|(at, price)| Act::Emit(EventTime::from_millis(at), price)).to_vec()]);
    /// App::new("doc").workers(1).run(move |flow| {
    ///     flow.source("prices", script.clone())
    ///         .event_time(|(time, _)| *time, Watermarks::bounded(seconds(5)))
    ///         .key_with((), |_| ())
    ///         .keep_last("price", |(time, _)| *time)
    ///         .map_values("price", |latest| latest.1)
    ///         .closed()
    ///         .sink("memory", sink.clone())
    /// })?;
    /// assert_eq!(memory.rows(), [[Value::Int(10)]]);
    /// # Ok::<(), millstream_engine::Error>(())
    /// ```
    #[track_caller]
    fn keep_last<O: Ord + 'static>(
        &self,
        name: &str,
        order: impl Fn(&T) -> O + 'static,
    ) -> Table<'f, K::Key, Kept<T>>;
}

impl<'f, T: Data, K: KeyOf<T>> Keep<'f, T, K> for KeyedStream<'f, T, K> {
    fn keep_first<O: Ord + 'static>(
        &self,
        name: &str,
        order: impl Fn(&T) -> O + 'static,
    ) -> Table<'f, K::Key, Kept<T>> {
        let keeper = Foremost::new(order, Ordering::Less);
        always(self, name, Location::caller(), keeper)
    }

    fn keep_last<O: Ord + 'static>(
        &self,
        name: &str,
        order: impl Fn(&T) -> O + 'static,
    ) -> Table<'f, K::Key, Kept<T>> {
        let keeper = Foremost::new(order, Ordering::Greater);
        always(self, name, Location::caller(), keeper)
    }
}

/// Keeps the record at one end of an order.
struct Foremost<O, F> {
    order: F,
    /// A record takes the place of the one kept where it compares so to it.
    replaces: Ordering,
    given: PhantomData<fn() -> O>,
}

impl<O, F> Foremost<O, F> {
    fn new(order: F, replaces: Ordering) -> Self {
        Foremost {
            order,
            replaces,
            given: PhantomData,
        }
    }

    fn is_replaced<T: Data>(&self, kept: &Option<T>, by: &T) -> bool
    where
        O: Ord,
        F: Fn(&T) -> O,
    {
        kept.as_ref()
            .is_none_or(|kept| compare(&self.order, by, kept) == self.replaces)
    }
}

impl<T, O, F> Aggregate<T> for Foremost<O, F>
where
    T: Data,
    O: Ord + 'static,
    F: Fn(&T) -> O + 'static,
{
    type State = Option<T>;
    type Output = Kept<T>;

    fn names(&self) -> Vec<String> {
        Vec::new()
    }

    fn add(&self, state: &mut Option<T>, record: &T) {
        if self.is_replaced(state, record) {
            *state = Some(record.clone());
        }
    }

    fn take(&self, state: &mut Option<T>, record: T) {
        if self.is_replaced(state, &record) {
            *state = Some(record);
        }
    }

    fn keeps_records(&self) -> bool {
        true
    }

    fn merge(&self, state: &mut Option<T>, other: Option<T>) {
        if let Some(record) = other {
            self.take(state, record);
        }
    }

    fn output(&self, state: &Option<T>) -> Kept<T> {
        let record = state.as_ref();
        Kept(
            record
                .expect("a state is read only after a record was folded into it")
                .clone(),
        )
    }

    fn heap_bytes(&self, state: &Option<T>) -> usize {
        content_bytes(state)
    }

    fn kind(&self) -> String {
        match self.replaces {
            Ordering::Less => "keep_first".into(),
            _ => "keep_last".into(),
        }
    }
}

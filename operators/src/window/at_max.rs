//! `at_max` and `at_min`: the records of a window that have the greatest, or the least, of a value.
//!
//! Such records are an aggregate like any other: the best value so far and the records that have it. So they are combined
//! ahead of an exchange, kept in snapshots and corrected within the lateness as all aggregates are, in windows of any kind.
//! They fill no columns; when the window is final they leave as the records they are.

use std::cmp::Ordering;
use std::marker::PhantomData;
use std::mem::size_of;
use std::panic::Location;

use millstream_engine::{Data, KeyOf};
use serde::{Deserialize, Serialize};

use super::{Extremes, WindowKind, WindowedStream};
use crate::aggregate::Aggregate;
use crate::flat_map::FlatMap;
use crate::kept::Kept;

impl<'f, T: Data, K: KeyOf<T>, W: WindowKind<T>> WindowedStream<'f, T, K, W> {
    /// The records with the greatest `value` of each key in each window, as step `name`; where several have it, all of them.
    ///
    /// They come when their window is final, in no order, with the last microsecond of the window as event time, so that
    /// windows can follow. `value` may be any ordered data: an integer, an [`EventTime`](millstream_engine::EventTime), a
    /// tuple of such. Of `Option`s, `None` is the least; [`at_max_some`](Self::at_max_some) skips it. A
    /// float has no order of this kind: give that its [`rank`](crate::Ranked::rank), which is `None` for `NaN`. State: the greatest value and a copy of each record that
    /// has it, for every key in every window that is not yet final.
    ///
    /// # Examples
    /// The busiest URL of each second:
    /// ```
    /// # use millstream_connectors::{Clickstream, Memory, Rate};
    /// # use millstream_engine::{App, EventTime, Value, VirtualClock, Watermarks, seconds};
    /// # use millstream_operators::{InTheirWindows, KeyBy, Tumbling, Windows};
    /// let memory = Memory::new();
    /// let sink = memory.clone();
    /// let clock = VirtualClock::starting_at(EventTime::from_micros(0)); // 5,000 views a second from here on
    /// App::new("doc").workers(1).clock(clock).run(move |flow| {
    ///     flow.source("views", Clickstream::new().rate(Rate::Max).events(15_000))
    ///         .event_time(|e| e.timestamp, Watermarks::bounded(seconds(5)))
    ///         .key_by("url", |e| &e.data.url)
    ///         .window(Tumbling::of(seconds(1)))
    ///         .aggregate("per_url", |of| of.count("views"))
    ///         .closed()
    ///         .in_their_windows()
    ///         .at_max("busiest", |row| row.values)
    ///         .columns(("url", "views"), |row| (row.key.clone(), row.values))
    ///         .sink("memory", sink.clone())
    /// })?;
    /// assert_eq!(memory.rows().len(), 3);
    /// assert!(memory.rows().iter().all(|row| row[0] == Value::Text("/".into())));
    /// # Ok::<(), millstream_engine::Error>(())
    /// ```
    #[track_caller]
    #[must_use]
    pub fn at_max<V: Ord + Data>(
        &self,
        name: &str,
        value: impl Fn(&T) -> V + 'static,
    ) -> Extremes<'f, T> {
        let value = move |record: &T| Some(value(record));
        self.at_extreme(name, Location::caller(), (Ordering::Greater, false), value)
    }

    /// As [`at_max`](Self::at_max), but records of which `value` gives `None` are skipped: as `max` skips them.
    ///
    /// That is for floats, by their [`rank`](crate::Ranked::rank): `at_max_some("dearest", |bid| bid.price.rank())`. In a
    /// window in which every record was skipped there is none at the maximum.
    #[track_caller]
    #[must_use]
    pub fn at_max_some<V: Ord + Data>(
        &self,
        name: &str,
        value: impl Fn(&T) -> Option<V> + 'static,
    ) -> Extremes<'f, T> {
        self.at_extreme(name, Location::caller(), (Ordering::Greater, true), value)
    }

    /// The records with the least `value` of each key in each window, as step `name`; else as [`at_max`](Self::at_max).
    ///
    /// # Examples
    /// ```
    /// # use millstream_connectors::{Clickstream, Memory, Rate};
    /// # use millstream_engine::{App, EventTime, Value, VirtualClock, Watermarks, seconds};
    /// # use millstream_operators::{Tumbling, Windows};
    /// let memory = Memory::new();
    /// let sink = memory.clone();
    /// let clock = VirtualClock::starting_at(EventTime::from_micros(0)); // 5,000 views a second from here on
    /// App::new("doc").workers(1).clock(clock).run(move |flow| {
    ///     flow.source("views", Clickstream::new().rate(Rate::Max).events(15_000))
    ///         .event_time(|e| e.timestamp, Watermarks::bounded(seconds(5)))
    ///         .window(Tumbling::of(seconds(1)))
    ///         .at_min("first_of_each_second", |e| e.timestamp)
    ///         .columns("at", |e| e.timestamp)
    ///         .sink("memory", sink.clone())
    /// })?;
    /// let firsts = [0, 1, 2].map(|second| vec![Value::Time(EventTime::from_millis(second * 1000))]);
    /// assert_eq!(memory.rows(), firsts);
    /// # Ok::<(), millstream_engine::Error>(())
    /// ```
    #[track_caller]
    #[must_use]
    pub fn at_min<V: Ord + Data>(
        &self,
        name: &str,
        value: impl Fn(&T) -> V + 'static,
    ) -> Extremes<'f, T> {
        let value = move |record: &T| Some(value(record));
        self.at_extreme(name, Location::caller(), (Ordering::Less, false), value)
    }

    /// As [`at_min`](Self::at_min), but records of which `value` gives `None` are skipped: as `min` skips them.
    ///
    /// # Examples
    /// Where `NaN` is no price:
    /// ```
    /// # use millstream_connectors::Memory;
    /// # use millstream_engine::testing::{Act, Script};
    /// # use millstream_engine::{App, EventTime, Value, Watermarks, seconds};
    /// # use millstream_operators::{Ranked, Tumbling, Windows};
    /// let memory = Memory::new();
    /// let sink = memory.clone();
    /// let bids = [2.5, f64::NAN, 1.5].map(|price| Act::Emit(EventTime::from_millis(7), price));
    /// let script = Script::new(vec![bids.to_vec()]);
    /// App::new("doc").workers(1).run(move |flow| {
    ///     flow.source("bids", script.clone())
    ///         .event_time(|(time, _)| *time, Watermarks::bounded(seconds(5)))
    ///         .window(Tumbling::of(seconds(1)))
    ///         .at_min_some("cheapest", |(_, price)| price.rank())
    ///         .columns("price", |(_, price)| *price)
    ///         .sink("memory", sink.clone())
    /// })?;
    /// assert_eq!(memory.rows(), [[Value::Float(1.5)]]);
    /// # Ok::<(), millstream_engine::Error>(())
    /// ```
    #[track_caller]
    #[must_use]
    pub fn at_min_some<V: Ord + Data>(
        &self,
        name: &str,
        value: impl Fn(&T) -> Option<V> + 'static,
    ) -> Extremes<'f, T> {
        self.at_extreme(name, Location::caller(), (Ordering::Less, true), value)
    }

    #[track_caller]
    fn at_extreme<V: Ord + Data>(
        &self,
        name: &str,
        location: &'static Location<'static>,
        (replaces, skips): (Ordering, bool),
        value: impl Fn(&T) -> Option<V> + 'static,
    ) -> Extremes<'f, T> {
        let best = AtExtreme {
            value,
            replaces,
            skips,
            given: PhantomData,
        };
        let rows = self.aggregated(name, location, best);
        Extremes::new(rows.closed().flat_map(|row| row.values.0), rows.late())
    }
}

/// Keeps the records with the greatest or the least value.
pub(super) struct AtExtreme<V, F> {
    value: F,
    /// A value takes the place of the one kept where it compares so to it.
    replaces: Ordering,
    /// Whether some records have no value.
    skips: bool,
    given: PhantomData<fn() -> V>,
}

/// The best value so far, and the records that have it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Best<V, T> {
    value: Option<V>,
    records: Vec<T>,
}

impl<V, T> Default for Best<V, T> {
    fn default() -> Self {
        Best {
            value: None,
            records: Vec::new(),
        }
    }
}

impl<T, V, F> Aggregate<T> for AtExtreme<V, F>
where
    T: Data,
    V: Ord + Data,
    F: Fn(&T) -> Option<V> + 'static,
{
    type State = Best<V, T>;
    type Output = Kept<Vec<T>>;

    fn names(&self) -> Vec<String> {
        Vec::new()
    }

    fn add(&self, state: &mut Best<V, T>, record: &T) {
        let Some(value) = (self.value)(record) else {
            return;
        };
        let compared = state.value.as_ref().map(|best| value.cmp(best));
        if compared == Some(Ordering::Equal) {
            state.records.push(record.clone());
        } else if compared.is_none_or(|compared| compared == self.replaces) {
            state.value = Some(value);
            state.records.clear();
            state.records.push(record.clone());
        }
    }

    fn merge(&self, state: &mut Best<V, T>, mut other: Best<V, T>) {
        let Some(value) = &other.value else { return };
        match state.value.as_ref().map(|best| value.cmp(best)) {
            Some(Ordering::Equal) => state.records.append(&mut other.records),
            Some(compared) if compared != self.replaces => {}
            _ => *state = other,
        }
    }

    fn output(&self, state: &Best<V, T>) -> Kept<Vec<T>> {
        Kept(state.records.clone())
    }

    fn heap_bytes(&self, state: &Best<V, T>) -> usize {
        state.records.capacity() * size_of::<T>()
    }

    fn kind(&self) -> String {
        let end = if self.replaces == Ordering::Less {
            "min"
        } else {
            "max"
        };
        // A value that may be missing is kept in another way if it is skipped than if that is the least of all.
        let some = if self.skips { "_some" } else { "" };
        format!("at_{end}{some}")
    }
}

#[cfg(test)]
mod tests {
    use millstream_engine::raw::{Kind, Log, Replayed, Shard};

    use super::*;
    use crate::aggregate::Ranked;

    /// A name and a value.
    type Item = (&'static str, f64);

    fn at_end<V: Ord + Data>(
        replaces: Ordering,
        value: fn(&(String, f64)) -> Option<V>,
    ) -> AtExtreme<V, fn(&(String, f64)) -> Option<V>> {
        AtExtreme {
            value,
            replaces,
            skips: true,
            given: PhantomData,
        }
    }

    fn rank(item: &(String, f64)) -> Option<i64> {
        item.1.rank()
    }

    /// Folds `items` as if they came apart, split at every place; gives the names that are kept.
    fn check(replaces: Ordering, items: &[Item], expected: &[&str]) {
        let aggregate = at_end(replaces, rank);
        for split in 0..=items.len() {
            let fold = |items: &[Item]| {
                let mut state = Best::default();
                for (name, value) in items {
                    aggregate.add(&mut state, &((*name).to_owned(), *value));
                }
                state
            };
            let (first, second) = (fold(&items[..split]), fold(&items[split..]));
            for (mut state, other) in [(first.clone(), second.clone()), (second, first)] {
                aggregate.merge(&mut state, other);
                let kept = aggregate.output(&state).0;
                let mut names: Vec<_> = kept.iter().map(|(name, _)| name.as_str()).collect();
                names.sort_unstable();
                assert_eq!(names, expected, "{items:?} split at {split}");
            }
        }
    }

    #[test]
    fn all_that_have_the_best_value_are_kept_and_no_others() {
        let items = [
            ("a", 1.0),
            ("b", -2.5),
            ("c", 7.0),
            ("d", 7.0),
            ("e", -2.5),
            ("f", 0.0),
        ];
        check(Ordering::Greater, &items, &["c", "d"]);
        check(Ordering::Less, &items, &["b", "e"]);
        check(Ordering::Greater, &items[..1], &["a"]);
        check(Ordering::Greater, &[], &[]);
        let unranked = [("a", f64::NAN), ("b", f64::NEG_INFINITY)];
        check(Ordering::Greater, &unranked, &["b"]);
        check(Ordering::Less, &unranked, &["b"]);
        check(Ordering::Less, &unranked[..1], &[]);
    }

    #[test]
    fn what_is_kept_outlives_the_process() {
        let aggregate = at_end(Ordering::Greater, rank);
        let mut state = Best::default();
        for name in ["a", "b"] {
            aggregate.add(&mut state, &(name.to_owned(), 1.5));
        }
        let mut log = Log::default();
        log.put(Shard::of_hash(7), None, &(), |to| {
            aggregate.save(&mut state, to)
        });
        let mut loaded = Best::default();
        let read = log.replay(|replayed| match replayed {
            Replayed::Entry(_, entry) => {
                assert_eq!(entry.kind, Kind::Put);
                aggregate.load(&mut loaded, &mut entry.value())
            }
            Replayed::Forgotten(window) => panic!("{window:?} is forgotten"),
        });
        assert_eq!(read, Ok(()));
        aggregate.add(&mut loaded, &("c".to_owned(), 1.5));
        let kept = aggregate.output(&loaded).0;
        assert_eq!(kept, ["a", "b", "c"].map(|name| (name.to_owned(), 1.5)));
    }

    #[test]
    fn the_two_ends_are_of_different_kinds() {
        assert_eq!(at_end(Ordering::Greater, rank).kind(), "at_max_some");
        let mut least = at_end(Ordering::Less, rank);
        assert_eq!(least.kind(), "at_min_some");
        least.skips = false;
        assert_eq!(least.kind(), "at_min");
        assert_eq!(at_end(Ordering::Less, rank).names().len(), 0);
    }
}

//! `enrich`: each record with the row that a side input has for it.
//!
//! ```text
//!  side input ── read whole, before anything flows ──▶ rows, by key, on every worker
//!  records ─────────────────────────────────────────▶ look up ─▶ out
//! ```
//!
//! Records stay on the worker that they came to, and nothing waits: so it costs a look-up, and keeps no state. For rows that
//! come while the pipeline runs there is [`join_row`](crate::JoinRow::join_row).

use std::hash::Hash;
use std::panic::Location;

use hashbrown::HashTable;
use millstream_engine::raw::{hash_key, left, owned};
use millstream_engine::{Data, Record, Source, Stream};

/// A bounded source, and what its rows are found by.
///
/// It is read whole by each process before the pipeline starts, and again when a run goes on from a snapshot. Of rows that
/// have the same key the first that is read stays.
pub struct SideInput<S, F> {
    source: S,
    key: F,
}

impl<S: Source, F> SideInput<S, F> {
    /// The rows of `source`, by the key that `key` takes of each.
    ///
    /// # Examples
    /// See [`enrich`](Enrich::enrich).
    #[must_use]
    pub fn new<K>(source: S, key: F) -> Self
    where
        F: Fn(&S::Item) -> K + 'static,
    {
        SideInput { source, key }
    }
}

/// Enriches records.
pub trait Enrich<'f, T: Data> {
    /// What `make` makes of each record and of the row that `side` has for its `key`, if it has one, as step `name`; what it
    /// gives `None` for is dropped.
    ///
    /// Event times stay. The pipeline does not start if the side input does not end, or if a record of it cannot be read: the
    /// error says which. State: none; the rows are in memory once in each process, and a table of them on each worker.
    ///
    /// # Examples
    /// ```
    /// # use millstream_connectors::{Clickstream, Items, Memory, Rate};
    /// # use millstream_engine::{App, Value, Watermarks, seconds};
    /// # use millstream_operators::{Enrich, SideInput};
    /// let memory = Memory::new();
    /// let sink = memory.clone();
    /// App::new("doc").workers(1).run(move |flow| {
    ///     let names = [("mobile", "Telephone"), ("tablet", "Tablet"), ("desktop", "Computer")];
    ///     let names = names.map(|(device, name)| (device.to_owned(), name.to_owned()));
    ///     let names = SideInput::new(Items::new(names), |(device, _)| device.clone());
    ///     flow.source("views", Clickstream::new().rate(Rate::Max).events(100))
    ///         .event_time(|e| e.timestamp, Watermarks::bounded(seconds(5)))
    ///         .enrich("devices", &names, |e| e.data.device.clone(), |e, row| Some((e.data.url, row?.1.clone())))
    ///         .columns(("url", "device"), |row| row.clone())
    ///         .sink("memory", sink.clone())
    /// })?;
    /// assert_eq!(memory.rows().len(), 100);
    /// # Ok::<(), millstream_engine::Error>(())
    /// ```
    #[track_caller]
    #[must_use]
    fn enrich<S, K, F, O>(
        &self,
        name: &str,
        side: &SideInput<S, F>,
        key: impl Fn(&T) -> K + 'static,
        make: impl Fn(T, Option<&S::Item>) -> Option<O> + 'static,
    ) -> Stream<'f, O>
    where
        S: Source,
        S::Item: Send + Sync + 'static,
        K: Hash + Eq + 'static,
        F: Fn(&S::Item) -> K,
        O: Data;
}

impl<'f, T: Data> Enrich<'f, T> for Stream<'f, T> {
    fn enrich<S, K, F, O>(
        &self,
        name: &str,
        side: &SideInput<S, F>,
        key: impl Fn(&T) -> K + 'static,
        make: impl Fn(T, Option<&S::Item>) -> Option<O> + 'static,
    ) -> Stream<'f, O>
    where
        S: Source,
        S::Item: Send + Sync + 'static,
        K: Hash + Eq + 'static,
        F: Fn(&S::Item) -> K,
        O: Data,
    {
        let location = Location::caller();
        let rows = self.side_input(name, location, &side.source);
        let keys: Vec<K> = rows.iter().map(&side.key).collect();
        let places = places(&keys);
        self.transform("enrich", location, move |batch| {
            let enriched = |record: Record<T>| {
                let key = key(&record.value);
                let found = places.find(hash_key(&key), |place| keys[*place] == key);
                let row = found.map(|place| &rows[*place]);
                let (value, times) = record.parted();
                make(value, row).map(|value| times.with(value))
            };
            left(owned(batch).into_iter().filter_map(enriched).collect())
        })
    }
}

/// Where the row of each key lies: the first that has it.
fn places<K: Hash + Eq>(keys: &[K]) -> HashTable<usize> {
    let mut places = HashTable::with_capacity(keys.len());
    for (place, key) in keys.iter().enumerate() {
        let is_it = |other: &usize| keys[*other] == *key;
        let entry = places.entry(hash_key(key), is_it, |other| hash_key(&keys[*other]));
        entry.or_insert(place);
    }
    places
}

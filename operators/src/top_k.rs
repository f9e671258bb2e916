//! `top_k`: of all records of a key the few that come first in an order, each with its rank.
//!
//! ```text
//!  records ─▶ the first k of each key ─▶ a row for each rank that there is
//! ```
//!
//! A record that is not among the first is looked at and left where it is. Nothing ever leaves but by others that come
//! before it, so a rank that is taken stays taken.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::panic::Location;

use millstream_engine::raw::content_bytes;
use millstream_engine::{Change, ColumnType, Columns, Data, Key, KeyOf, KeyedStream, Table, Value};
use serde::{Deserialize, Serialize};

use crate::aggregate::Aggregate;
use crate::aggregating::always;
use crate::in_order::compare;
use crate::kept::Kept;

/// A key and a rank: what the rows of `top_k` are known by. In columns, those of the key and then `rank`, from 1.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct InRank<K> {
    /// The key.
    pub key: K,
    /// The rank, from 1.
    pub rank: u32,
}

impl<K: Hash> Hash for InRank<K> {
    /// All ranks of a key hash as the key does: they are in one shard, which is where they come from.
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}

impl<K: Columns> Columns for InRank<K> {
    fn kinds() -> Vec<(ColumnType, bool)> {
        let mut kinds = K::kinds();
        kinds.push((ColumnType::Int64, false));
        kinds
    }
    fn append(&self, row: &mut Vec<Value>) {
        self.key.append(row);
        row.push(Value::Int(self.rank.into()));
    }
}

/// Ranks the records of a key.
pub trait TopK<'f, T: Data, K: KeyOf<T>> {
    /// The first `k` records of each key by `order`, as step `name`: a table with a row for each key and rank.
    ///
    /// What is to come first must be the least: for the greatest price, `Reverse(price)`. Records that are equal in the
    /// order are told apart by their bytes. State: at most `k` records for every key there ever was.
    ///
    /// # Panics
    /// If `k` is 0.
    ///
    /// # Examples
    /// The three longest views of each device:
    /// ```
    /// # use std::cmp::Reverse;
    /// # use millstream_connectors::{Clickstream, Memory, Rate};
    /// # use millstream_engine::{App, Value, Watermarks, seconds};
    /// # use millstream_operators::{KeyBy, TopK};
    /// let memory = Memory::new();
    /// let sink = memory.clone();
    /// App::new("doc").workers(1).run(move |flow| {
    ///     flow.source("views", Clickstream::new().rate(Rate::Max).events(1_000))
    ///         .event_time(|e| e.timestamp, Watermarks::bounded(seconds(5)))
    ///         .key_by("device", |e| &e.data.device)
    ///         .top_k("longest", 3, |e| Reverse(e.data.duration_ms))
    ///         .map_values("duration_ms", |e| e.data.duration_ms)
    ///         .closed()
    ///         .sink("memory", sink.clone())
    /// })?;
    /// let names: Vec<_> = memory.columns().iter().map(|column| column.name.clone()).collect();
    /// assert_eq!(names, ["device", "rank", "duration_ms"]);
    /// assert!(memory.rows().iter().all(|row| row[1] <= Value::Int(3)));
    /// # Ok::<(), millstream_engine::Error>(())
    /// ```
    #[track_caller]
    fn top_k<O: Ord + 'static>(
        &self,
        name: &str,
        k: usize,
        order: impl Fn(&T) -> O + 'static,
    ) -> Table<'f, InRank<K::Key>, Kept<T>>;
}

impl<'f, T: Data, K: KeyOf<T>> TopK<'f, T, K> for KeyedStream<'f, T, K> {
    fn top_k<O: Ord + 'static>(
        &self,
        name: &str,
        k: usize,
        order: impl Fn(&T) -> O + 'static,
    ) -> Table<'f, InRank<K::Key>, Kept<T>> {
        assert!(k > 0, "the first 0 records are none");
        let top = Top {
            k,
            order,
            given: PhantomData,
        };
        let table = always(self, name, Location::caller(), top);
        table.with_key_column("rank", ColumnType::Int64, each_rank)
    }
}

/// The rows of a change: one for each rank.
fn each_rank<K: Key, T: Data>(
    change: Change<K, Kept<Vec<T>>>,
    out: &mut Vec<Change<InRank<K>, Kept<T>>>,
) {
    let Change { key, value, stage } = change;
    let records = value.expect("nothing is taken back").0.into_iter();
    out.extend((1..).zip(records).map(|(rank, record)| Change {
        key: InRank {
            key: key.clone(),
            rank,
        },
        value: Some(Kept(record)),
        stage,
    }));
}

/// Keeps the first records of an order, in that order.
struct Top<O, F> {
    k: usize,
    order: F,
    given: PhantomData<fn() -> O>,
}

impl<O: Ord, F> Top<O, F> {
    /// Where `record` belongs among those that are kept; `None` if it does not.
    fn place<T: Data>(&self, kept: &[T], record: &T) -> Option<usize>
    where
        F: Fn(&T) -> O,
    {
        let compare = |other: &T| compare(&self.order, other, record);
        if kept.len() == self.k && compare(&kept[self.k - 1]) != Ordering::Greater {
            return None;
        }
        Some(kept.partition_point(|other| compare(other) != Ordering::Greater))
    }

    fn put<T>(&self, kept: &mut Vec<T>, place: usize, record: T) {
        kept.truncate(self.k - 1);
        kept.insert(place, record);
    }
}

impl<T, O, F> Aggregate<T> for Top<O, F>
where
    T: Data,
    O: Ord + 'static,
    F: Fn(&T) -> O + 'static,
{
    type State = Vec<T>;
    type Output = Kept<Vec<T>>;

    fn names(&self) -> Vec<String> {
        Vec::new()
    }

    fn add(&self, state: &mut Vec<T>, record: &T) {
        if let Some(place) = self.place(state, record) {
            self.put(state, place, record.clone());
        }
    }

    fn take(&self, state: &mut Vec<T>, record: T) {
        if let Some(place) = self.place(state, &record) {
            self.put(state, place, record);
        }
    }

    fn keeps_records(&self) -> bool {
        true
    }

    fn merge(&self, state: &mut Vec<T>, other: Vec<T>) {
        if state.is_empty() {
            *state = other;
        } else {
            other
                .into_iter()
                .for_each(|record| self.take(state, record));
        }
    }

    fn n_records(&self, state: &Vec<T>) -> usize {
        state.len()
    }

    fn output(&self, state: &Vec<T>) -> Kept<Vec<T>> {
        Kept(state.clone())
    }

    fn heap_bytes(&self, state: &Vec<T>) -> usize {
        let records = state.iter().map(content_bytes).sum::<usize>();
        state.capacity() * size_of::<T>() + records
    }

    fn kind(&self) -> String {
        // Fewer than were kept can be made of them, and more cannot.
        format!("top_{}", self.k)
    }
}

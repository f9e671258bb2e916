//! Tables from changelogs: each record says what a row is from now on, or that it is gone.
//!
//! ```text
//!  records, by key ─▶ the change with the latest event time counts ─▶ a row, or a trace that there was one ─▶ Table
//!                                    └──▶ late
//! ```
//!
//! Records need not come in order. Of the changes of a key the one counts that happened last; of two that happened at once, the
//! one that came later. So a row that is deleted leaves a *trace*, against changes that happened before and come after. Once the
//! watermark has passed a trace nothing can come any more that it would be needed for: it is dropped. A change that comes behind
//! the watermark to a key of which nothing is known might be older than such a trace: it is *late*, counted and not applied.
//! To a row that is there it may come as late as it likes.
//!
//! *Invariants*: what a row is depends on the records that are not late, and not on the order of those of different times.
//! State is gone with the row, and a trace with the watermark.

mod logic;
mod said;
#[cfg(test)]
mod tests;
mod upserted;

use std::panic::Location;

use millstream_engine::raw::{Hashed, RowsAsked};
use millstream_engine::{Data, KeyOf, KeyedStream, Row};

use logic::Following;
pub use upserted::Upserted;

/// What a record of a changelog says of the row with its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RowChange<V> {
    /// The row is there, with this value.
    Insert(V),
    /// The row is not there.
    Delete,
}

/// Takes a stream as the changes of a table.
pub trait Changelog<'f, T: Data, K: KeyOf<T>> {
    /// The table of what `value` makes of the latest record of each key, as step `name`; `None` if that deletes the row.
    ///
    /// The latest is that with the greatest event time, whenever it comes; of two with the same time the one that is read later
    /// counts, which is certain only within a partition. The value fills no columns until
    /// [`map_values`](millstream_engine::Table::map_values) says which of its fields do. State: a value for every key that has
    /// a row; for one that was deleted its key, until the watermark has passed. A change that comes behind the watermark for a
    /// key without a row is [late](Upserted::late).
    ///
    /// # Examples
    /// ```
    /// # use millstream_connectors::Memory;
    /// # use millstream_engine::testing::{Act, Script};
    /// # use millstream_engine::{App, EventTime, Value, Watermarks, seconds};
    /// # use millstream_operators::{Changelog, KeyBy};
    /// let memory = Memory::new();
    /// let sink = memory.clone();
    /// let prices = [(1, "tea", Some(3)), (3, "tea", Some(4)), (2, "tea", None), (2, "jam", Some(5)), (4, "jam", None)];
    /// let act = |(at, what, price): (i64, &str, Option<i64>)| Act::Emit(EventTime::from_millis(at), (what.to_owned(), price));
    /// let script = Script::new(vec![prices.map(act).to_vec()]);
    /// App::new("doc").workers(1).run(move |flow| {
    ///     flow.source("prices", script.clone())
    ///         .event_time(|(time, _)| *time, Watermarks::bounded(seconds(5)))
    ///         .key_by("what", |(_, (what, _))| what)
    ///         .upsert("prices", |(_, (_, price))| *price)
    ///         .map_values("price", |price| **price)
    ///         .closed()
    ///         .sink("memory", sink.clone())
    /// })?;
    /// assert_eq!(memory.rows(), [[Value::Text("tea".into()), Value::Int(4)]]);
    /// # Ok::<(), millstream_engine::Error>(())
    /// ```
    #[track_caller]
    fn upsert<V: Row>(
        &self,
        name: &str,
        value: impl Fn(&T) -> Option<V> + 'static,
    ) -> Upserted<'f, T, K::Key, V>;

    /// The table of the rows that records insert and delete, as step `name`: `change` says which of the two a record does.
    ///
    /// It is [`upsert`](Self::upsert) for logs that tell of both, by the same rules of time. So a row that is inserted twice
    /// has the value of the later one, and one that is deleted though it is not there stays away: neither is an error, because
    /// a log that is read from the middle, or read again, has such records. An update that is told as a deletion and an
    /// insertion of the same time must be told in that order.
    ///
    /// # Examples
    /// ```
    /// # use millstream_connectors::Memory;
    /// # use millstream_engine::testing::{Act, Script};
    /// # use millstream_engine::{App, EventTime, Value, Watermarks, seconds};
    /// # use millstream_operators::{Changelog, KeyBy, RowChange};
    /// let memory = Memory::new();
    /// let sink = memory.clone();
    /// let log = [(1, '+', 7), (2, '+', 8), (3, '-', 7), (3, '-', 9), (4, '+', 8)];
    /// let script = Script::new(vec![log.map(|(at, op, id)| Act::Emit(EventTime::from_millis(at), (op, id))).to_vec()]);
    /// App::new("doc").workers(1).run(move |flow| {
    ///     flow.source("members", script.clone())
    ///         .event_time(|(time, _)| *time, Watermarks::bounded(seconds(5)))
    ///         .key_with("id", |(_, (_, id))| *id)
    ///         .changelog("members", |(_, (op, _))| match op {
    ///             '+' => RowChange::Insert(()),
    ///             _ => RowChange::Delete,
    ///         })
    ///         .closed()
    ///         .sink("memory", sink.clone())
    /// })?;
    /// assert_eq!(memory.rows(), [[Value::Int(8)]]);
    /// # Ok::<(), millstream_engine::Error>(())
    /// ```
    #[track_caller]
    fn changelog<V: Row>(
        &self,
        name: &str,
        change: impl Fn(&T) -> RowChange<V> + 'static,
    ) -> Upserted<'f, T, K::Key, V>;
}

impl<'f, T: Data, K: KeyOf<T>> Changelog<'f, T, K> for KeyedStream<'f, T, K> {
    fn upsert<V: Row>(
        &self,
        name: &str,
        value: impl Fn(&T) -> Option<V> + 'static,
    ) -> Upserted<'f, T, K::Key, V> {
        follow(self, name, Location::caller(), value)
    }

    fn changelog<V: Row>(
        &self,
        name: &str,
        change: impl Fn(&T) -> RowChange<V> + 'static,
    ) -> Upserted<'f, T, K::Key, V> {
        follow(self, name, Location::caller(), move |record| {
            match change(record) {
                RowChange::Insert(value) => Some(value),
                RowChange::Delete => None,
            }
        })
    }
}

/// The table of the latest values of each key.
fn follow<'f, T: Data, K: KeyOf<T>, V: Row>(
    stream: &KeyedStream<'f, T, K>,
    name: &str,
    location: &'static Location<'static>,
    value: impl Fn(&T) -> Option<V> + 'static,
) -> Upserted<'f, T, K::Key, V> {
    let asked = RowsAsked {
        kind: "changelog",
        name: name.into(),
        location,
        made_by: "the latest".into(),
        key_names: stream.names().to_vec(),
    };
    let (key, of) = (stream.key(), stream.key());
    let routed = stream
        .stream()
        .routed("changelog", location, move |record| {
            let hash = key.hash(&record.value);
            Hashed { hash, record }
        });
    let (table, late) = routed.rows(asked, |snapshots| Following::new(of, value, snapshots));
    Upserted::new(table, late)
}

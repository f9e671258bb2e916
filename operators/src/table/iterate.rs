//! `iterate`: rows that are made of themselves, until nothing changes any more.
//!
//! What can be reached over any number of steps, which rows hang together, the shortest of all ways: such a table says of a
//! row what follows from it and others, and then what follows from that. The closure of `iterate` is one round of it. What
//! changes in the input goes through the rounds as a change: they are not all made anew.

use std::hash::Hash;
use std::panic::Location;

use millstream_engine::raw::{self, Diffs, Inside, TableAsked};
use millstream_engine::{Data, Key, Row, Table};

/// Makes tables of themselves.
pub trait Iterate<'f, K: Key, V: Row> {
    /// The table for which `round` makes of its rows the same rows again, beginning with those of this table; as step `name`.
    ///
    /// `round` is given the rows of a round, as pairs of key and value, and gives those of the next. What is to stay must be among
    /// them: most rounds end with `.concat(&rows)`. Of each key the row with the *least* value counts, in each round: so the
    /// least label, or the shortest way, is found by giving all of them. Rounds end when one gives what the last one gave; a
    /// closure that always finds something new never ends, and nothing after that epoch is shown. Other tables come in by
    /// [`Loop::enter`].
    ///
    /// State: the rows of every round, as far as they differ from those of the round before. Work: what a change changes in
    /// each round.
    ///
    /// # Examples
    /// Which pages can be reached from which, over links:
    /// ```
    /// # use millstream_connectors::Memory;
    /// # use millstream_engine::testing::{Act, Script};
    /// # use millstream_engine::{App, EventTime, Value, Watermarks, seconds};
    /// # use millstream_operators::{Changelog, Iterate, KeyBy};
    /// let memory = Memory::new();
    /// let sink = memory.clone();
    /// let links = [(1, 2), (2, 3), (3, 4)];
    /// let script = Script::new(vec![links.map(|link| Act::Emit(EventTime::from_millis(0), link)).to_vec()]);
    /// App::new("doc").workers(1).run(move |flow| {
    ///     let links = flow
    ///         .source("links", script.clone())
    ///         .event_time(|(time, _)| *time, Watermarks::bounded(seconds(5)))
    ///         .key_with(("from", "to"), |(_, (from, to))| (*from as i64, *to as i64))
    ///         .upsert("links", |_| Some(()));
    ///     let reached = links.iterate("reached", |inside, reached| {
    ///         let links = inside.enter(&links).map(|((from, to), _)| (from, to));
    ///         let ends = reached.map(|((from, to), kept)| (to, (from, kept)));
    ///         let further = ends.join(&links).map(|(_, ((from, kept), to))| ((from, to), kept));
    ///         further.concat(&reached)
    ///     });
    ///     reached.closed().sink("memory", sink.clone())
    /// })?;
    /// let pairs = [(1, 2), (1, 3), (1, 4), (2, 3), (2, 4), (3, 4)];
    /// assert_eq!(memory.rows(), pairs.map(|(from, to)| [Value::Int(from), Value::Int(to)]));
    /// # Ok::<(), millstream_engine::Error>(())
    /// ```
    #[track_caller]
    fn iterate<F>(&self, name: &str, round: F) -> Table<'f, K, V>
    where
        F: for<'i> FnOnce(&Loop<'i>, Inner<'i, (K, V)>) -> Inner<'i, (K, V)>;
}

impl<'f, K: Key, V: Row> Iterate<'f, K, V> for Table<'f, K, V> {
    fn iterate<F>(&self, name: &str, round: F) -> Table<'f, K, V>
    where
        F: for<'i> FnOnce(&Loop<'i>, Inner<'i, (K, V)>) -> Inner<'i, (K, V)>,
    {
        let asked = TableAsked {
            kind: "iterate",
            name: name.into(),
            location: Location::caller(),
            made_by: "iterate".into(),
            key_columns: self.key_columns().to_vec(),
            value_columns: self.value_columns().to_vec(),
        };
        let rows = self.diffs().fixpoint(name, |inside, rows| {
            let inside = Loop { inside: *inside };
            round(&inside, Inner(rows)).0
        });
        self.derived().table(asked, rows)
    }
}

/// The inside of an [`iterate`](Iterate::iterate), into which other tables can be brought.
pub struct Loop<'i> {
    inside: raw::Loop<'i>,
}

impl<'i> Loop<'i> {
    /// The rows of a table outside, as pairs of key and value: the same in every round.
    ///
    /// # Examples
    /// See [`iterate`](Iterate::iterate).
    pub fn enter<K: Key, V: Data>(&self, table: &Table<'_, K, V>) -> Inner<'i, (K, V)> {
        Inner(self.inside.enter(table.diffs()))
    }
}

/// Rows inside of an [`iterate`](Iterate::iterate). They need no key and may be there several times; pairs can be joined.
pub struct Inner<'i, D: 'static>(Diffs<'i, D, Inside>);

impl<D: Clone> Clone for Inner<'_, D> {
    fn clone(&self) -> Self {
        Inner(self.0.clone())
    }
}

impl<'i, D: Row> Inner<'i, D> {
    /// What `f` makes of each row.
    ///
    /// # Examples
    /// See [`iterate`](Iterate::iterate).
    #[must_use]
    pub fn map<E: Row>(&self, f: impl Fn(D) -> E + 'static) -> Inner<'i, E> {
        Inner(self.0.clone().map(f))
    }

    /// All that `f` makes of each row: with an array for both ends of a link, say.
    ///
    /// # Examples
    /// See [`least`](Self::least).
    #[must_use]
    pub fn flat_map<I>(&self, f: impl Fn(D) -> I + 'static) -> Inner<'i, I::Item>
    where
        I: IntoIterator<Item: Row>,
    {
        Inner(self.0.clone().flat_map(f))
    }

    /// The rows for which `holds` gives true.
    ///
    /// # Examples
    /// See [`least`](Self::least).
    #[must_use]
    pub fn filter(&self, holds: impl Fn(&D) -> bool + 'static) -> Self {
        Inner(self.0.clone().filter(holds))
    }

    /// These rows and those of `other`.
    ///
    /// # Examples
    /// See [`iterate`](Iterate::iterate).
    #[must_use]
    pub fn concat(&self, other: &Self) -> Self {
        Inner(self.0.clone().concat(other.0.clone()))
    }

    /// Each row once.
    ///
    /// # Examples
    /// See [`least`](Self::least).
    #[must_use]
    pub fn distinct(&self) -> Self
    where
        D: Hash,
    {
        Inner(self.0.clone().distinct())
    }
}

impl<'i, K: Row + Hash, V: Row> Inner<'i, (K, V)> {
    /// Each two rows that have the first part in common.
    ///
    /// # Examples
    /// See [`iterate`](Iterate::iterate).
    #[must_use]
    pub fn join<W: Row>(&self, other: &Inner<'i, (K, W)>) -> Inner<'i, (K, (V, W))> {
        let (left, right) = (self.0.clone(), other.0.clone());
        let pairs = left
            .by_key("left")
            .join(right.by_key("right"), |key, left, right| {
                Some((key.clone(), (left.clone(), right.clone())))
            });
        Inner(pairs)
    }

    /// The rows whose first part `other` does not have.
    ///
    /// # Examples
    /// See [`least`](Self::least).
    #[must_use]
    pub fn anti_join<W: Row>(&self, other: &Inner<'i, (K, W)>) -> Self {
        let known = other.0.clone().by_key("right").keys("known");
        let (left, all) = (self.0.clone(), self.0.clone());
        let known = left
            .by_key("left")
            .join(known.by_key("known"), |key, left, ()| {
                Some((key.clone(), left.clone()))
            });
        Inner(all.concat(known.negate()))
    }

    /// Of each first part the row with the least second, once.
    ///
    /// # Examples
    /// Which pages hang together by links, whichever way they lead: each is labelled with the least page of its own.
    /// ```
    /// # use millstream_connectors::Memory;
    /// # use millstream_engine::testing::{Act, Script};
    /// # use millstream_engine::{App, EventTime, Value, Watermarks, seconds};
    /// # use millstream_operators::{Changelog, GroupBy, Iterate, KeyBy, Kept};
    /// let memory = Memory::new();
    /// let sink = memory.clone();
    /// let links: [(i64, i64); 4] = [(2, 1), (2, 3), (8, 9), (9, 9)];
    /// let script = Script::new(vec![links.map(|link| Act::Emit(EventTime::from_millis(0), link)).to_vec()]);
    /// App::new("doc").workers(1).run(move |flow| {
    ///     let ends = flow.source("links", script.clone())
    ///         .event_time(|(time, _)| *time, Watermarks::bounded(seconds(5)));
    ///     let links = ends.key_with(("from", "to"), |(_, link)| *link).upsert("links", |_| Some(()));
    ///     let pages = ends.key_with("page", |(_, (from, _))| *from).upsert("pages", |(_, (from, _))| Some(*from));
    ///     let labels = pages.iterate("labels", |inside, labels| {
    ///         let links = inside.enter(&links).filter(|((from, to), _)| from != to);
    ///         let links = links.flat_map(|((from, to), _)| [(from, to), (to, from)]).distinct();
    ///         let told = labels.join(&links).map(|(_, (label, to))| (to, label));
    ///         told.concat(&labels).least()
    ///     });
    ///     labels.map_values("label", |label| **label).closed().sink("memory", sink.clone())
    /// })?;
    /// let labelled = [(1, 2), (2, 2), (3, 2), (8, 8), (9, 8)];
    /// assert_eq!(memory.rows(), labelled.map(|(page, label)| [Value::Int(page), Value::Int(label)]));
    /// # Ok::<(), millstream_engine::Error>(())
    /// ```
    #[must_use]
    pub fn least(&self) -> Self {
        Inner(self.0.clone().by_key("rows by key").least("least"))
    }
}

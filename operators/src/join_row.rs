//! `join_row`: each record of a stream with the one row of its key, whichever comes first.
//!
//! ```text
//!  rows:     key ─▶ its row, for ever
//!  records:  the row is known? ─▶ out, at once
//!            else ─▶ wait for it
//! ```
//!
//! The rows are a table to which rows are only ever added: every key has one, and that stays. So a record is kept only
//! while its row is not known, and leaves once, with its row; and what is kept for ever is the rows. Where rows change, or
//! go, it takes the tables that can take back what they have said.
//!
//! *Invariants*: which row a record is joined with does not depend on which of them is read first.

mod logic;
mod patience;

use std::panic::Location;
use std::rc::Rc;
use std::time::Duration;

use millstream_engine::raw::StepAsked;
use millstream_engine::{Data, KeyOf, KeyedStream, Stream};

use crate::during::hashed;
use crate::joined::Joined;
use crate::sided::{KeyOfSide, Sided};
use logic::JoiningRows;
use patience::Patience;

/// A stream whose records are the rows of a table, one a key; made by [`rows`](AsRows::rows).
#[must_use = "rows do nothing until something is joined with them"]
pub struct Rows<'f, R: 'static, K> {
    stream: Stream<'f, R>,
    key: Rc<K>,
    patience: Patience,
}

impl<R: Data, K> Rows<'_, R, K> {
    /// Records wait for their row for so much event time, and then are late; without this, for ever. A row that happened later
    /// than that is not theirs, also where it is read first.
    pub fn wait_at_most(mut self, patience: Duration) -> Self {
        self.patience = Patience::at_most(patience);
        self
    }
}

/// Takes a stream as a table to which rows are only added.
pub trait AsRows<'f, R: Data, K> {
    /// The records are rows, one a key: the first that comes stays, and another of its key is late. Which of two is the first
    /// may depend on timing; so a key should have one.
    ///
    /// # Examples
    /// See [`join_row`](JoinRow::join_row).
    fn rows(&self) -> Rows<'f, R, K>;
}

impl<'f, R: Data, K: KeyOf<R>> AsRows<'f, R, K> for KeyedStream<'f, R, K> {
    fn rows(&self) -> Rows<'f, R, K> {
        Rows {
            stream: self.stream().clone(),
            key: self.key(),
            patience: Patience::default(),
        }
    }
}

/// Joins records with rows.
pub trait JoinRow<'f, T: Data, K: KeyOf<T>> {
    /// What `make` makes of each record and the row of its key, as step `name`: once, when both have come; what it gives
    /// `None` for is dropped.
    ///
    /// What comes out has the event time of the later of the two. State: all rows, and the records whose row has not come.
    /// A row that is not wanted must be known nevertheless, else its records wait for it: let rows be `Option`s, and hold
    /// nothing where nothing is wanted of them.
    ///
    /// # Examples
    /// Each view with the country that its user came from first:
    /// ```
    /// # use millstream_connectors::{Clickstream, Memory, Rate};
    /// # use millstream_engine::{App, Watermarks, seconds};
    /// # use millstream_operators::{AsRows, JoinRow, KeyBy, Map};
    /// let memory = Memory::new();
    /// let sink = memory.clone();
    /// App::new("doc").workers(1).run(move |flow| {
    ///     let views = flow
    ///         .source("views", Clickstream::new().rate(Rate::Max).events(1_000))
    ///         .event_time(|e| e.timestamp, Watermarks::bounded(seconds(5)));
    ///     let homes = views.map(|e| (e.data.user_id, e.data.country)).key_by("user", |(user, _)| user).rows();
    ///     views
    ///         .key_by("user", |e| &e.data.user_id)
    ///         .join_row("views_with_homes", &homes, |view, (_, home)| Some((view.data.url, home.clone())))
    ///         .columns(("url", "home"), |row| row.clone())
    ///         .sink("memory", sink.clone())
    /// })?;
    /// assert_eq!(memory.rows().len(), 1_000);
    /// # Ok::<(), millstream_engine::Error>(())
    /// ```
    #[track_caller]
    fn join_row<R, KR, O>(
        &self,
        name: &str,
        rows: &Rows<'f, R, KR>,
        make: impl Fn(T, &R) -> Option<O> + 'static,
    ) -> Joined<'f, O, T, R>
    where
        R: Data,
        KR: KeyOf<R, Key = K::Key>,
        O: Data;
}

impl<'f, T: Data, K: KeyOf<T>> JoinRow<'f, T, K> for KeyedStream<'f, T, K> {
    fn join_row<R, KR, O>(
        &self,
        name: &str,
        rows: &Rows<'f, R, KR>,
        make: impl Fn(T, &R) -> Option<O> + 'static,
    ) -> Joined<'f, O, T, R>
    where
        R: Data,
        KR: KeyOf<R, Key = K::Key>,
        O: Data,
    {
        let location = Location::caller();
        let key = KeyOfSide {
            left: self.key(),
            right: Rc::clone(&rows.key),
        };
        let (of_left, of_right) = (Rc::clone(&key.left), Rc::clone(&key.right));
        let left = self.stream().routed("join_row", location, move |record| {
            hashed(of_left.hash(&record.value), record, Sided::Left)
        });
        let right = rows.stream.routed("join_row", location, move |record| {
            hashed(of_right.hash(&record.value), record, Sided::Right)
        });
        let asked = StepAsked {
            kind: "join",
            name: name.into(),
            location,
            made_by: "join_row".into(),
            closes: None,
            behind: None,
        };
        let patience = rows.patience;
        let (out, late) = left.and(right).step(asked, move |snapshots| {
            JoiningRows::new(key, make, patience, snapshots)
        });
        Joined::new(out, late)
    }
}

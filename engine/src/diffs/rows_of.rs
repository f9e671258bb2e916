//! The rows of a table as a collection, made when the first step asks for them.
//!
//! Most tables are only looked at: nobody needs to know what their rows were before. So a table has its rows as a collection
//! only if a step over tables reads it, and then one for all such steps, and one arrangement of it.

use std::cell::OnceCell;
use std::hash::Hash;
use std::rc::Rc;

use super::{ByKey, Diffs};
use crate::row::Row;

/// How a collection is made.
type How<'f, K, V> = Rc<dyn Fn() -> Diffs<'f, (K, V)> + 'f>;

/// The rows of a table, if they are wanted. Copies share them.
pub(crate) struct RowsOf<'f, K: 'static, V: 'static> {
    made: Rc<OnceCell<Diffs<'f, (K, V)>>>,
    by_key: Rc<OnceCell<Rc<dyn Arrangement<'f, K, V> + 'f>>>,
    how: Option<How<'f, K, V>>,
}

/// An arrangement, whose type can be named only where it is known that the rows have an order.
trait Arrangement<'f, K: 'static, V: 'static> {
    fn by_key(&self) -> ByKey<'f, K, V>
    where
        K: Row + Hash,
        V: Row;
}

impl<'f, K: Row + Hash, V: Row> Arrangement<'f, K, V> for ByKey<'f, K, V> {
    fn by_key(&self) -> ByKey<'f, K, V> {
        self.clone()
    }
}

impl<K, V> Clone for RowsOf<'_, K, V> {
    fn clone(&self) -> Self {
        RowsOf {
            made: Rc::clone(&self.made),
            by_key: Rc::clone(&self.by_key),
            how: self.how.clone(),
        }
    }
}

impl<K, V> Default for RowsOf<'_, K, V> {
    /// Rows that nobody knows yet how to make.
    fn default() -> Self {
        RowsOf {
            made: Rc::default(),
            by_key: Rc::default(),
            how: None,
        }
    }
}

impl<'f, K: Clone + 'static, V: Clone + 'static> RowsOf<'f, K, V> {
    /// Rows that are made by `how`.
    pub(crate) fn made_by(how: impl Fn() -> Diffs<'f, (K, V)> + 'f) -> Self {
        RowsOf {
            how: Some(Rc::new(how)),
            ..RowsOf::default()
        }
    }

    /// The rows; by `otherwise` if nobody has said how they are made.
    pub(crate) fn get(&self, otherwise: impl FnOnce() -> Diffs<'f, (K, V)>) -> Diffs<'f, (K, V)> {
        let make = || self.how.as_ref().map_or_else(otherwise, |how| how());
        self.made.get_or_init(make).clone()
    }

    /// The rows by key, arranged once for all who ask.
    pub(crate) fn by_key(
        &self,
        name: &str,
        otherwise: impl FnOnce() -> Diffs<'f, (K, V)>,
    ) -> ByKey<'f, K, V>
    where
        K: Row + Hash,
        V: Row,
    {
        let make =
            || -> Rc<dyn Arrangement<'f, K, V> + 'f> { Rc::new(self.get(otherwise).by_key(name)) };
        self.by_key.get_or_init(make).by_key()
    }

    /// The same rows with the values that `values` makes of theirs, if it is known how they are made.
    pub(crate) fn with_values<W: Clone + 'static>(
        &self,
        values: Rc<dyn Fn(&V) -> W>,
    ) -> RowsOf<'f, K, W> {
        let Some(how) = self.how.clone() else {
            return RowsOf::default();
        };
        let made = Rc::clone(&self.made);
        RowsOf::made_by(move || {
            let rows = made.get_or_init(|| how()).clone();
            let values = Rc::clone(&values);
            rows.map(move |(key, value)| {
                let value = values(&value);
                (key, value)
            })
        })
    }
}

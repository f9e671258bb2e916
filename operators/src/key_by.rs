//! `key_by` and `key_with`: what records are grouped by.

use std::hash::Hash;

use millstream_engine::raw::{ByRef, ByValue};
use millstream_engine::{Data, Key, KeyedStream, Names, Stream};

/// Gives a stream a key.
pub trait KeyBy<'f, T> {
    /// Groups by something that lies in the record, in a column called `name`.
    ///
    /// `key` gives a reference; a key is copied when it is first seen, not for each record.
    #[must_use]
    fn key_by<Q, F>(&self, name: &str, key: F) -> KeyedStream<'f, T, ByRef<Q, F>>
    where
        Q: ?Sized + ToOwned + Hash + Eq + 'static,
        Q::Owned: Key,
        F: for<'a> Fn(&'a T) -> &'a Q + 'static;

    /// Groups by something made of the record: a scalar, or a tuple for several columns, `names` in the same order.
    ///
    /// The key is made anew for each record: cheap for numbers, a copy for text.
    #[must_use]
    fn key_with<N, K, F>(&self, names: N, key: F) -> KeyedStream<'f, T, ByValue<F>>
    where
        N: Names,
        K: Key,
        F: Fn(&T) -> K + 'static;
}

impl<'f, T: Data> KeyBy<'f, T> for Stream<'f, T> {
    fn key_by<Q, F>(&self, name: &str, key: F) -> KeyedStream<'f, T, ByRef<Q, F>>
    where
        Q: ?Sized + ToOwned + Hash + Eq + 'static,
        Q::Owned: Key,
        F: for<'a> Fn(&'a T) -> &'a Q + 'static,
    {
        KeyedStream::new(self.clone(), name.names(), ByRef::new(key))
    }

    fn key_with<N, K, F>(&self, names: N, key: F) -> KeyedStream<'f, T, ByValue<F>>
    where
        N: Names,
        K: Key,
        F: Fn(&T) -> K + 'static,
    {
        KeyedStream::new(self.clone(), names.names(), ByValue::new(key))
    }
}

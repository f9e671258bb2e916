//! Keys: what the records of a stream are grouped by.
//!
//! A key is taken from a record by reference: hashed and compared where it lies, and copied only when it is first seen.

use std::borrow::Borrow;
use std::fmt::Debug;
use std::hash::Hash;
use std::marker::PhantomData;

use crate::record::Data;
use crate::scalar::Columns;
use crate::shard::hash_key;

/// What may be a key: data that can be hashed, ordered and shown in columns.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a key",
    note = "a key is a scalar (integer, bool, String, EventTime, Option of these) or a tuple of them; not a float"
)]
pub trait Key: Data + Eq + Ord + Hash + Debug + Columns {}

impl<K: Data + Eq + Ord + Hash + Debug + Columns> Key for K {}

/// Takes the key of a record.
pub trait KeyOf<T>: 'static {
    /// The key.
    type Key: Key;
    /// The hash of the record's key: [`hash_key`] of it.
    fn hash(&self, record: &T) -> u64;
    /// Whether `key` is the record's.
    fn is(&self, record: &T, key: &Self::Key) -> bool;
    /// A copy of the record's key.
    fn take(&self, record: &T) -> Self::Key;
}

/// A key that lies in the record.
pub struct ByRef<Q: ?Sized, F>(F, PhantomData<fn(&Q)>);

impl<Q: ?Sized, F> ByRef<Q, F> {
    /// A key found by `f`.
    pub fn new(f: F) -> Self {
        ByRef(f, PhantomData)
    }
}

impl<T, Q, F> KeyOf<T> for ByRef<Q, F>
where
    Q: ?Sized + ToOwned + Hash + Eq + 'static,
    Q::Owned: Key,
    F: for<'a> Fn(&'a T) -> &'a Q + 'static,
{
    type Key = Q::Owned;
    fn hash(&self, record: &T) -> u64 {
        hash_key((self.0)(record))
    }
    fn is(&self, record: &T, key: &Q::Owned) -> bool {
        (self.0)(record) == key.borrow()
    }
    fn take(&self, record: &T) -> Q::Owned {
        (self.0)(record).to_owned()
    }
}

/// A key that is made of the record.
pub struct ByValue<F>(F);

impl<F> ByValue<F> {
    /// A key made by `f`.
    pub fn new(f: F) -> Self {
        ByValue(f)
    }
}

impl<T, K: Key, F: Fn(&T) -> K + 'static> KeyOf<T> for ByValue<F> {
    type Key = K;
    fn hash(&self, record: &T) -> u64 {
        hash_key(&(self.0)(record))
    }
    fn is(&self, record: &T, key: &K) -> bool {
        (self.0)(record) == *key
    }
    fn take(&self, record: &T) -> K {
        (self.0)(record)
    }
}

/// No key: all records belong together.
pub struct NoKey;

impl<T> KeyOf<T> for NoKey {
    type Key = ();
    fn hash(&self, _record: &T) -> u64 {
        hash_key(&())
    }
    fn is(&self, _record: &T, _key: &()) -> bool {
        true
    }
    fn take(&self, _record: &T) {}
}

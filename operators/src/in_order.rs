//! Orders in which no two different records are equal, so that which of them is kept does not depend on which came first.

use std::cmp::Ordering;

use millstream_engine::Data;

/// How `a` compares to `b` by `order`; where they are equal in that, by their bytes as they are written down.
#[inline]
pub(crate) fn compare<T: Data, O: Ord>(order: impl Fn(&T) -> O, a: &T, b: &T) -> Ordering {
    match order(a).cmp(&order(b)) {
        Ordering::Equal => compare_bytes(a, b),
        unequal => unequal,
    }
}

#[cold]
fn compare_bytes<T: Data>(a: &T, b: &T) -> Ordering {
    // What cannot be written down cannot be kept either, and is told when a snapshot tries.
    let bytes = |value: &T| millstream_engine::raw::bytes_of(value).unwrap_or_default();
    bytes(a).cmp(&bytes(b))
}

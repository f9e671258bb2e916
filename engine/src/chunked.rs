//! Lists in chunks: for what may grow to gigabytes.
//!
//! A list that doubles copies all it has, and for a while needs three times the room. One that grows chunk by chunk leaves
//! everything where it lies, and needs what it has and a chunk more. The first chunk grows as any list does, for most stay
//! small.
//!
//! *Invariants*: all chunks but the last are full.

use std::iter::{FlatMap, Flatten};
use std::ops::{Index, IndexMut};
use std::{slice, vec};

/// So many lie together.
const CHUNK: usize = 1 << 12;

/// A list that never moves what it has, once it is longer than a chunk.
#[derive(Clone, Debug)]
pub struct Chunked<T>(Vec<Vec<T>>);

impl<T> Default for Chunked<T> {
    fn default() -> Self {
        Chunked(Vec::new())
    }
}

impl<T> Chunked<T> {
    /// A list with room for about `n`, as far as a chunk goes.
    #[must_use]
    pub fn with_capacity(n: usize) -> Self {
        if n == 0 {
            return Chunked::default();
        }
        Chunked(vec![Vec::with_capacity(n.min(CHUNK))])
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        let last = self.0.last().map_or(0, Vec::len);
        self.0.len().saturating_sub(1) * CHUNK + last
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// For how many there is room.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.0.iter().map(Vec::capacity).sum()
    }

    /// Appends `item`.
    pub fn push(&mut self, item: T) {
        match self.0.last_mut() {
            Some(last) if last.len() < CHUNK => last.push(item),
            _ => self.append_chunk(item),
        }
    }

    #[cold]
    fn append_chunk(&mut self, item: T) {
        let room = if self.0.is_empty() { 0 } else { CHUNK };
        let mut chunk = Vec::with_capacity(room);
        chunk.push(item);
        self.0.push(chunk);
    }

    /// All, in the order in which they came.
    pub fn iter(&self) -> Flatten<slice::Iter<'_, Vec<T>>> {
        self.0.iter().flatten()
    }
}

impl<T> Index<usize> for Chunked<T> {
    type Output = T;
    #[inline]
    fn index(&self, place: usize) -> &T {
        &self.0[place / CHUNK][place % CHUNK]
    }
}

impl<T> IndexMut<usize> for Chunked<T> {
    #[inline]
    fn index_mut(&mut self, place: usize) -> &mut T {
        &mut self.0[place / CHUNK][place % CHUNK]
    }
}

impl<T> IntoIterator for Chunked<T> {
    type Item = T;
    type IntoIter =
        FlatMap<vec::IntoIter<Vec<T>>, vec::IntoIter<T>, fn(Vec<T>) -> vec::IntoIter<T>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter().flat_map(Vec::into_iter)
    }
}

impl<'a, T> IntoIterator for &'a Chunked<T> {
    type Item = &'a T;
    type IntoIter = Flatten<slice::Iter<'a, Vec<T>>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<T> FromIterator<T> for Chunked<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let items = items.into_iter();
        let mut list = Chunked::with_capacity(items.size_hint().0);
        items.for_each(|item| list.push(item));
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_list() {
        for n in [0, 1, 5, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 7] {
            let mut list: Chunked<usize> = (0..n).collect();
            assert_eq!((list.len(), list.is_empty()), (n, n == 0));
            assert!(list.iter().copied().eq(0..n));
            assert!((0..n).all(|place| list[place] == place));
            if n > 0 {
                list[n - 1] = 42;
            }
            list.push(n);
            assert_eq!(list[n], n);
            let last_two: Vec<_> = list.into_iter().skip(n.saturating_sub(1)).collect();
            let expected = if n > 0 { vec![42, n] } else { vec![n] };
            assert_eq!(last_two, expected);
        }
    }

    #[test]
    fn it_has_room_for_what_it_has_and_little_more() {
        let list: Chunked<u8> = (0..10 * CHUNK + 1).map(|n| n as u8).collect();
        assert_eq!(list.capacity(), 11 * CHUNK);
        assert_eq!(Chunked::<u8>::with_capacity(0).capacity(), 0);
    }
}

//! The ids that a partition remembers, so that a record that is sent again is not there twice.
//!
//! An id is remembered by a hash of 128 bits, for a time and up to a number. The time is that in which records came: from
//! one to the next, and a pause counts as a tenth of the window at most. So those who retry after the process was down for
//! an hour are recognized, all of them, though another one's record came first. It is known from the records alone, so
//! that what is remembered after opening is what was remembered before.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::time::Duration;

use xxhash_rust::xxh3::xxh3_128;

/// A hash of an id, so wide that no two have the same.
pub(super) type IdHash = u128;

/// The hash of `id`; `None` if it is empty.
#[inline]
pub(super) fn id_hash(id: &[u8]) -> Option<IdHash> {
    (!id.is_empty()).then(|| xxh3_128(id))
}

/// How long and how many ids are remembered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    /// In microseconds.
    pub(super) time: i64,
    pub(super) n: usize,
}

impl Window {
    pub(super) fn new(time: Duration, n: usize) -> Self {
        let time = i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
        Window { time, n }
    }

    /// How long the time from one append to the next counts.
    pub(super) fn counted(self, before: i64, after: i64) -> i64 {
        after.saturating_sub(before).min(self.time / 10).max(0)
    }
}

/// The remembered ids of one partition.
pub(super) struct Ids {
    window: Window,
    offsets: HashMap<IdHash, u64, BuildHasherDefault<Already>>,
    /// With the record of each and its counted time, the oldest first.
    in_order: VecDeque<(IdHash, u64, i64)>,
    /// The time that has counted so far.
    counted: i64,
    newest: Option<i64>,
}

impl Ids {
    pub(super) fn new(window: Window) -> Self {
        Ids {
            window,
            offsets: HashMap::default(),
            in_order: VecDeque::new(),
            counted: 0,
            newest: None,
        }
    }

    /// The record that has this id; if there is none, it is record `offset` from now on, appended at `time`.
    pub(super) fn claim(&mut self, id: IdHash, offset: u64, time: i64) -> Option<u64> {
        match self.offsets.entry(id) {
            Entry::Occupied(known) => Some(*known.get()),
            Entry::Vacant(free) => {
                free.insert(offset);
                self.move_to(time);
                self.in_order.push_back((id, offset, self.counted));
                None
            }
        }
    }

    /// Records are appended at `time`, with ids or without.
    pub(super) fn move_to(&mut self, time: i64) {
        let newest = self.newest.replace(time).unwrap_or(time);
        self.counted += self.window.counted(newest, time);
    }

    /// Remembers the id of record `offset`.
    fn remember(&mut self, id: IdHash, offset: u64) {
        self.offsets.insert(id, offset);
        self.in_order.push_back((id, offset, self.counted));
    }

    /// Remembers the ids of a segment, which follow what is remembered: with the record of each and the time that had
    /// counted in the segment, which is `counted` in all.
    pub(super) fn restore(&mut self, ids: &[(IdHash, u64, i64)], counted: i64) {
        let before = self.counted;
        for (id, offset, since) in ids {
            self.counted = before + since;
            self.remember(*id, *offset);
        }
        self.counted = before + counted;
        self.forget();
    }

    /// All is restored, and the last record was appended at `time`.
    pub(super) fn restored_to(&mut self, time: i64) {
        self.newest = Some(time);
    }

    /// Forgets what is outside the window.
    pub(super) fn forget(&mut self) {
        let since = self.counted.saturating_sub(self.window.time);
        while let Some(&(id, offset, counted)) = self.in_order.front()
            && (self.in_order.len() > self.window.n || counted < since)
        {
            // A later record may have the id, if it was forgotten before.
            if self.offsets.get(&id) == Some(&offset) {
                self.offsets.remove(&id);
            }
            self.in_order.pop_front();
        }
    }
}

/// Hashes what is a hash already.
#[derive(Default)]
pub(super) struct Already(u64);

impl Hasher for Already {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write_u128(&mut self, hash: u128) {
        self.0 = hash as u64;
    }
    fn write(&mut self, _bytes: &[u8]) {
        unreachable!("only hashes are hashed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;

    fn ids(seconds: u64, n: usize) -> Ids {
        Ids::new(Window::new(Duration::from_secs(seconds), n))
    }

    fn known(ids: &Ids, id: IdHash) -> Option<u64> {
        ids.offsets.get(&id).copied()
    }

    #[test]
    fn as_many_as_it_may() {
        let mut ids = ids(600, 3);
        for n in 0..5 {
            assert_eq!(ids.claim(n, n as u64, 0), None);
            ids.forget();
        }
        assert_eq!(ids.claim(4, 9, 0), Some(4));
        let remembered: Vec<_> = (0..5).filter_map(|n| known(&ids, n)).collect();
        assert_eq!(remembered, [2, 3, 4]);
    }

    #[test]
    fn as_long_as_it_may() {
        let mut ids = ids(600, 1000);
        for n in 0..=11 {
            ids.claim(n as u128, n as u64, i64::from(n) * 60 * SECOND);
            ids.forget();
        }
        assert_eq!(known(&ids, 0), None);
        assert_eq!(known(&ids, 1), Some(1), "ten minutes ago");
    }

    #[test]
    fn a_pause_makes_nobody_forget() {
        let mut ids = ids(600, 1000);
        ids.claim(1, 1, 0);
        ids.claim(2, 2, 3600 * SECOND);
        ids.forget();
        assert_eq!((known(&ids, 1), known(&ids, 2)), (Some(1), Some(2)));
    }
}

//! How much sessions keep, for the status: counted where that is quick, else estimated.

use std::mem::size_of;
use std::time::Duration;

use millstream_engine::raw::Size;
use millstream_engine::{Data, EventTime, KeyOf};

use super::due::Item;
use super::frozen::Frozen;
use super::kept::{Kept, Named};
use super::open::OpenSessions;
use crate::aggregate::Aggregate;

/// How much later than it is filed a session is final: its end belongs to it.
const AFTER: Duration = Duration::from_micros(1);

/// So many sessions are looked at to find the one that is final first.
const LOOKS: usize = 64;

impl<T: Data, K: KeyOf<T>, A: Aggregate<T>> OpenSessions<T, K, A> {
    /// Counts the bytes on the heap, which takes a look at every session.
    pub(super) fn count_heap(&mut self) {
        let sessions = self.sessions.iter();
        self.heap_bytes = sessions
            .map(|session| self.aggregate.heap_bytes(&session.state))
            .sum();
    }

    /// What is kept.
    pub(super) fn size(&mut self) -> Size {
        let next_close = self.next_close();
        let n_open = self.sessions.len();
        // The heap was counted some time ago: since then everything may have gone.
        let heap_bytes = if n_open == 0 { 0 } else { self.heap_bytes };
        let frozen_bytes = self.notes.frozen.as_ref().map_or(0, Frozen::n_bytes);
        let n_filed = self.notes.ends.len() + self.notes.closes.len();
        let list_bytes =
            self.notes.changed.len() * size_of::<Named>() + n_filed * size_of::<Item>();
        let bytes = self.sessions.n_bytes() + list_bytes + heap_bytes + frozen_bytes;
        Size {
            keys: self.sessions.n_keys() as u64,
            open_windows: n_open as u64,
            bytes: bytes as u64,
            next_close,
        }
    }

    /// When the first session will be final.
    ///
    /// The one that is filed first may have been extended since: then it is filed anew, until the first is right. Where
    /// very many have been, it is a time before which none will be.
    fn next_close(&mut self) -> EventTime {
        for _ in 0..LOOKS {
            let Some((filed, named)) = self.notes.closes.first() else {
                return EventTime::MAX;
            };
            let is_it = |session: &Kept<K::Key, A::State>| session.filed.close == filed;
            match self.sessions.find(named, is_it) {
                Some(session) if self.notes.close(session.span) == filed => break,
                Some(session) => self.notes.file_close(session),
                None => {}
            }
            self.notes.closes.drop_first();
        }
        let first = self.notes.closes.first();
        first.map_or(EventTime::MAX, |(filed, _)| filed.plus(AFTER))
    }
}

//! One session, as it is kept, and its name.
//!
//! A session is *named* by the time of the record that began it, and keeps that name whatever joins it. No other session of
//! the key is ever named so: a record of that time belongs to it while it is open, and is late thereafter.

use millstream_engine::EventTime;

use super::super::flags::Flags;
use super::span::Span;

/// One session, and what is noted of it.
pub(super) struct Kept<K, S> {
    pub(super) hash: u64,
    pub(super) key: K,
    pub(super) name: EventTime,
    pub(super) span: Span,
    pub(super) state: S,
    /// Under which times it is filed, as one that ends and as one that closes: no others count.
    pub(super) filed: Filed,
    pub(super) flags: Flags,
}

/// Under which times a session is filed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Filed {
    pub(super) end: EventTime,
    pub(super) close: EventTime,
}

/// By which a session is found again: the hash of its key, and its name.
pub(super) type Named = (u64, EventTime);

impl<K, S: Default> Kept<K, S> {
    pub(super) fn new(hash: u64, key: K, span: Span) -> Self {
        Kept {
            hash,
            key,
            name: span.first,
            span,
            state: S::default(),
            filed: Filed::default(),
            flags: Flags::NONE,
        }
    }
}

impl<K, S> Kept<K, S> {
    pub(super) fn named(&self) -> Named {
        (self.hash, self.name)
    }
}

//! Sessions as they were when a snapshot was taken.
//!
//! They come back one by one, each where its key hashes to. Between two snapshots they may seem to touch, because one was
//! joined to the other and its removal comes later; once all is restored none does. Whether one has ended follows from the
//! watermark, and whatever had changed was shown before it was frozen: nothing else is kept, and what is restored emits
//! nothing.

use millstream_engine::raw::{At, Entry, Kind, hash_key};
use millstream_engine::{Data, EventTime, KeyOf, LoadError};

use super::super::flags::Flags;
use super::open::OpenSessions;
use super::span::Span;
use crate::aggregate::Aggregate;

impl<T: Data, K: KeyOf<T>, A: Aggregate<T>> OpenSessions<T, K, A> {
    /// Takes back what was written of a session.
    pub(super) fn restore(&mut self, entry: &Entry<'_>) -> Result<(), LoadError> {
        if entry.window.is_some() {
            return Err(LoadError::Unexpected);
        }
        let (key, name): (K::Key, EventTime) = entry.key()?;
        let hash = hash_key(&key);
        if entry.kind == Kind::Remove {
            self.sessions
                .take((hash, name), |session| session.key == key);
            return Ok(());
        }
        let mut value = entry.value();
        let (first, last) = value.take()?;
        let session = self.sessions.of_name(hash, key, name);
        session.span = Span { first, last };
        if entry.kind == Kind::Put {
            session.state = A::State::default();
        }
        self.aggregate.load(&mut session.state, &mut value)
    }

    /// All is restored, as of the end of `at.epoch`.
    pub(super) fn resume(&mut self, at: At) {
        let notes = &mut self.notes;
        notes.watermark = at.watermark;
        for session in self.sessions.iter_mut() {
            session.flags = Flags::SAVED.with(Flags::SHOWN);
            if notes.has_ended(session.span) {
                session.flags.set(Flags::ENDED);
            } else {
                // Nobody has said yet whether ends are to be told.
                notes.file_end(session, session.span);
            }
            notes.file_close(session);
        }
        self.count_heap();
    }
}

//! Windows as they were when a snapshot was taken.
//!
//! Panes come back one by one, each where its key hashes to. Whether a window has ended follows from the watermark, and
//! whatever had changed was shown before it was frozen: so nothing else is kept, and what is restored emits nothing.

use millstream_engine::raw::{At, Entry, Kind, hash_key};
use millstream_engine::{Data, EventTime, KeyOf, LoadError, Window};

use super::always::TOLD;
use super::cut::Cut;
use super::flags::Flags;
use super::open_windows::OpenWindows;
use crate::aggregate::Aggregate;

impl<T: Data, K: KeyOf<T>, A: Aggregate<T>, C: Cut<T>> OpenWindows<T, K, A, C> {
    /// What a run that goes on from here must know of windows that are closed.
    pub(super) fn note(&self) -> Option<String> {
        if self.cut.never_closes() {
            return self.is_told.then(|| TOLD.into());
        }
        self.cut.lateness().note(self.watermark)
    }

    /// Takes that back.
    pub(super) fn restore_note(&mut self, note: &str) -> Result<(), LoadError> {
        if self.cut.never_closes() {
            self.is_told |= note == TOLD;
            return Ok(());
        }
        self.cut.lateness_mut().restore_note(note)
    }

    /// Drops a piece with all its panes.
    pub(super) fn forget(&mut self, window: Window) {
        self.pieces.remove(&window.into());
    }

    /// Takes back what was written of a pane.
    pub(super) fn restore(&mut self, entry: &Entry<'_>) -> Result<(), LoadError> {
        let window = entry.window.ok_or(LoadError::Unexpected)?;
        let key: K::Key = entry.key()?;
        let is_whole = match entry.kind {
            Kind::Put => true,
            Kind::Add => false,
            Kind::Remove => return Err(LoadError::Unexpected),
        };
        let panes = self.pieces.entry(window.into()).or_default();
        let place = panes.place_of(hash_key(&key), key);
        let pane = &mut panes.panes[place];
        pane.flags = Flags::SAVED;
        if is_whole {
            pane.state = A::State::default();
        }
        self.aggregate.load(&mut pane.state, &mut entry.value())
    }

    /// All is restored, as of the end of `at.epoch`.
    pub(super) fn resume(&mut self, at: At) {
        self.watermark = at.watermark;
        // Not what the watermark would close by the lateness of this run: that is closed when it moves.
        self.closed = self.cut.lateness().closed_by(EventTime::MIN);
        self.count_heap();
    }
}

//! Windows as they were when a snapshot was taken.
//!
//! Panes come back one by one, each where its key hashes to. Whether a window has ended follows from the watermark, and
//! whatever had changed was shown before it was frozen: so nothing else is kept, and what is restored emits nothing.

use millstream_engine::raw::{At, Entry, Kind, hash_key};
use millstream_engine::{Data, KeyOf, LoadError, Window};

use super::flags::Flags;
use super::open_windows::OpenWindows;
use crate::aggregate::Aggregate;

impl<T: Data, K: KeyOf<T>, A: Aggregate<T>> OpenWindows<T, K, A> {
    /// Drops a window with all its panes.
    pub(super) fn forget(&mut self, window: Window) {
        self.windows.remove(&window);
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
        let panes = self.windows.entry(window).or_default();
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
        self.count_heap();
    }
}

//! Pieces in order: whatever is to be closed first comes first.

use std::collections::BTreeMap;

use millstream_engine::{EventTime, Window};

use super::panes::Panes;

/// A window, ordered by its end: of windows that are not of one length the first to begin is not the first to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ByEnd {
    pub(super) end: EventTime,
    pub(super) start: EventTime,
}

impl ByEnd {
    /// Comes after all windows that end by `end`, and before all others.
    pub(super) fn last(end: EventTime) -> Self {
        ByEnd {
            end,
            start: EventTime::MAX,
        }
    }

    pub(super) fn window(self) -> Window {
        Window {
            start: self.start,
            end: self.end,
        }
    }
}

impl From<Window> for ByEnd {
    fn from(window: Window) -> Self {
        ByEnd {
            end: window.end,
            start: window.start,
        }
    }
}

/// What is kept of windows that are not final.
pub(super) type Pieces<K, S> = BTreeMap<ByEnd, Panes<K, S>>;

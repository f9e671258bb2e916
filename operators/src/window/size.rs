//! How much windows keep, for the status: counted where that is quick, else estimated.

use std::mem::size_of;

use millstream_engine::raw::Size;
use millstream_engine::{Data, EventTime, KeyOf, Window};

use super::cut::Cut;
use super::frozen::Frozen;
use super::open_windows::OpenWindows;
use super::panes::{Pane, Panes};
use crate::aggregate::Aggregate;

/// So many panes of a piece are looked at, at most.
const SAMPLES: usize = 1_024;

impl<T: Data, K: KeyOf<T>, A: Aggregate<T>, C: Cut<T>> OpenWindows<T, K, A, C> {
    /// Counts the bytes on the heap: of every pane where they are few, else of some that stand for all.
    pub(super) fn count_heap(&mut self) {
        let of_piece = |panes: &Panes<K::Key, A::State>| {
            let panes = &panes.panes;
            let step = panes.len().div_ceil(SAMPLES).max(1);
            let some = (0..panes.len()).step_by(step);
            let bytes = some.map(|place| self.aggregate.heap_bytes(&panes[place].state));
            bytes.sum::<usize>() * panes.len() / panes.len().div_ceil(step).max(1)
        };
        self.heap_bytes = self.pieces.values().map(of_piece).sum();
    }

    /// How many panes there are.
    pub(super) fn n_panes(&self) -> usize {
        self.pieces.values().map(|panes| panes.panes.len()).sum()
    }

    /// What is kept.
    pub(super) fn size(&self) -> Size {
        let n_panes = self.n_panes();
        // The heap was counted some time ago: since then everything may have gone.
        let heap_bytes = if n_panes == 0 { 0 } else { self.heap_bytes };
        // A pane is in the table and in the list of what changed, and in that of what is to be saved.
        let n_places = if self.frozen.is_some() { 3 } else { 2 };
        let pane_bytes = size_of::<Pane<K::Key, A::State>>() + n_places * size_of::<u32>();
        let frozen_bytes = self.frozen.as_ref().map_or(0, Frozen::n_bytes);
        let (open_windows, first) = self.open_windows();
        let close = |window| self.cut.lateness().close(window);
        Size {
            keys: n_panes as u64,
            open_windows,
            bytes: (n_panes * pane_bytes + heap_bytes + frozen_bytes) as u64,
            next_close: first.map_or(EventTime::MAX, close),
        }
    }

    /// How many windows are open, and the first of them to close.
    fn open_windows(&self) -> (u64, Option<Window>) {
        let mut pieces = self.pieces.keys().map(|piece| piece.window());
        if self.cut.never_closes() {
            return (0, None);
        }
        let Some(hops) = self.cut.hops() else {
            return (self.pieces.len() as u64, pieces.next());
        };
        let (mut n, mut first) = (0, None);
        for numbers in hops.ranges(pieces, hops.first_after(self.closed)) {
            if !numbers.is_empty() {
                first = first.or_else(|| Some(hops.window(*numbers.start())));
                n += (numbers.end() - numbers.start()) as u64 + 1;
            }
        }
        (n, first)
    }
}

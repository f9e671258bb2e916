//! The windows that are not final: records are folded into them, they are shown, they end, and they close.

use std::collections::BTreeMap;
use std::mem::size_of;
use std::rc::Rc;

use millstream_engine::raw::{At, Demand, Size};
use millstream_engine::{Change, Data, EventTime, KeyOf, Record, Stage, Window, Windowed};

use super::ahead::Ahead;
use super::panes::{Pane, Panes, fold};
use super::runs::runs;
use super::tumbling::Tumbling;
use crate::aggregate::Aggregate;

/// How often, in publish epochs, the bytes on the heap are counted anew.
const COUNT_HEAP_EVERY: u32 = 64;

/// The windows that are not final.
pub(super) struct OpenWindows<T, K: KeyOf<T>, A: Aggregate<T>> {
    key: Rc<K>,
    aggregate: Rc<A>,
    tumbling: Tumbling,
    demand: Demand,
    windows: BTreeMap<Window, Panes<K::Key, A::State>>,
    heap_bytes: usize,
    n_published: u32,
}

pub(super) type Changes<T, K, A> =
    Vec<Change<Windowed<<K as KeyOf<T>>::Key>, <A as Aggregate<T>>::Output>>;

impl<T: Data, K: KeyOf<T>, A: Aggregate<T>> OpenWindows<T, K, A> {
    pub(super) fn new(key: Rc<K>, aggregate: Rc<A>, tumbling: Tumbling, demand: Demand) -> Self {
        OpenWindows {
            key,
            aggregate,
            tumbling,
            demand,
            windows: BTreeMap::new(),
            heap_bytes: 0,
            n_published: 0,
        }
    }

    /// Folds the records of a batch that are not late; those that are go to `late`.
    pub(super) fn fold(&mut self, batch: &[Record<T>], at: At, late: &mut Vec<Record<T>>) {
        let shows = self.demand.partial.get();
        let (key, aggregate, windows) = (&*self.key, &*self.aggregate, &mut self.windows);
        runs(
            batch,
            self.tumbling,
            at.watermark,
            late,
            |window, values| {
                fold(windows, window, values, key, aggregate, shows);
            },
        );
    }

    /// Takes what the step ahead sent.
    pub(super) fn merge(&mut self, ahead: Ahead<T, K::Key, A::State>, at: At) {
        let (Ahead::Combined { window, .. } | Ahead::Single { window, .. }) = &ahead;
        let window = *window;
        assert!(
            self.tumbling.close(window) > at.watermark,
            "the step ahead lets nothing late through"
        );
        let panes = self.windows.entry(window).or_default();
        let place = match ahead {
            Ahead::Combined {
                hash, key, state, ..
            } => {
                let place = panes.place_of(hash, key);
                self.aggregate.merge(&mut panes.panes[place].state, state);
                place
            }
            Ahead::Single { value, .. } => {
                let place = panes.place(&*self.key, &value);
                self.aggregate.add(&mut panes.panes[place].state, &value);
                place
            }
        };
        if self.demand.partial.get() {
            panes.note_change(place);
        }
    }

    fn row(
        &self,
        window: Window,
        pane: &Pane<K::Key, A::State>,
        stage: Stage,
    ) -> Change<Windowed<K::Key>, A::Output> {
        let key = Windowed {
            window,
            key: pane.key.clone(),
        };
        Change {
            key,
            value: Some(self.aggregate.output(&pane.state)),
            stage,
        }
    }

    /// Ends the windows that the watermark has passed, and closes those that are final.
    pub(super) fn pass(&mut self, watermark: EventTime, out: &mut Changes<T, K, A>) {
        let shows_ended = self.demand.ended.get();
        let mut windows = std::mem::take(&mut self.windows);
        for (window, panes) in windows.range_mut(..) {
            if window.end > watermark {
                break;
            }
            if shows_ended && !panes.ended {
                // Whoever follows every change has not heard of these, and may not until the window is final.
                if self.tumbling.close(*window) > watermark {
                    self.show(*window, panes, Stage::Open, out);
                } else {
                    panes.forget_changes();
                }
                out.extend(
                    panes
                        .panes
                        .iter()
                        .map(|pane| self.row(*window, pane, Stage::Ended)),
                );
            }
            panes.ended = true;
        }
        while let Some(entry) = windows
            .first_entry()
            .filter(|entry| self.tumbling.close(*entry.key()) <= watermark)
        {
            let (window, mut panes) = entry.remove_entry();
            if shows_ended {
                self.show(window, &mut panes, Stage::Corrected, out);
            }
            out.extend(
                panes
                    .panes
                    .iter()
                    .map(|pane| self.row(window, pane, Stage::Final)),
            );
        }
        self.windows = windows;
    }

    /// Shows what has changed in a window since it was last shown.
    fn show(
        &self,
        window: Window,
        panes: &mut Panes<K::Key, A::State>,
        stage: Stage,
        out: &mut Changes<T, K, A>,
    ) {
        for place in std::mem::take(&mut panes.changed) {
            let pane = &mut panes.panes[place as usize];
            pane.changed = false;
            out.push(self.row(window, pane, stage));
        }
    }

    /// Shows what has changed in all windows.
    pub(super) fn publish(&mut self, out: &mut Changes<T, K, A>) {
        let mut windows = std::mem::take(&mut self.windows);
        for (window, panes) in &mut windows {
            let stage = if panes.ended {
                Stage::Corrected
            } else {
                Stage::Open
            };
            self.show(*window, panes, stage, out);
        }
        self.windows = windows;
        if self.n_published.is_multiple_of(COUNT_HEAP_EVERY) {
            let panes = self.windows.values().flat_map(|panes| &panes.panes);
            self.heap_bytes = panes
                .map(|pane| self.aggregate.heap_bytes(&pane.state))
                .sum();
        }
        self.n_published = self.n_published.wrapping_add(1);
    }

    /// What is kept.
    pub(super) fn size(&self) -> Size {
        let n_panes: usize = self.windows.values().map(|panes| panes.panes.len()).sum();
        // The heap was counted some time ago: since then everything may have gone.
        let heap_bytes = if n_panes == 0 { 0 } else { self.heap_bytes };
        let bytes =
            n_panes * (size_of::<Pane<K::Key, A::State>>() + 2 * size_of::<u32>()) + heap_bytes;
        let next_close = self
            .windows
            .first_key_value()
            .map_or(EventTime::MAX, |(w, _)| self.tumbling.close(*w));
        Size {
            keys: n_panes as u64,
            open_windows: self.windows.len() as u64,
            bytes: bytes as u64,
            next_close,
        }
    }
}

//! The windows that are not final: records are folded into them, they are shown, they end, and they close.
//!
//! A window has ended once the watermark has passed its end: also one that is opened only then, by a record within the
//! lateness. What comes to it are corrections from the start.

use std::collections::BTreeMap;
use std::rc::Rc;

use millstream_engine::raw::{At, Demand, Log};
use millstream_engine::{Change, Data, EventTime, KeyOf, Record, Stage, Window, Windowed};

use super::ahead::Ahead;
use super::flags::Flags;
use super::frozen::Frozen;
use super::panes::{Pane, Panes, fold};
use super::runs::runs;
use super::tumbling::Tumbling;
use crate::aggregate::Aggregate;

/// How often, in publish epochs, the bytes on the heap are counted anew.
const COUNT_HEAP_EVERY: u32 = 64;

/// The windows that are not final.
pub(super) struct OpenWindows<T, K: KeyOf<T>, A: Aggregate<T>> {
    key: Rc<K>,
    pub(super) aggregate: Rc<A>,
    pub(super) tumbling: Tumbling,
    demand: Demand,
    pub(super) windows: BTreeMap<Window, Panes<K::Key, A::State>>,
    /// The watermark they have been passed by.
    pub(super) watermark: EventTime,
    /// What snapshots are to take of them, if snapshots are taken.
    pub(super) frozen: Option<Frozen<T, K, A>>,
    pub(super) heap_bytes: usize,
    n_published: u32,
}

pub(super) type Changes<T, K, A> =
    Vec<Change<Windowed<<K as KeyOf<T>>::Key>, <A as Aggregate<T>>::Output>>;

impl<T: Data, K: KeyOf<T>, A: Aggregate<T>> OpenWindows<T, K, A> {
    pub(super) fn new(key: Rc<K>, aggregate: Rc<A>, tumbling: Tumbling, demand: Demand) -> Self {
        let frozen = demand.snapshots.then(|| Frozen::new(Rc::clone(&aggregate)));
        OpenWindows {
            key,
            aggregate,
            tumbling,
            demand,
            windows: BTreeMap::new(),
            watermark: EventTime::MIN,
            frozen,
            heap_bytes: 0,
            n_published: 0,
        }
    }

    /// Folds the records of a batch that are not late; those that are go to `late`.
    pub(super) fn fold(&mut self, batch: &[Record<T>], at: At, late: &mut Vec<Record<T>>) {
        let noted = self.noted();
        let (key, aggregate, windows) = (&*self.key, &*self.aggregate, &mut self.windows);
        let frozen = &mut self.frozen;
        runs(
            batch,
            self.tumbling,
            at.watermark,
            late,
            |window, values| {
                fold(windows, window, values, key, aggregate, |panes, place| {
                    note(window, panes, place, noted, frozen);
                });
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
        let noted = self.noted();
        let panes = self.windows.entry(window).or_default();
        match ahead {
            Ahead::Combined {
                hash, key, state, ..
            } => {
                let place = panes.place_of(hash, key);
                note(window, panes, place, noted, &mut self.frozen);
                self.aggregate.merge(&mut panes.panes[place].state, state);
            }
            Ahead::Single { value, .. } => {
                let place = panes.place(&*self.key, &value);
                note(window, panes, place, noted, &mut self.frozen);
                self.aggregate.add(&mut panes.panes[place].state, &value);
            }
        }
    }

    /// The flags of a pane of which nobody needs to hear any more that it changes.
    fn noted(&self) -> Flags {
        let shown = if self.demand.partial.get() {
            Flags::CHANGED
        } else {
            Flags::NONE
        };
        shown.with(self.frozen.as_ref().map_or(Flags::NONE, Frozen::turn))
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
        let before = std::mem::replace(&mut self.watermark, watermark);
        let shows_ended = self.demand.ended.get();
        let mut windows = std::mem::take(&mut self.windows);
        let ending = windows
            .iter_mut()
            .skip_while(|(window, _)| window.end <= before)
            .take_while(|(window, _)| shows_ended && window.end <= watermark);
        for (window, panes) in ending {
            // Whoever follows every change has not heard of these, and may not until the window is final.
            if self.tumbling.close(*window) > watermark {
                self.show(*window, panes, Stage::Open, out);
            } else {
                panes.forget_changes();
            }
            let panes = panes.panes.iter();
            out.extend(panes.map(|pane| self.row(*window, pane, Stage::Ended)));
        }
        while let Some(entry) = windows
            .first_entry()
            .filter(|entry| self.tumbling.close(*entry.key()) <= watermark)
        {
            let (window, mut panes) = entry.remove_entry();
            if shows_ended {
                self.show(window, &mut panes, Stage::Corrected, out);
            }
            let rows = panes.panes.iter();
            out.extend(rows.map(|pane| self.row(window, pane, Stage::Final)));
            if let Some(frozen) = &mut self.frozen {
                frozen.close(window, panes);
            }
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
            pane.flags.take(Flags::CHANGED);
            out.push(self.row(window, pane, stage));
        }
    }

    /// Shows what has changed in all windows.
    pub(super) fn publish(&mut self, out: &mut Changes<T, K, A>) {
        let mut windows = std::mem::take(&mut self.windows);
        for (window, panes) in &mut windows {
            let stage = if window.end <= self.watermark {
                Stage::Corrected
            } else {
                Stage::Open
            };
            self.show(*window, panes, stage, out);
        }
        self.windows = windows;
        if self.n_published.is_multiple_of(COUNT_HEAP_EVERY) {
            self.count_heap();
        }
        self.n_published = self.n_published.wrapping_add(1);
    }

    /// Freezes what has changed since the last freeze.
    pub(super) fn freeze(&mut self) {
        if let Some(frozen) = &mut self.frozen {
            frozen.freeze(&mut self.windows);
        }
    }

    /// Writes of what is frozen about `n_bytes` at most; whether that was the last of it.
    pub(super) fn save(&mut self, log: &mut Log, n_bytes: usize) -> bool {
        let windows = &mut self.windows;
        let frozen = self.frozen.as_mut();
        frozen.is_none_or(|frozen| frozen.save(windows, log, n_bytes))
    }
}

/// Notes that a pane is about to change, for those who want to hear of it and have not.
fn note<T, K: KeyOf<T>, A: Aggregate<T>>(
    window: Window,
    panes: &mut Panes<K::Key, A::State>,
    place: usize,
    noted: Flags,
    frozen: &mut Option<Frozen<T, K, A>>,
) {
    if panes.panes[place].flags.has(noted) {
        return;
    }
    if noted.has(Flags::CHANGED) {
        panes.note_change(place);
    }
    if let Some(frozen) = frozen {
        frozen.touch(window, panes, place);
    }
}

//! The windows that are not final: records are folded into them, they are shown, they end, and they close.
//!
//! A window has ended once the watermark has passed its end: also one that is opened only then, by a record within the
//! lateness. What comes to it are corrections from the start.
//!
//! Here are windows that do not overlap, so that each piece is a window; those that do are shown and closed in
//! [`overlapping`](super::overlapping).

use std::rc::Rc;

use millstream_engine::raw::{At, Demand, Log};
use millstream_engine::{Change, Data, EventTime, KeyOf, Record, Stage, Window, Windowed};

use super::ahead::Ahead;
use super::cut::Cut;
use super::flags::Flags;
use super::frozen::Frozen;
use super::panes::{Pane, Panes, fold, panes_of};
use super::pieces::{ByEnd, Pieces};
use super::runs::{owned_runs, runs};
use crate::aggregate::Aggregate;

/// How often, in publish epochs, the bytes on the heap are counted anew.
const COUNT_HEAP_EVERY: u32 = 64;

/// The windows that are not final.
pub(super) struct OpenWindows<T, K: KeyOf<T>, A: Aggregate<T>, C> {
    key: Rc<K>,
    pub(super) aggregate: Rc<A>,
    pub(super) cut: C,
    pub(super) demand: Demand,
    pub(super) pieces: Pieces<K::Key, A::State>,
    /// The watermark they have been passed by.
    pub(super) watermark: EventTime,
    /// If windows overlap: those that end by then have been closed.
    pub(super) closed: EventTime,
    /// What snapshots are to take of them, if snapshots are taken.
    pub(super) frozen: Option<Frozen<T, K, A>>,
    /// Of the window of all time: its final rows were told.
    pub(super) is_told: bool,
    pub(super) heap_bytes: usize,
    /// How many panes there were when that was counted.
    n_counted: usize,
    n_published: u32,
}

pub(super) type Changes<T, K, A> =
    Vec<Change<Windowed<<K as KeyOf<T>>::Key>, <A as Aggregate<T>>::Output>>;

impl<T: Data, K: KeyOf<T>, A: Aggregate<T>, C: Cut<T>> OpenWindows<T, K, A, C> {
    pub(super) fn new(key: Rc<K>, aggregate: Rc<A>, cut: C, demand: Demand) -> Self {
        let frozen = demand.snapshots.then(|| Frozen::new(Rc::clone(&aggregate)));
        OpenWindows {
            key,
            aggregate,
            cut,
            demand,
            pieces: Pieces::new(),
            watermark: EventTime::MIN,
            closed: EventTime::MIN,
            frozen,
            is_told: false,
            heap_bytes: 0,
            n_counted: 0,
            n_published: 0,
        }
    }

    /// Folds the records of a batch that are not late; those that are go to `late`.
    pub(super) fn fold(&mut self, batch: &[Record<T>], at: At, late: &mut Vec<Record<T>>) {
        let noted = self.noted();
        let (key, aggregate, pieces) = (&*self.key, &*self.aggregate, &mut self.pieces);
        let frozen = &mut self.frozen;
        runs(batch, &self.cut, at.watermark, late, |piece, values| {
            fold(pieces, piece, values, key, aggregate, |panes, place| {
                note(piece, panes, place, noted, frozen);
            });
        });
    }

    /// Folds the records of a batch that are not late, and may keep them.
    pub(super) fn take(&mut self, batch: Vec<Record<T>>, at: At, late: &mut Vec<Record<T>>) {
        let noted = self.noted();
        let (key, aggregate, pieces) = (&*self.key, &*self.aggregate, &mut self.pieces);
        let frozen = &mut self.frozen;
        let mut values = owned_runs(batch, &self.cut, at.watermark, late).peekable();
        while let Some(piece) = values.peek().map(|(piece, _)| *piece) {
            let panes = panes_of(pieces, piece);
            while let Some((_, value)) = values.next_if(|(next, _)| *next == piece) {
                let place = panes.place(key, &value);
                note(piece, panes, place, noted, frozen);
                aggregate.take(&mut panes.panes[place].state, value);
            }
        }
    }

    /// Takes what the step ahead sent: mostly one after another of one piece, which is looked up once.
    pub(super) fn merge(&mut self, sent: Vec<Ahead<T, K::Key, A::State>>, at: At) {
        let noted = self.noted();
        let mut sent = sent.into_iter().peekable();
        while let Some(window) = sent.peek().map(Ahead::window) {
            assert!(
                self.cut.never_closes() || self.cut.lateness().close(window) > at.watermark,
                "the step ahead lets nothing late through"
            );
            let panes = panes_of(&mut self.pieces, window);
            while let Some(ahead) = sent.next_if(|ahead| ahead.window() == window) {
                match ahead {
                    Ahead::Combined {
                        hash, key, state, ..
                    } => {
                        let place = panes.place_of(hash, key);
                        note(window, panes, place, noted, &mut self.frozen);
                        self.aggregate.merge(&mut panes.panes[place].state, state);
                    }
                    Ahead::Single { hash, value, .. } => {
                        let place = panes.place_hashed(hash, &*self.key, &value);
                        note(window, panes, place, noted, &mut self.frozen);
                        self.aggregate.take(&mut panes.panes[place].state, value);
                    }
                }
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

    pub(super) fn row(
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
        if watermark == EventTime::MAX && before < watermark {
            self.cut.lateness_mut().end(before);
        }
        if let Some(hops) = self.cut.hops() {
            self.pass_overlapping(hops, before, out);
            return;
        }
        if self.cut.never_closes() {
            return;
        }
        let shows_ended = self.demand.ended.get();
        let mut pieces = std::mem::take(&mut self.pieces);
        if shows_ended {
            for (piece, panes) in pieces.range_mut(ByEnd::last(before)..=ByEnd::last(watermark)) {
                self.end(piece.window(), panes, out);
            }
        }
        while let Some(entry) = pieces
            .first_entry()
            .filter(|entry| self.cut.lateness().close(entry.key().window()) <= watermark)
        {
            let (piece, mut panes) = entry.remove_entry();
            let window = piece.window();
            if shows_ended {
                self.show(window, &mut panes, Stage::Corrected, out);
            }
            let rows = panes.panes.iter();
            out.extend(rows.map(|pane| self.row(window, pane, Stage::Final)));
            if let Some(frozen) = &mut self.frozen {
                frozen.close(window, panes);
            }
        }
        self.pieces = pieces;
    }

    /// Ends a window that the watermark has passed.
    fn end(&self, window: Window, panes: &mut Panes<K::Key, A::State>, out: &mut Changes<T, K, A>) {
        // Whoever follows every change has not heard of these, and may not until the window is final.
        if self.cut.lateness().close(window) > self.watermark {
            self.show(window, panes, Stage::Open, out);
        } else {
            panes.forget_changes();
        }
        let panes = panes.panes.iter();
        out.extend(panes.map(|pane| self.row(window, pane, Stage::Ended)));
    }

    /// Shows what has changed in a window since it was last shown.
    pub(super) fn show(
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
        if let Some(hops) = self.cut.hops() {
            self.show_overlapping(hops, self.watermark, out);
        } else {
            let mut pieces = std::mem::take(&mut self.pieces);
            for (piece, panes) in &mut pieces {
                let stage = stage_at(piece.end, self.watermark);
                self.show(piece.window(), panes, stage, out);
            }
            self.pieces = pieces;
        }
        // Under load there are few publish epochs, and what is kept grows fast.
        let n_panes = self.n_panes();
        let has_grown = n_panes > self.n_counted + self.n_counted / 4;
        if has_grown || self.n_published.is_multiple_of(COUNT_HEAP_EVERY) {
            self.n_counted = n_panes;
            self.count_heap();
        }
        self.n_published = self.n_published.wrapping_add(1);
    }

    /// Freezes what has changed since the last freeze.
    pub(super) fn freeze(&mut self) {
        if let Some(frozen) = &mut self.frozen {
            frozen.freeze(&mut self.pieces);
        }
    }

    /// Writes of what is frozen about `n_bytes` at most; whether that was the last of it.
    pub(super) fn save(&mut self, log: &mut Log, n_bytes: usize) -> bool {
        let pieces = &mut self.pieces;
        let frozen = self.frozen.as_mut();
        frozen.is_none_or(|frozen| frozen.save(pieces, log, n_bytes))
    }
}

/// The stage of what changes at `watermark` in a window that ends at `end`.
pub(super) fn stage_at(end: EventTime, watermark: EventTime) -> Stage {
    if end <= watermark {
        Stage::Corrected
    } else {
        Stage::Open
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

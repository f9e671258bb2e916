//! Windows that overlap: the row of a window is the merge of its pieces.
//!
//! ```text
//!  windows 7 to 9   ├───────────────────┤
//!                        ├───────────────────┤
//!                             ├───────────────────┤
//!  pieces           ├─a──┼─b──┼─c──┼─d──┤
//!                        ┆    ├─x──────────┤            late for window 7, in time for windows 8 and 9
//! ```
//!
//! Window 7 merges a, b, c and d; window 8 also x: of the pieces that begin within a window it counts those whose first
//! window it is or comes after. A piece that closes with a window gives its state away; the others are copied.
//!
//! *Invariants*: windows close in the order in which they end. A piece is dropped when the last window that counts it
//! closes, so the pieces that a closing window counts are the first of all.

use std::ops::RangeInclusive;

use millstream_engine::{Change, Data, EventTime, KeyOf, Stage, Window, Windowed};

use super::cut::Cut;
use super::flags::Flags;
use super::hops::Hops;
use super::open_windows::{Changes, OpenWindows, stage_at};
use super::panes::{Pane, Panes};
use super::pieces::{ByEnd, Pieces};
use super::sums::sums;
use crate::aggregate::Aggregate;

impl<T: Data, K: KeyOf<T>, A: Aggregate<T>, C: Cut<T>> OpenWindows<T, K, A, C> {
    /// Ends the windows that the watermark has passed since `before`, and closes those that are final.
    pub(super) fn pass_overlapping(
        &mut self,
        hops: Hops,
        before: EventTime,
        out: &mut Changes<T, K, A>,
    ) {
        let closed = self.cut.lateness().closed_by(self.watermark);
        if self.demand.ended.get() {
            self.end_overlapping(hops, before, closed, out);
        }
        let mut number = hops.first_after(self.closed);
        self.closed = closed;
        while let Some(first) = self.next(hops, number) {
            let window = hops.window(first);
            if window.end > closed {
                break;
            }
            self.close_overlapping(hops, first, window, out);
            number = first + 1;
        }
    }

    /// The number of the first window from `number` on that counts any piece.
    fn next(&self, hops: Hops, number: i128) -> Option<i128> {
        hops.numbers(self.pieces.keys().map(|piece| piece.window()), number)
            .next()
    }

    /// Shows the rows of the windows that have ended since `before`.
    fn end_overlapping(
        &mut self,
        hops: Hops,
        before: EventTime,
        closed: EventTime,
        out: &mut Changes<T, K, A>,
    ) {
        let first = hops.first_after(before);
        let passes = |from, to| hops.first_after(from) < hops.first_after(to);
        // A piece is in windows that end and in others: whatever has changed is shown now, so that it is shown once. And on
        // every worker, whether it has anything in the window or not.
        if passes(before, self.watermark) || passes(self.closed, closed) {
            self.show_overlapping(hops, before, out);
        }
        let pieces = self.pieces.keys().map(|piece| piece.window());
        for number in hops.numbers(pieces, first) {
            let window = hops.window(number);
            if window.end > self.watermark {
                break;
            }
            let of_window = self
                .pieces
                .range(ByEnd::last(window.start)..=ByEnd::last(window.end));
            let counted = of_window.filter(|(piece, _)| piece.start >= window.start);
            let merged = Panes::sum(
                Vec::new(),
                counted.map(|(_, panes)| panes),
                &*self.aggregate,
            );
            out.extend(self.rows(window, merged, Stage::Ended));
        }
    }

    /// Closes window `number`, and drops the pieces that no other window counts.
    fn close_overlapping(
        &mut self,
        hops: Hops,
        number: i128,
        window: Window,
        out: &mut Changes<T, K, A>,
    ) {
        let counted = ..=ByEnd::last(window.end);
        let keys = self.pieces.range(counted).map(|(piece, _)| *piece);
        let dropped: Vec<ByEnd> = keys
            .filter(|piece| *hops.counting(piece.window()).end() == number)
            .collect();
        let mut given = Vec::with_capacity(dropped.len());
        for piece in dropped {
            let panes = self.pieces.remove(&piece).expect("it was there just now");
            given.push(self.give(piece.window(), panes));
        }
        let others = self.pieces.range(counted).map(|(_, panes)| panes);
        let merged = Panes::sum(given, others, &*self.aggregate);
        out.extend(self.rows(window, merged, Stage::Final));
    }

    /// The panes of a piece that is dropped; a copy, if they are still to be saved.
    fn give(&mut self, piece: Window, panes: Panes<K::Key, A::State>) -> Panes<K::Key, A::State> {
        match &mut self.frozen {
            Some(frozen) if !panes.frozen.is_empty() => {
                let copy = panes.copy();
                frozen.close(piece, panes);
                copy
            }
            Some(frozen) => {
                frozen.forget(piece);
                panes
            }
            None => panes,
        }
    }

    fn rows(
        &self,
        window: Window,
        merged: Panes<K::Key, A::State>,
        stage: Stage,
    ) -> impl Iterator<Item = Change<Windowed<K::Key>, A::Output>> {
        merged.panes.into_iter().map(move |pane| Change {
            key: Windowed {
                window,
                key: pane.key,
            },
            value: Some(self.aggregate.output(&pane.state)),
            stage,
        })
    }

    /// Shows what has changed in all windows that are not closed; the stage is that at `watermark`.
    pub(super) fn show_overlapping(
        &mut self,
        hops: Hops,
        watermark: EventTime,
        out: &mut Changes<T, K, A>,
    ) {
        for (piece, panes) in &self.pieces {
            if !panes.changed.is_empty() {
                self.show_piece(hops, *piece, panes, watermark, out);
            }
        }
        self.pieces.values_mut().for_each(Panes::forget_changes);
    }

    /// Shows the rows that the changes of a piece have changed, but for those that an earlier piece has changed too.
    fn show_piece(
        &self,
        hops: Hops,
        piece: ByEnd,
        panes: &Panes<K::Key, A::State>,
        watermark: EventTime,
        out: &mut Changes<T, K, A>,
    ) {
        let counting = hops.counting(piece.window());
        let first = hops.first_after(self.closed).max(*counting.start());
        let numbers = first..=*counting.end();
        let near = near(hops, &self.pieces, piece, &numbers);
        let mut found = Vec::with_capacity(near.len());
        for place in &panes.changed {
            let Pane { hash, key, .. } = &panes.panes[*place as usize];
            found.clear();
            found.extend(near.iter().filter_map(|near| {
                let pane = &near.panes.panes[near.panes.find(*hash, key)?];
                Some((near, pane))
            }));
            let shown = not_shown(&found, numbers.clone());
            let states = found
                .iter()
                .map(|(near, pane)| (&near.counting, &pane.state));
            let (states, from) = (states.collect::<Vec<_>>(), out.len());
            sums(&*self.aggregate, &states, &shown, |number, sum| {
                let window = hops.window(number);
                out.push(Change {
                    key: Windowed {
                        window,
                        key: key.clone(),
                    },
                    value: sum.map(|sum| self.aggregate.output(&sum)),
                    stage: stage_at(window.end, watermark),
                });
            });
            out[from..].sort_by_key(|row| row.key.window.end);
        }
    }
}

/// A piece that shares windows with another.
struct Near<'p, K, S> {
    counting: RangeInclusive<i128>,
    /// Whether it comes before the other.
    is_earlier: bool,
    panes: &'p Panes<K, S>,
}

/// Those of the windows with these `numbers` that no earlier piece has shown, as the key has not changed in any.
fn not_shown<K, S>(
    found: &[(&Near<'_, K, S>, &Pane<K, S>)],
    numbers: RangeInclusive<i128>,
) -> Vec<i128> {
    let shown = |(near, pane): &&(&Near<'_, K, S>, &Pane<K, S>)| {
        near.is_earlier && pane.flags.has(Flags::CHANGED)
    };
    let mut shown = found.iter().filter(shown).map(|(near, _)| &near.counting);
    // They come by the first window that counts them.
    let (mut next, mut shown_to) = (shown.next(), i128::MIN);
    let is_left = |number: &i128| {
        while let Some(counting) = next.filter(|counting| counting.start() <= number) {
            shown_to = shown_to.max(*counting.end());
            next = shown.next();
        }
        shown_to < *number
    };
    numbers.filter(is_left).collect()
}

/// The pieces that any of the windows with these `numbers` counts, `piece` among them.
fn near<'p, K, S>(
    hops: Hops,
    pieces: &'p Pieces<K, S>,
    piece: ByEnd,
    numbers: &RangeInclusive<i128>,
) -> Vec<Near<'p, K, S>> {
    let (from, to) = (
        hops.window(*numbers.start()).start,
        hops.window(*numbers.end()).end,
    );
    let in_reach = pieces.range(ByEnd::last(from)..=ByEnd::last(to));
    in_reach
        .filter(|(other, _)| other.start >= from)
        .map(|(other, panes)| Near {
            counting: hops.counting(other.window()),
            is_earlier: *other < piece,
            panes,
        })
        .collect()
}

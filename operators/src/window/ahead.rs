//! The step ahead of the exchange: combines the records of an epoch by key and window, where that makes them fewer.
//!
//! Aggregates do not care how their values were combined on the way, so a worker may fold what came to it in an epoch and
//! send one state per key instead of every record. Where nearly every record has a key of its own that would be work for
//! nothing: the step measures how much combining shrinks an epoch and sends the records themselves if it does not.
//!
//! At the end of an epoch it has sent on all there was, so a snapshot finds nothing here: what it gathers is never state.
//!
//! *Invariants*: what is late is decided here, once, with the same watermark that the step behind the exchange has: what
//! arrives there is never late.

use std::rc::Rc;

use millstream_engine::raw::{At, Batch, Emitted, Logic, Publish, Size, owned};
use millstream_engine::{Data, EventTime, KeyOf, LoadError, Window};
use serde::{Deserialize, Serialize};

use super::cut::Cut;
use super::panes::{fold, panes_of};
use super::pieces::Pieces;
use super::runs::{owned_runs, runs};
use crate::aggregate::Aggregate;

/// What goes to the worker that has the key.
#[derive(Clone, Serialize, Deserialize)]
pub(super) enum Ahead<T, K, S> {
    /// What an epoch's records of a key in a window come to.
    Combined {
        /// The key's hash.
        hash: u64,
        /// The piece of a window.
        window: Window,
        /// The key.
        key: K,
        /// What they come to.
        state: S,
    },
    /// A record as it came.
    Single {
        /// The key's hash.
        hash: u64,
        /// Its piece of a window.
        window: Window,
        /// Its value.
        value: T,
    },
}

impl<T, K, S> Ahead<T, K, S> {
    /// The piece that it goes to.
    pub(super) fn window(&self) -> Window {
        match self {
            Ahead::Combined { window, .. } | Ahead::Single { window, .. } => *window,
        }
    }
}

/// After an epoch that combining did not shrink, this many are sent as they came before it is tried again.
const EPOCHS_UNCOMBINED: u32 = 15;

/// Epochs smaller than this say nothing about how well combining works.
const RECORDS_TO_JUDGE: usize = 512;

pub(super) struct AheadLogic<T, K: KeyOf<T>, A: Aggregate<T>, C> {
    key: Rc<K>,
    aggregate: Rc<A>,
    cut: C,
    pieces: Pieces<K::Key, A::State>,
    n_folded: usize,
    /// For how many more epochs to send records as they come.
    uncombined: u32,
}

impl<T, K: KeyOf<T>, A: Aggregate<T>, C> AheadLogic<T, K, A, C> {
    pub(super) fn new(key: Rc<K>, aggregate: Rc<A>, cut: C) -> Self {
        AheadLogic {
            key,
            aggregate,
            cut,
            pieces: Pieces::new(),
            n_folded: 0,
            uncombined: 0,
        }
    }
}

impl<T: Data, K: KeyOf<T>, A: Aggregate<T>, C: Cut<T>> Logic for AheadLogic<T, K, A, C> {
    type In = Batch<T>;
    type Out = Ahead<T, K::Key, A::State>;
    type Late = T;

    fn on_batch(&mut self, batch: Batch<T>, at: At, out: &mut Emitted<Self::Out, T>) {
        out.n_records += batch.len() as u64;
        let (key, aggregate) = (&*self.key, &*self.aggregate);
        if self.uncombined > 0 {
            let values = owned_runs(owned(batch), &self.cut, at.watermark, &mut out.late);
            out.out.extend(values.map(|(window, value)| Ahead::Single {
                hash: key.hash(&value),
                window,
                value,
            }));
            return;
        }
        self.n_folded += batch.len();
        let (pieces, late) = (&mut self.pieces, &mut out.late);
        if aggregate.keeps_records() {
            for (piece, value) in owned_runs(owned(batch), &self.cut, at.watermark, late) {
                let panes = panes_of(pieces, piece);
                let place = panes.place(key, &value);
                aggregate.take(&mut panes.panes[place].state, value);
            }
        } else {
            runs(&batch, &self.cut, at.watermark, late, |piece, values| {
                fold(pieces, piece, values, key, aggregate, |_, _| ());
            });
        }
    }

    fn on_epoch(&mut self, _at: At, out: &mut Emitted<Self::Out, T>) {
        if self.uncombined > 0 {
            self.uncombined -= 1;
            return;
        }
        let mut n_combined = 0;
        for (piece, panes) in std::mem::take(&mut self.pieces) {
            let window = piece.window();
            let folded = panes.panes.iter();
            let records = folded.map(|pane| self.aggregate.n_records(&pane.state));
            n_combined += records.sum::<usize>();
            out.out.extend(panes.panes.into_iter().map(|pane| {
                let (hash, key, state) = (pane.hash, pane.key, pane.state);
                Ahead::Combined {
                    hash,
                    window,
                    key,
                    state,
                }
            }));
        }
        let n_folded = std::mem::take(&mut self.n_folded);
        if n_folded >= RECORDS_TO_JUDGE && n_combined * 2 > n_folded {
            self.uncombined = EPOCHS_UNCOMBINED;
        }
    }

    fn on_watermark(&mut self, _at: At, _out: &mut Emitted<Self::Out, T>) {}

    fn on_publish(&mut self, _at: At, _publish: Publish, _out: &mut Emitted<Self::Out, T>) {}

    fn restore_note(&mut self, note: &str) -> Result<(), LoadError> {
        if self.cut.never_closes() {
            return Ok(());
        }
        self.cut.lateness_mut().restore_note(note)
    }

    fn size(&mut self) -> Size {
        Size {
            keys: 0,
            open_windows: 0,
            bytes: 0,
            next_close: EventTime::MAX,
        }
    }
}

//! The window of all time: for aggregates that are kept up to date and never closed.
//!
//! A table without windows is one window that is open for as long as the input goes on. So it is combined ahead of the
//! exchange, shown at publish epochs and kept in snapshots like any other; only that what is kept stays when the input has
//! ended, and that its rows are told once more then only if somebody waits for them.

use std::rc::Rc;
use std::time::Duration;

use millstream_engine::raw::{At, Publish, Spacing, Windowing};
use millstream_engine::{Data, EventTime, KeyOf, Record, Stage, Window};

use super::behind::Folding;
use super::cut::Cut;
use super::kind::WindowKind;
use super::lateness::Lateness;
use super::open_windows::{Changes, OpenWindows};
use crate::aggregate::Aggregate;

/// All of time is one window.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Always {
    lateness: Lateness,
}

impl Always {
    pub(crate) fn new() -> Self {
        Always {
            lateness: Lateness::of(Duration::ZERO),
        }
    }
}

const ALL: Window = Window {
    start: EventTime::MIN,
    end: EventTime::MAX,
};

impl<T: Data> WindowKind<T> for Always {
    fn in_words(&self) -> String {
        "always".into()
    }
    fn step_kind(&self) -> &'static str {
        "table"
    }
    fn spacing(&self) -> Option<Spacing> {
        None
    }
    fn lateness_allowed(&self) -> Duration {
        Duration::ZERO
    }
    fn windowing<K: KeyOf<T>, A: Aggregate<T>>(
        &self,
        key: Rc<K>,
        aggregate: Rc<A>,
    ) -> impl Windowing<T, Key = K::Key, Values = A::Output> {
        Folding::new(key, aggregate, *self)
    }
}

impl<T> Cut<T> for Always {
    fn stretch(&self, _record: &Record<T>) -> Window {
        ALL
    }
    fn is_in(&self, _record: &Record<T>, _stretch: Window) -> bool {
        true
    }
    /// No record is late: not even one that came after an input had ended, when another goes on.
    fn piece(&self, stretch: Window, _watermark: EventTime) -> Option<Window> {
        Some(stretch)
    }
    fn never_closes(&self) -> bool {
        true
    }
    fn lateness(&self) -> &Lateness {
        &self.lateness
    }
    fn lateness_mut(&mut self) -> &mut Lateness {
        &mut self.lateness
    }
}

impl<T: Data, K: KeyOf<T>, A: Aggregate<T>, C: Cut<T>> OpenWindows<T, K, A, C> {
    /// Tells of all rows that were kept, if anyone is new and wants to hear of them. Windows come to their end by themselves.
    pub(super) fn recall(&self, out: &mut Changes<T, K, A>) {
        if !self.cut.never_closes() || !self.demand.kept {
            return;
        }
        for (piece, panes) in &self.pieces {
            let rows = panes.panes.iter();
            out.extend(rows.map(|pane| self.row(piece.window(), pane, Stage::Open)));
        }
    }

    /// With the last commit of a run whose input has ended: tells of all rows once more, if anyone waits for that.
    ///
    /// A run that goes on from there only publishes what was staged; it must not tell them again, and knows by a note.
    pub(super) fn tell_final(&mut self, at: At, publish: Publish, out: &mut Changes<T, K, A>) {
        let is_over = publish.last && at.watermark == EventTime::MAX && self.cut.never_closes();
        if !is_over || !self.demand.closed.get() || self.is_told {
            return;
        }
        self.is_told = true;
        for (piece, panes) in &self.pieces {
            let rows = panes.panes.iter();
            out.extend(rows.map(|pane| self.row(piece.window(), pane, Stage::Final)));
        }
    }
}

/// What a snapshot notes of a table whose final rows were told.
pub(super) const TOLD: &str = "final rows are told";

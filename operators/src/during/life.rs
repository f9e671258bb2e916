//! What is kept of a key: what is open, and what waits for something to open.

use millstream_engine::{EventTime, Record, Window};
use serde::{Deserialize, Serialize};

/// A left record that is open.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Life<L, S> {
    /// The left record.
    pub(super) left: Record<L>,
    /// For how long it is open.
    pub(super) interval: Window,
    /// What came of those that met it.
    pub(super) state: S,
}

/// A right record for which a left one may still come.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Waiting<R> {
    pub(super) right: Record<R>,
    /// It has met something.
    pub(super) has_met: bool,
}

/// All of a key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct OfKey<L, R, S> {
    pub(super) lives: Vec<Life<L, S>>,
    pub(super) waiting: Vec<Waiting<R>>,
    /// When those that wait are to be looked at; there is one such time for all of them.
    #[serde(skip)]
    pub(super) look: Option<EventTime>,
}

impl<L, R, S> Default for OfKey<L, R, S> {
    fn default() -> Self {
        OfKey {
            lives: Vec::new(),
            waiting: Vec::new(),
            look: None,
        }
    }
}

impl<L, R, S> OfKey<L, R, S> {
    /// Whether nothing is left.
    pub(super) fn is_empty(&self) -> bool {
        self.lives.is_empty() && self.waiting.is_empty()
    }
}

/// The event time of two records that have met, and the watermark that they came behind.
pub(crate) fn pair<L, R, O>(left: &Record<L>, right: &Record<R>, value: O) -> Record<O> {
    let time = left.time.max(right.time);
    let behind = left.behind.max(right.behind);
    Record {
        value,
        time,
        behind: if behind > time {
            behind
        } else {
            EventTime::MIN
        },
    }
}

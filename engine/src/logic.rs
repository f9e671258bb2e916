//! The pure part of a step with state: what it does, without when.
//!
//! A [`Logic`] is a plain struct with pure methods. The stateful shell calls them in this order for each epoch `e`:
//!
//! ```text
//!  on_batch for each batch of e ─▶ on_epoch ─▶ on_watermark, if the marks of e moved it ─▶ on_publish, if e is published
//!      ─▶ freeze and note, if e is a snapshot epoch ─▶ save, slice by slice, between the batches of the epochs after e
//! ```
//!
//! In a run that goes on from a snapshot these come first: `forget` and `restore` for each change that was kept, from the
//! oldest snapshot to the newest; `restore_note`; and `resume`, once.
//!
//! Then, if it has kept anything: `recall`, once, at an epoch before the first.
//!
//! What they emit leaves at `e`. A logic sees no frontier, no capability and no clock, so it can be tested without a
//! dataflow.

use serde::{Deserialize, Serialize};
use timely::Container;

use crate::epoch::Epoch;
use crate::record::Record;
use crate::snapshot::entry::{Entry, LoadError};
use crate::snapshot::log::Log;
use crate::time::EventTime;
use crate::window::Window;

/// The pure part of a step with state.
pub trait Logic: 'static {
    /// What it is given: a container of whatever arrives.
    type In: Container;
    /// What it emits.
    type Out: Clone + 'static;
    /// The values of the records it finds late.
    type Late: Clone + 'static;

    /// Applies a batch of `at.epoch`; `at.watermark` is that after the epoch before.
    fn on_batch(&mut self, batch: Self::In, at: At, out: &mut Emitted<Self::Out, Self::Late>);

    /// All of `at.epoch` has been applied; its marks have not. For steps that send on what they gathered of an epoch.
    fn on_epoch(&mut self, _at: At, _out: &mut Emitted<Self::Out, Self::Late>) {}

    /// The watermark has moved to `at.watermark`, at the end of `at.epoch`. A run that goes on from a snapshot says so once
    /// also where it has not moved since.
    fn on_watermark(&mut self, at: At, out: &mut Emitted<Self::Out, Self::Late>);

    /// Partial results are to be shown as of the end of `at.epoch`.
    fn on_publish(&mut self, at: At, publish: Publish, out: &mut Emitted<Self::Out, Self::Late>);

    /// The earliest event time at which it may still emit what it has been given; [`EventTime::MAX`] if it holds nothing back.
    fn holds(&self) -> EventTime {
        EventTime::MAX
    }

    /// Freezes what has changed since the last freeze, as it is now: that is what `save` writes.
    fn freeze(&mut self) {}

    /// Writes what was frozen, of it about `n_bytes` at most; true once nothing of it is left.
    ///
    /// What is frozen and about to change must be written before it does.
    fn save(&mut self, _log: &mut Log, _n_bytes: usize) -> bool {
        true
    }

    /// A few words that go into the manifest at each snapshot; each worker has its own.
    fn note(&mut self) -> Option<String> {
        None
    }

    /// A window whose keys are all gone.
    fn forget(&mut self, _window: Window) {}

    /// Takes a change back that was kept; after all that came before it.
    ///
    /// # Errors
    /// If it is none of this step's.
    fn restore(&mut self, _entry: &Entry<'_>) -> Result<(), LoadError> {
        Err(LoadError::Unexpected)
    }

    /// Takes back what some worker noted in the snapshot; every worker is given the notes of all.
    ///
    /// # Errors
    /// If it is none of this step's.
    fn restore_note(&mut self, _note: &str) -> Result<(), LoadError> {
        Ok(())
    }

    /// All is restored, as of the end of `at.epoch`.
    fn resume(&mut self, _at: At) {}

    /// All that it has kept, for readers that are new: a reader that goes on as well has it already, and is not told.
    fn recall(&mut self, _out: &mut Emitted<Self::Out, Self::Late>) {}

    /// Whether nothing of it is in snapshots: then each run tells it anew what there was before.
    fn starts_empty(&self) -> bool {
        false
    }

    /// What it keeps, for the status. Called when it may have changed.
    fn size(&mut self) -> Size;
}

/// What kind of a publish epoch it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Publish {
    /// A snapshot is taken at its end, and what sinks have staged is committed with it.
    pub snapshot: bool,
    /// Nothing follows in this run.
    pub last: bool,
}

impl Publish {
    /// What it is when it was called both.
    pub(crate) fn and(self, other: Publish) -> Publish {
        Publish {
            snapshot: self.snapshot | other.snapshot,
            last: self.last | other.last,
        }
    }
}

/// Where a logic stands.
#[derive(Clone, Copy, Debug)]
pub struct At {
    /// The epoch being applied.
    pub epoch: Epoch,
    /// The event time up to which the input is complete.
    pub watermark: EventTime,
}

/// What a logic emits.
pub struct Emitted<O, L> {
    /// What it emits to its readers.
    pub out: Vec<O>,
    /// The records it found late.
    pub late: Vec<Record<L>>,
    /// How many records it looked at; counted by the logic, since only it knows its containers.
    pub n_records: u64,
}

/// What a logic keeps.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Keys or rows.
    pub keys: u64,
    /// Windows that are open.
    pub open_windows: u64,
    /// Bytes, estimated.
    pub bytes: u64,
    /// When the oldest open window will be final; [`EventTime::MAX`] if none is open.
    pub next_close: EventTime,
}

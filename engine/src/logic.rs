//! The pure part of a step with state: what it does, without when.
//!
//! A [`Logic`] is a plain struct with pure methods. The stateful shell calls them in this order for each epoch `e`:
//!
//! ```text
//!  on_batch for each batch of e ─▶ on_epoch ─▶ on_watermark, if the marks of e moved it ─▶ on_publish, if e is published
//! ```
//!
//! What they emit leaves at `e`. A logic sees no frontier, no capability and no clock, so it can be tested without a
//! dataflow.

use timely::Container;

use crate::epoch::Epoch;
use crate::record::Record;
use crate::time::EventTime;

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

    /// The watermark has moved to `at.watermark`, at the end of `at.epoch`.
    fn on_watermark(&mut self, at: At, out: &mut Emitted<Self::Out, Self::Late>);

    /// Partial results are to be shown as of the end of `at.epoch`; nothing follows in this run if `last`.
    fn on_publish(&mut self, at: At, last: bool, out: &mut Emitted<Self::Out, Self::Late>);

    /// What it keeps, for the status. Called when it may have changed.
    fn size(&mut self) -> Size;
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

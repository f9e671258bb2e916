//! The keeper: a step's part in snapshots, between its logic and the writer.
//!
//! ```text
//!  end of e: freeze, note ──▶ epochs after e go on
//!                        └──▶ save a slice ▶ save a slice ▶ … ▶ all of e is handed over: the capability for e is let go
//! ```
//!
//! What has changed is frozen at the end of a snapshot epoch and written in slices, one whenever the step is activated, so
//! that a worker is never held up for long. Until all is handed over the capability for the epoch is kept, on the port
//! that leads to the writer alone.
//!
//! *Invariants*: a step saves one snapshot at a time; the next begins after the last was committed.

use std::sync::Arc;

use timely::dataflow::operators::Capability;

use super::change::{Change, Standing};
use super::log::Log;
use crate::logic::Logic;

/// About how much is written at a time; a millisecond or two.
const SLICE_BYTES: usize = 256 << 10;

/// The entries of a shard go on their way when there are so many bytes of them.
const BLOCK_BYTES: usize = 32 << 10;

/// A step's part in snapshots.
pub(crate) struct Keeper {
    /// The name its entries have in the files.
    step: Arc<str>,
    log: Log,
    saving: Option<Capability<u64>>,
}

impl Keeper {
    pub(crate) fn new(step: Arc<str>) -> Self {
        Keeper {
            step,
            log: Log::default(),
            saving: None,
        }
    }

    /// Freezes what has changed, as of the end of the epoch of `at`.
    pub(crate) fn begin(
        &mut self,
        logic: &mut impl Logic,
        at: Capability<u64>,
        mut standing: Standing,
        keep: &mut impl FnMut(&Capability<u64>, Change),
    ) {
        assert!(
            self.saving.is_none(),
            "step {} begins a snapshot before the last is saved",
            self.step
        );
        logic.freeze();
        standing.note = logic.note();
        let step = Arc::clone(&self.step);
        keep(&at, Change::Step { step, standing });
        self.saving = Some(at);
    }

    /// Saves a slice of what is frozen, if anything is; gives an error of the state's own `Serialize`.
    pub(crate) fn go_on(
        &mut self,
        logic: &mut impl Logic,
        keep: &mut impl FnMut(&Capability<u64>, Change),
    ) -> Result<(), String> {
        let Some(at) = &self.saving else {
            return Ok(());
        };
        let whole = logic.save(&mut self.log, SLICE_BYTES);
        if let Some(error) = self.log.take_error() {
            return Err(error);
        }
        let windows = self.log.take_forgotten();
        if !windows.is_empty() {
            let step = Arc::clone(&self.step);
            keep(at, Change::Forgotten { step, windows });
        }
        let least = if whole { 1 } else { BLOCK_BYTES };
        for (shard, bytes) in self.log.take_blocks(least) {
            let step = Arc::clone(&self.step);
            keep(at, Change::Block { step, shard, bytes });
        }
        if whole {
            self.saving = None;
        }
        Ok(())
    }

    /// Whether something is frozen and not saved yet.
    pub(crate) fn is_saving(&self) -> bool {
        self.saving.is_some()
    }
}

//! The shell's part in snapshots: what is frozen at the end of a snapshot epoch is saved between the epochs that follow.

use std::time::Instant;

use timely::dataflow::operators::Capability;

use super::Shell;
use crate::error::Error;
use crate::logic::Logic;
use crate::snapshot::change::{Change, Standing};
use crate::snapshot::error::StateError;
use crate::snapshot::keeper::Keeper;

impl<L: Logic> Shell<L> {
    /// Freezes what has changed, as of the end of the epoch of `at`.
    pub(super) fn begin_saving(
        &mut self,
        at: &Capability<u64>,
        keep: &mut impl FnMut(&Capability<u64>, Change),
    ) {
        let Some(keeper) = &mut self.keeper else {
            return;
        };
        let standing = Standing {
            watermark: self.clock.kept(),
            counted: self.tally.so_far(),
            note: None,
        };
        let started = Instant::now();
        keeper.begin(&mut self.logic, at.clone(), standing, keep);
        self.held_up(started);
    }

    /// Saves a slice of what is frozen, if anything is.
    pub(crate) fn go_on_saving(&mut self, keep: &mut impl FnMut(&Capability<u64>, Change)) {
        let Some(keeper) = &mut self.keeper else {
            return;
        };
        if !keeper.is_saving() {
            return;
        }
        let started = Instant::now();
        let saved = keeper.go_on(&mut self.logic, keep);
        self.held_up(started);
        if let (Err(reason), Some(shared)) = (saved, &self.shared) {
            let step = self.tally.counted.step.key();
            shared.fail(Error::State(StateError::Unwritable { step, reason }));
        }
    }

    /// Notes for how long a snapshot has held the worker up.
    fn held_up(&self, since: Instant) {
        if let Some(shared) = &self.shared {
            shared.state.held_up(since.elapsed());
        }
    }

    /// Whether something is frozen and not saved yet.
    pub(crate) fn is_saving(&self) -> bool {
        self.keeper.as_ref().is_some_and(Keeper::is_saving)
    }
}

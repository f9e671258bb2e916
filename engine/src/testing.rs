//! The test kit: parts of the world that fail when they are told to, and ways to run a pipeline that must all give the
//! same answer.
//!
//! A pipeline is right when its answer depends on its input alone: not on the number of workers, not on how the input was
//! cut into epochs, not on where it crashed and was started again. [`Script`] is an input that is made for the test, with
//! crashes in it; [`FaultStore`] a place for state that fails, tears or forgets; [`CrashPoint`] a moment in a commit; and
//! [`ways`] the ways to run. The time comes from a [`VirtualClock`].

mod crash;
mod fault_store;
pub(crate) mod random;
mod schedules;
mod script;
mod ways;

pub use crash::{COMMIT_STEPS, CrashPoint, Crashed, ParseCrashPointError};
pub use fault_store::FaultStore;
pub use schedules::{Schedule, schedules};
pub use script::{Act, Script, ScriptPartition, ScriptedCrash};
pub use ways::{Ran, Way, ways};

pub use crate::wall::VirtualClock;

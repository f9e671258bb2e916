//! Crashes: ending a run, or the whole process, at a chosen step of a commit.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::epoch::Epoch;
use crate::error::BoxError;
use crate::snapshot::follow::CommitStep;

/// A moment in a run: a commit step, the `nth` time it is taken, counted from 1. As text: `Committed:3`.
///
/// # Examples
/// ```
/// use millstream_engine::testing::CrashPoint;
/// use millstream_engine::CommitStep;
/// let point = CrashPoint { step: CommitStep::Committed, nth: 3 };
/// assert_eq!("Committed:3".parse(), Ok(point));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CrashPoint {
    /// The step.
    pub step: CommitStep,
    /// Which time, from 1.
    pub nth: u64,
}

/// A run was ended at a crash point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the run crashes at {0}, as it was told to")]
pub struct Crashed(pub CrashPoint);

/// A text that is no crash point.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no crash point: write a commit step and a number, as in Committed:3")]
pub struct ParseCrashPointError(String);

/// All commit steps, in order.
pub const COMMIT_STEPS: [CommitStep; 8] = [
    CommitStep::Staged,
    CommitStep::Written,
    CommitStep::Voted,
    CommitStep::Committed,
    CommitStep::Published,
    CommitStep::Merging,
    CommitStep::Merged,
    CommitStep::Collected,
];

impl CrashPoint {
    /// A follower for [`App::follow_commits`](crate::App::follow_commits) that ends the run there, as a crash would.
    pub fn crash(
        self,
    ) -> impl Fn(CommitStep, Epoch) -> Result<(), BoxError> + Clone + Send + Sync + 'static {
        let taken = Arc::new(AtomicU64::new(0));
        move |step, _epoch| {
            if step == self.step && taken.fetch_add(1, Ordering::SeqCst) + 1 == self.nth {
                return Err(Crashed(self).into());
            }
            Ok(())
        }
    }

    /// A follower that kills the whole process there, by `SIGKILL`: nothing is flushed, dropped or said.
    pub fn kill(
        self,
    ) -> impl Fn(CommitStep, Epoch) -> Result<(), BoxError> + Clone + Send + Sync + 'static {
        let crash = self.crash();
        move |step, epoch| {
            if crash(step, epoch).is_err() {
                signal_hook::low_level::raise(signal_hook::consts::SIGKILL)?;
            }
            Ok(())
        }
    }
}

impl fmt::Display for CrashPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.step, self.nth)
    }
}

impl FromStr for CrashPoint {
    type Err = ParseCrashPointError;

    fn from_str(text: &str) -> Result<Self, ParseCrashPointError> {
        let parse = || {
            let (step, nth) = text.split_once(':')?;
            let named = |known: &CommitStep| known.to_string() == step;
            let step = COMMIT_STEPS.into_iter().find(named)?;
            let nth = nth.parse().ok().filter(|nth| *nth > 0)?;
            Some(CrashPoint { step, nth })
        };
        parse().ok_or_else(|| ParseCrashPointError(text.into()))
    }
}

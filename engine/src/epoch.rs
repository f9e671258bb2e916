//! Epochs: the unit of commit, and the timestamp of the dataflow.
//!
//! All source partitions move through the same epochs together. What a view shows, what a sink publishes and what a
//! snapshot holds is always the state *after* some epoch, never in the middle of one. Epochs are totally ordered and
//! never used twice: the number of the run stands in the high bits, so a run that died cannot lend its numbers to other
//! content.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The number of an epoch: 24 bits of run, 40 bits of count within it.
///
/// # Examples
/// ```
/// use millstream_engine::Epoch;
/// let first = Epoch::first_of_run(1);
/// assert!(first.next() > first);
/// assert_eq!(first.next().to_string(), "1.1");
/// ```
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Epoch(u64);

const COUNT_BITS: u32 = 40;

impl Epoch {
    /// The first epoch of run `run`.
    ///
    /// # Panics
    /// If `run` needs more than 24 bits.
    #[must_use]
    pub fn first_of_run(run: u32) -> Self {
        assert!(run < 1 << 24, "a run number has 24 bits, {run} has more");
        Epoch(u64::from(run) << COUNT_BITS)
    }

    /// The epoch that a dataflow timestamp stands for.
    #[must_use]
    pub const fn from_u64(time: u64) -> Self {
        Epoch(time)
    }

    /// This epoch as a dataflow timestamp.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// The epoch after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Epoch(self.0 + 1)
    }

    /// How many epochs of the run came before this one.
    #[must_use]
    pub const fn count(self) -> u64 {
        self.0 & ((1 << COUNT_BITS) - 1)
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0 >> COUNT_BITS, self.count())
    }
}

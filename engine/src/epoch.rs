//! Epochs: the unit of commit, and the timestamp of the dataflow.
//!
//! All source partitions move through the same epochs together. What a view shows, what a sink publishes and what a
//! snapshot holds is always the state *after* some epoch, never in the middle of one. Epochs are totally ordered and
//! never used twice: the number of the run stands in the high bits, so a run that died cannot lend its numbers to other
//! content.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The number of an epoch: 24 bits of run, 40 bits of count within it.
///
/// # Examples
/// ```
/// use millstream_engine::Epoch;
/// let first = Epoch::first_of_run(1);
/// assert!(first.next() > first);
/// assert_eq!(first.next().to_string(), "1.1");
/// assert_eq!("1.1".parse(), Ok(first.next()));
/// ```
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Epoch(u64);

const COUNT_BITS: u32 = 40;

/// Text that is not an epoch.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not an epoch: expected a run of 24 bits, a point and a count of 40 bits, such as 7.1200"
)]
pub struct ParseEpochError {
    text: String,
}

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

impl FromStr for Epoch {
    type Err = ParseEpochError;

    /// Reads what `Display` writes, and nothing else: two texts are never the same epoch.
    fn from_str(text: &str) -> Result<Self, ParseEpochError> {
        let parts = || {
            let (run, count) = text.split_once('.')?;
            let (run, count): (u64, u64) = (run.parse().ok()?, count.parse().ok()?);
            let fits = run < 1 << (u64::BITS - COUNT_BITS) && count < 1 << COUNT_BITS;
            fits.then_some(Epoch(run << COUNT_BITS | count))
        };
        match parts() {
            Some(epoch) if epoch.to_string() == text => Ok(epoch),
            _ => Err(ParseEpochError { text: text.into() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_back() {
        let last = Epoch::from_u64(u64::MAX);
        for epoch in [Epoch::default(), Epoch::first_of_run(7).next(), last] {
            assert_eq!(epoch.to_string().parse(), Ok(epoch));
        }
    }

    #[test]
    fn other_text_is_refused() {
        for text in [
            "",
            "1",
            "1.",
            ".1",
            "+1.1",
            "1.01",
            "1.1.1",
            "16777216.0",
            "0.1099511627776",
        ] {
            let error = text.parse::<Epoch>().unwrap_err();
            assert!(
                error
                    .to_string()
                    .starts_with(&format!("{text:?} is not an epoch")),
                "{error}"
            );
        }
    }
}

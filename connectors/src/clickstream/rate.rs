//! Rates: how fast made-up events come.

use std::fmt;
use std::str::FromStr;

/// How fast made-up events come.
///
/// As text: a number of events per second, `0`, or `max`.
///
/// # Examples
/// ```
/// use millstream_connectors::Rate;
/// assert_eq!("max".parse(), Ok(Rate::Max));
/// assert_eq!("0".parse(), Ok(Rate::Zero));
/// assert_eq!(Rate::PerSecond(250).to_string(), "250");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rate {
    /// So many a second of the wall clock.
    PerSecond(u64),
    /// As fast as they are taken; the events are dated as if there were 5,000 a second.
    Max,
    /// None ever: an input without traffic.
    Zero,
}

/// What is neither a number of events nor `max`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no rate: give a number of events per second, 0 for none, or max")]
pub struct ParseRateError {
    text: String,
}

/// How many events a second there are where nobody said.
const PER_SECOND: u64 = 5_000;

impl Rate {
    /// How many events a second of event time has.
    pub(super) fn per_second(self) -> u64 {
        match self {
            Rate::PerSecond(n) => n.max(1),
            Rate::Max | Rate::Zero => PER_SECOND,
        }
    }
}

impl Default for Rate {
    fn default() -> Self {
        Rate::PerSecond(PER_SECOND)
    }
}

impl FromStr for Rate {
    type Err = ParseRateError;

    fn from_str(text: &str) -> Result<Self, ParseRateError> {
        match text.replace('_', "").parse() {
            Ok(0) => Ok(Rate::Zero),
            Ok(n) => Ok(Rate::PerSecond(n)),
            Err(_) if text.eq_ignore_ascii_case("max") => Ok(Rate::Max),
            Err(_) => Err(ParseRateError {
                text: text.to_owned(),
            }),
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rate::PerSecond(n) => write!(f, "{n}"),
            Rate::Max => f.write_str("max"),
            Rate::Zero => f.write_str("0"),
        }
    }
}

//! The position of a lane: its round, and the line it goes on with where one of the round's stripe was read.
//!
//! ```text
//! round 3                   the stripe of round 3 is to be begun
//! round 3, byte 12582990    a line of it begins there (in the uncompressed file), and is the next one
//! ```
//!
//! The byte is always the beginning of a line: a line is taken as a whole or is still to come, so nothing is passed over
//! that begins in the stripe, and nothing is read again. Where no line of the stripe has begun yet there is no byte, and
//! the stripe is begun as any other, with the line that reaches into it passed over.

use std::fmt;
use std::str::FromStr;

use super::error::FileError;

/// Where a lane goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LanePosition {
    /// The round whose stripe is next, or is being read.
    pub(super) round: u64,
    /// Where the next line begins, if it is known.
    pub(super) line: Option<u64>,
}

impl fmt::Display for LanePosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "round {}", self.round)?;
        match self.line {
            Some(line) => write!(f, ", byte {line}"),
            None => Ok(()),
        }
    }
}

impl FromStr for LanePosition {
    type Err = FileError;

    fn from_str(text: &str) -> Result<Self, FileError> {
        let parts = || {
            let numbers = text.strip_prefix("round ")?;
            let Some((round, line)) = numbers.split_once(", byte ") else {
                let round = numbers.parse().ok()?;
                return Some(LanePosition { round, line: None });
            };
            Some(LanePosition {
                round: round.parse().ok()?,
                line: Some(line.parse().ok()?),
            })
        };
        parts().ok_or_else(|| FileError::NotAPosition { text: text.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_back() {
        for line in [None, Some(0), Some(u64::MAX)] {
            let position = LanePosition { round: 3, line };
            assert_eq!(
                position.to_string().parse::<LanePosition>().unwrap(),
                position
            );
        }
    }

    #[test]
    fn other_text_is_refused() {
        for text in ["", "round", "round x", "3", "round 3, byte ", "round -1"] {
            let error = text.parse::<LanePosition>().unwrap_err().to_string();
            assert!(error.contains(&format!("{text:?}")), "{error}");
        }
    }
}

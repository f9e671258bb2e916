//! The position of a partition: how many events it has handed on, and which.
//!
//! ```text
//! 1233 events, below 5100 up to 4933, next 5100
//! ```
//!
//! Of the events with numbers below 5100 all those were handed on that arrive no later than event 4933; event 5100 is the
//! next to be looked at. From this the partition finds out by itself what it had looked at and not handed on.

use std::fmt;
use std::str::FromStr;

/// Which events were handed on.
///
/// Mostly that is one entry, and none at the beginning. There are more where a stream had come to its end and was then
/// given more events: some of those arrive before the last one of the shorter stream, which they would not have waited
/// for. Then each entry holds for the numbers from the one before it on, until the later events have caught up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Progress {
    /// The next to be looked at.
    pub(super) next: u64,
    pub(super) handed: Vec<Handed>,
}

/// Of the events below a number, those that arrive no later than event `last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Handed {
    pub(super) below: u64,
    pub(super) last: u64,
}

/// Where a partition stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ClickstreamPosition {
    /// How many events it has handed on.
    pub(super) n_events: u64,
    pub(super) progress: Progress,
}

/// A partition of a clickstream is to go on at a position that it cannot have had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is no position in partition {partition} of a clickstream: \
     expected one such as \"1233 events, below 5100 up to 4932, next 5100\""
)]
pub(super) struct ParsePositionError {
    pub(super) text: String,
    pub(super) partition: u32,
}

impl ClickstreamPosition {
    /// Whether these are events `partition`, `partition + step`, …
    pub(super) fn is_of(&self, partition: u64, step: u64) -> bool {
        let Progress { next, handed } = &self.progress;
        let is_ours = |n: u64| n % step == partition || n == u64::MAX;
        let has_last = |h: &Handed| is_ours(h.below) && is_ours(h.last) && h.last < h.below;
        is_ours(*next)
            && handed.iter().all(has_last)
            && handed.is_sorted_by_key(|handed| handed.below)
            && handed.last().is_none_or(|handed| handed.below <= *next)
    }
}

impl fmt::Display for ClickstreamPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} events", self.n_events)?;
        for Handed { below, last } in &self.progress.handed {
            write!(f, ", below {below} up to {last}")?;
        }
        write!(f, ", next {}", self.progress.next)
    }
}

impl FromStr for ClickstreamPosition {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let parts = || {
            let (n_events, rest) = text.split_once(" events, ")?;
            let (handed, next) = rest.rsplit_once("next ")?;
            let entry = |entry: &str| {
                let (below, last) = entry.strip_prefix("below ")?.split_once(" up to ")?;
                Some(Handed {
                    below: below.parse().ok()?,
                    last: last.parse().ok()?,
                })
            };
            let handed = handed.split_terminator(", ").map(entry);
            Some(ClickstreamPosition {
                n_events: n_events.parse().ok()?,
                progress: Progress {
                    next: next.parse().ok()?,
                    handed: handed.collect::<Option<_>>()?,
                },
            })
        };
        parts().ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(handed: &[(u64, u64)]) -> ClickstreamPosition {
        let handed = handed.iter().map(|&(below, last)| Handed { below, last });
        ClickstreamPosition {
            n_events: 12,
            progress: Progress {
                next: 103,
                handed: handed.collect(),
            },
        }
    }

    #[test]
    fn text_and_back() {
        for handed in [&[][..], &[(99, 95)], &[(43, 39), (103, 55)]] {
            let position = position(handed);
            assert_eq!(position.to_string().parse(), Ok(position.clone()));
            assert!(position.is_of(3, 4) && !position.is_of(2, 4), "{position}");
        }
        let shown = position(&[(43, 39), (103, 55)]).to_string();
        assert_eq!(
            shown,
            "12 events, below 43 up to 39, below 103 up to 55, next 103"
        );
    }

    #[test]
    fn what_cannot_be_is_told() {
        for handed in [
            &[(107, 103)][..],
            &[(103, 103)],
            &[(103, 98)],
            &[(103, 7), (43, 3)],
        ] {
            assert!(!position(handed).is_of(3, 4), "{handed:?}");
        }
        for text in [
            "",
            "12",
            "12 events",
            "12 events, next",
            "12 events, below 3, next 7",
        ] {
            assert_eq!(text.parse::<ClickstreamPosition>(), Err(()), "{text:?}");
        }
    }
}

//! Names of what is staged: run, epoch, worker, and a number among what the worker stages.
//!
//! As text, `r7-7.1200-0-4`. A run that goes on from a snapshot has the name of the run that took it, and greater
//! epochs, so no name is ever given twice. That of an earlier run is told by its epoch from what was committed.

use std::fmt;

use millstream_engine::Epoch;

/// What tells one staged thing from all others of a sink.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StagedName {
    pub(crate) run: String,
    pub(crate) epoch: Epoch,
    pub(crate) worker: usize,
    pub(crate) n: u64,
}

impl StagedName {
    /// The name that `text` is, if it is one. A run's name may have hyphens itself.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut words = text.rsplitn(4, '-');
        let name = StagedName {
            n: words.next()?.parse().ok()?,
            worker: words.next()?.parse().ok()?,
            epoch: words.next()?.parse().ok()?,
            run: words.next()?.to_owned(),
        };
        (name.to_string() == text).then_some(name)
    }

    /// Whether this is of run `run` and of an epoch that was not yet over at the commit `committed`.
    pub(crate) fn is_after(&self, run: &str, committed: Epoch) -> bool {
        self.run == run && self.epoch > committed
    }
}

impl fmt::Display for StagedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let StagedName {
            run,
            epoch,
            worker,
            n,
        } = self;
        write!(f, "{run}-{epoch}-{worker}-{n}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_back() {
        for run in ["r7", "a-b", "1.2-3", ""] {
            let name = StagedName {
                run: run.into(),
                epoch: "7.1200".parse().unwrap(),
                worker: 3,
                n: 40,
            };
            assert_eq!(StagedName::parse(&name.to_string()), Some(name));
        }
    }

    #[test]
    fn other_text_is_none() {
        for text in [
            "",
            "r7-1200-0-4",
            "7.1200-0-4",
            "r7-7.1200-0-x",
            "r7-7.1200-0-04",
        ] {
            assert_eq!(StagedName::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn after_means_of_the_same_run_and_a_later_epoch() {
        let name = StagedName::parse("a-b-2.5-0-0").unwrap();
        assert!(name.is_after("a-b", "2.4".parse().unwrap()));
        assert!(!name.is_after("a-b", "2.5".parse().unwrap()));
        assert!(!name.is_after("a", "1.0".parse().unwrap()));
    }
}

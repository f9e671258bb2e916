//! What a pipeline as a whole guarantees around a crash, computed from what its sources and sinks can do.
//!
//! | | every source can give again | some source cannot |
//! |---|---|---|
//! | **every sink at least idempotent** | exactly once | at most once: what it took in after the last commit is lost |
//! | **some sink at least once** | at least once, for that sink | neither: some may be lost, some come out twice |
//!
//! Views are part of the state, so they are exactly what the last commit says.

use serde::Serialize;

use crate::sink::Delivery;
use crate::source::Rewind;
use crate::source_meter::SourceMeter;

/// What a run guarantees if its process dies at any moment and is started again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Guarantee {
    /// The least that holds for all of it.
    pub level: Level,
    /// Why it is not more, a sentence for each reason; empty for [`Level::ExactlyOnce`].
    pub because: Vec<String>,
}

/// How often an event counts, if the process dies and is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Nothing is kept: a new run begins anew.
    Nothing,
    /// Neither at most nor at least once: some may be lost, some may come out twice.
    Neither,
    /// At most once: some may be lost.
    AtMostOnce,
    /// At least once: none is lost, some may come out twice.
    AtLeastOnce,
    /// Exactly once.
    ExactlyOnce,
}

impl Guarantee {
    /// What holds for a pipeline of these sources and sinks, each sink by its name.
    pub(crate) fn of<'a>(
        durable: bool,
        sources: impl Iterator<Item = &'a SourceMeter>,
        sinks: impl Iterator<Item = (&'a str, Delivery)>,
    ) -> Self {
        if !durable {
            return Guarantee {
                level: Level::Nothing,
                because: vec!["no state is kept: a new run begins anew".into()],
            };
        }
        let sinks = sinks.filter(|(_, delivery)| *delivery == Delivery::AtLeastOnce);
        let twice: Vec<_> = sinks
            .map(|(sink, _)| format!("sink {sink:?} may be given what it published last once more"))
            .collect();
        let sources = sources.filter(|source| source.rewind == Rewind::Nothing);
        let lost: Vec<_> = sources
            .map(|source| {
                let name = &source.name;
                format!("source {name:?} cannot give again what it took in after the last commit")
            })
            .collect();
        Guarantee {
            level: match (lost.is_empty(), twice.is_empty()) {
                (true, true) => Level::ExactlyOnce,
                (true, false) => Level::AtLeastOnce,
                (false, true) => Level::AtMostOnce,
                (false, false) => Level::Neither,
            },
            because: [twice, lost].concat(),
        }
    }
}

impl std::fmt::Display for Guarantee {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.level {
            Level::Nothing => "nothing",
            Level::Neither => "neither at most nor at least once",
            Level::AtMostOnce => "at most once",
            Level::AtLeastOnce => "at least once",
            Level::ExactlyOnce => "exactly once",
        })?;
        if !self.because.is_empty() {
            write!(f, ": {}", self.because.join("; "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(
        durable: bool,
        rewinds: &[Rewind],
        deliveries: &[Delivery],
        level: Level,
        words: &str,
    ) {
        let sources: Vec<_> = rewinds
            .iter()
            .map(|rewind| SourceMeter::new("in", 1, String::new(), *rewind))
            .collect();
        let sinks = deliveries.iter().map(|delivery| ("out", *delivery));
        let guarantee = Guarantee::of(durable, sources.iter(), sinks);
        assert_eq!(guarantee.level, level, "{rewinds:?} {deliveries:?}");
        assert!(guarantee.to_string().contains(words), "{guarantee}");
    }

    #[test]
    fn the_weakest_link_counts() {
        use Delivery::{AtLeastOnce, Idempotent, Transactional};
        use Rewind::{Nothing, Replay, Seek};
        let all = [Seek, Replay];
        check(
            true,
            &all,
            &[Idempotent, Transactional],
            Level::ExactlyOnce,
            "exactly once",
        );
        check(
            true,
            &all,
            &[Transactional, AtLeastOnce],
            Level::AtLeastOnce,
            "\"out\"",
        );
        check(
            true,
            &[Seek, Nothing],
            &[Transactional],
            Level::AtMostOnce,
            "\"in\"",
        );
        check(true, &[Nothing], &[AtLeastOnce], Level::Neither, "\"out\"");
        check(false, &all, &[Transactional], Level::Nothing, "begins anew");
    }
}

//! Acknowledging: sources are told how far they were read for good.
//!
//! ```text
//!  manifests:   … │ n − 1 │ n        a run that finds n damaged goes back to n − 1,
//!  told:               ▲             so what lies before the positions of n − 1 is never asked for again
//! ```
//!
//! A run that keeps no state never goes back: it tells the positions of each commit at once.

use crate::error::Error;
use crate::shared::Shared;
use crate::source::Position;

use super::manifest::Manifest;
use super::write::Vote;

/// Where the partitions of all sources stood: source, partition, position.
type Positions = Vec<(String, u32, Position)>;

/// What was committed and not told yet.
#[derive(Default)]
pub(crate) struct Acks {
    committed: Positions,
}

impl Acks {
    /// Those of a run that goes on from `manifest`.
    pub(crate) fn from(manifest: &Manifest) -> Self {
        Acks {
            committed: positions_in(manifest),
        }
    }

    /// `manifest` is durable: tells the positions of the one before.
    pub(crate) fn committed(&mut self, manifest: &Manifest, shared: &Shared) {
        let before = std::mem::replace(&mut self.committed, positions_in(manifest));
        tell(before, shared);
    }

    /// `votes` are all there is to a commit that nobody goes back to.
    pub(crate) fn voted(&mut self, votes: &[Vote]) {
        let partitions = votes.iter().flat_map(|vote| &vote.partitions);
        let positions = partitions.filter_map(|(source, partition, state)| {
            Some((source.clone(), *partition, state.position.clone()?))
        });
        self.committed = positions.collect();
    }

    /// Tells what was voted on.
    pub(crate) fn tell(&mut self, shared: &Shared) {
        tell(std::mem::take(&mut self.committed), shared);
    }
}

fn positions_in(manifest: &Manifest) -> Positions {
    let sources = manifest.sources.iter();
    let partitions = sources.flat_map(|(name, source)| {
        let of_source = source.partitions.iter();
        of_source.map(move |(partition, state)| (name, *partition, &state.position))
    });
    let known = partitions.filter_map(|(name, partition, position)| {
        Some((name.clone(), partition, position.clone()?))
    });
    known.collect()
}

fn tell(positions: Positions, shared: &Shared) {
    for (name, partition, position) in positions {
        let Some(ack) = shared.acks.get(&name) else {
            continue;
        };
        if let Err(source) = ack.ack(partition, &position) {
            shared.fail(Error::Source { name, source });
        }
    }
}

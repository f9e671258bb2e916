//! Side inputs: bounded sources that are read whole before the pipeline starts.
//!
//! What records are enriched with is often a table that is small and does not change: names of categories, rates, the rules
//! of a campaign. It is read once in each process, before the first record flows, and shared by all workers; so nothing
//! waits for it and nothing is sent to where it is. It is no state: a run that goes on from a snapshot reads it again, and
//! what it says by then holds from there on.
//!
//! *Invariants*: a pipeline starts with all of a side input, or not at all. It is an error of the building if the source
//! does not end, or if a record of it cannot be read: a table with holes would be wrong for every record that falls into
//! one, and nobody would see it.

use std::convert::Infallible;
use std::panic::Location;
use std::sync::{Arc, Mutex, PoisonError};

use crate::epoch::Epoch;
use crate::error::{BoxError, Error};
use crate::intake::{Intake, PartitionWatermark};
use crate::record::Data;
use crate::source::{Partition, Polled, Source, SourceContext, Waker};
use crate::stream::Stream;
use crate::time::EventTime;

/// How many records are asked of a partition at a time.
const ROOM: usize = 65_536;

/// After so many rounds in which no partition had anything, each waiting for another, none ever will.
const ROUNDS_HELD_MAX: u32 = 10_000;

/// A source cannot be read whole.
#[derive(Debug, thiserror::Error)]
enum NotWhole {
    #[error(
        "as a side input it must end by itself, and partition {partition} waits for more: \
         use it as a source of the pipeline, and its stream as rows to join with"
    )]
    HasNoEnd { partition: u32 },
    #[error(
        "as a side input every record of it must be readable: at {offset} of partition {partition}: {reason}"
    )]
    Rejected {
        partition: u32,
        offset: u64,
        reason: String,
    },
    #[error("all its partitions wait for one another")]
    Held,
}

impl<T: Data> Stream<'_, T> {
    /// All records of `source`, which is known as `name`: read by whoever asks first in this process, and shared.
    ///
    /// If that fails it is an error of the building, and there are none.
    #[doc(hidden)]
    pub fn side_input<S>(
        &self,
        name: &str,
        location: &'static Location<'static>,
        source: &S,
    ) -> Arc<Vec<S::Item>>
    where
        S: Source,
        S::Item: Send + Sync + 'static,
    {
        let build = &self.flow.build;
        build.claim("step", name, location);
        // Not the name alone, which a source may have too: sources meet others of theirs in the registry by it.
        let cx = build.source_context(&format!("side input {name}"));
        // The registry is not locked while the source is read: that may want to meet others of itself there.
        let make = || Ok::<Whole<S::Item>, Infallible>(Mutex::new(None));
        let whole = match build
            .setup
            .registry
            .get_or_make(&format!("side input {name}"), make)
        {
            Ok(whole) => whole,
            Err(never) => match never {},
        };
        let mut whole = whole.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(records) = &*whole {
            return Arc::clone(records);
        }
        match read_whole(source, &cx) {
            Ok(records) => Arc::clone(whole.insert(Arc::new(records))),
            Err(source) => {
                let name = name.into();
                build.error(Error::Source { name, source });
                Arc::default()
            }
        }
    }
}

/// All records of a side input, once they are read.
type Whole<T> = Mutex<Option<Arc<Vec<T>>>>;

/// Reads all partitions to their end, in turn.
fn read_whole<S: Source>(source: &S, cx: &SourceContext) -> Result<Vec<S::Item>, BoxError> {
    let n_partitions = source.partitions(cx)?;
    let mut partitions = Vec::new();
    for partition in 0..n_partitions {
        let opened = source.open(partition, cx, Waker::new(|| {}))?;
        partitions.push((partition, opened));
    }
    let mut records = Vec::new();
    let mut n_rounds_held = 0;
    while !partitions.is_empty() {
        let n_before = (records.len(), partitions.len());
        let mut at = 0;
        while at < partitions.len() {
            let (number, partition) = &mut partitions[at];
            match poll(partition, *number, cx, &mut records)? {
                Polled::Ready | Polled::Held => at += 1,
                Polled::Ended => drop(partitions.swap_remove(at)),
                Polled::CaughtUp { .. } => {
                    let partition = *number;
                    return Err(NotWhole::HasNoEnd { partition }.into());
                }
            }
        }
        let is_held = n_before == (records.len(), partitions.len());
        n_rounds_held = if is_held { n_rounds_held + 1 } else { 0 };
        if n_rounds_held > ROUNDS_HELD_MAX {
            return Err(NotWhole::Held.into());
        }
    }
    Ok(records)
}

/// Polls a partition once.
fn poll<P: Partition>(
    partition: &mut P,
    number: u32,
    cx: &SourceContext,
    into: &mut Vec<P::Item>,
) -> Result<Polled, BoxError> {
    let now = cx.clock.now();
    let (mut records, mut letters) = (Vec::new(), Vec::new());
    let mut intake = Intake {
        time_of: &|_, taken_in| taken_in,
        taken_in: now,
        watermark: &mut PartitionWatermark::new(None),
        latest_allowed: EventTime::MAX,
        room: ROOM,
        now,
        partition: number,
        source: &cx.name,
        records: &mut records,
        letters: &mut letters,
        epoch: Epoch::default(),
        refused: None,
    };
    let polled = partition.poll(&mut intake)?;
    if let Some(letter) = letters.into_iter().next() {
        return Err(NotWhole::Rejected {
            partition: number,
            offset: letter.offset,
            reason: letter.reason,
        }
        .into());
    }
    into.extend(records.into_iter().map(|record| record.value));
    Ok(polled)
}

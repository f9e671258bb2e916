//! The dead letters of all sources on their way to the sink that the application has for them.
//!
//! ```text
//!  source a ──letters@e──┐
//!  source b ──letters@e──┴──▶ rows ──▶ sink "dead-letters" ──▶ commit
//! ```
//!
//! They are a stream like any other, with the marks of all sources; so their sink stages and publishes with the epochs
//! they are of, and what a run did not commit is rejected again by the next, once.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

use timely::dataflow::operators::{Concat, Concatenate};

use crate::dead_letter::DeadLetter;
use crate::error::Result;
use crate::flow::Flow;
use crate::mark::Origin;
use crate::record::Record;
use crate::row_stream::RowStream;
use crate::stream::{Batches, Marks, Stream};
use crate::time::EventTime;

/// The name of the sink for dead letters.
pub const DEAD_LETTERS: &str = "dead-letters";

/// Puts the sink that the user has chosen behind the letters.
pub(crate) type LetterSink = dyn for<'f> Fn(&RowStream<'f, DeadLetter>) -> Result<()> + Send + Sync;

/// What one source rejects.
#[derive(Clone)]
pub(crate) struct Rejected<'f> {
    pub(crate) name: String,
    pub(crate) letters: Batches<'f, DeadLetter>,
    pub(crate) marks: Marks<'f>,
    pub(crate) origin: Origin,
}

/// Letters as records.
pub(crate) fn records(letters: Vec<DeadLetter>) -> Vec<Record<DeadLetter>> {
    let record = |value: DeadLetter| Record {
        time: value.event_time.unwrap_or(value.trial.first_seen),
        behind: EventTime::MIN,
        value,
    };
    letters.into_iter().map(record).collect()
}

/// Leads what the sources reject to the sink, if there is one.
pub(crate) fn to_sink<'f>(flow: &Flow<'f>, rejected: Vec<Rejected<'f>>) -> Result<()> {
    let Some(sink) = &flow.build.setup.dead_letters else {
        return Ok(());
    };
    let reads = rejected.iter().map(|source| source.name.clone());
    let reads = Rc::new(reads.collect());
    let origins: BTreeSet<Origin> = rejected.iter().map(|source| source.origin).collect();
    let marks = rejected.iter().map(|source| source.marks.clone());
    let marks = flow.scope.concatenate(marks).concat(flow.pulse.clone());
    let letters = rejected.into_iter().map(|source| source.letters);
    let stream = Stream {
        flow: flow.clone(),
        batches: flow.scope.concatenate(letters),
        marks,
        origins,
        reads,
    };
    let columns = Arc::from(DeadLetter::columns());
    sink(&RowStream::new(stream, columns, |letter| {
        letter.value.row()
    }))
}

//! The source operator: drives the partitions of a source that belong to this worker.
//!
//! ```text
//!  Partition::poll ──▶ intake ──▶ records@e ─────────────────────────────▶
//!        (many)          │   ├──▶ marks@e, once e closes ──▶ broadcast ──▶ all workers
//!                        │   └──▶ positions@e, if e is a snapshot epoch
//!                        └──▶ dead letters@e
//! ```
//!
//! Here its outputs are wired and whoever may wake it is told how: timers of its own worker, the epoch clock and the
//! source, from whatever thread. What it does once awake is its [`SourceStep`]; a dry building has none.
//!
//! *Frontiers*: the operator holds the open epoch. It sends records of `e`, then its mark at `e`, then moves on; also at
//! its end.

use std::rc::Rc;
use std::sync::{Mutex, PoisonError};

use timely::container::{CapacityContainerBuilder, NoopBuilder};
use timely::dataflow::operators::generic::OutputBuilder;
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;
use timely::dataflow::operators::vec::Broadcast;
use timely::scheduling::SyncActivator;

use crate::dead_letter::DeadLetter;
use crate::dead_letters::{self, Rejected};
use crate::error::Error;
use crate::flow::Flow;
use crate::intake::TimeOf;
use crate::mark::{Mark, Origin};
use crate::reader::{self, Reader};
use crate::snapshot::change::Change;
use crate::source::{Source, Waker};
use crate::source_step::{Sent, SourceStep};
use crate::step;
use crate::stream::{Batch, Batches, Marks};
use crate::watermarks::Watermarks;

/// Builds the operator; gives records and marks.
pub(crate) fn input<'f, S: Source>(
    flow: &Flow<'f>,
    name: &str,
    source: &S,
    time_of: Box<TimeOf<S::Item>>,
    watermarks: Watermarks,
    origin: Origin,
) -> (Batches<'f, S::Item>, Marks<'f>) {
    let mut builder = OperatorBuilder::new(format!("source {name}"), flow.scope);
    let (records, record_stream) = builder.new_output::<Batch<S::Item>>();
    let (marks, mark_stream) = builder.new_output::<Vec<Mark>>();
    let (changes, change_stream) = builder.new_output::<Vec<Change>>();
    let (letters, letter_stream) = builder.new_output::<Batch<DeadLetter>>();
    let mut records = OutputBuilder::<_, NoopBuilder<Batch<S::Item>>>::from(records);
    let mut marks = OutputBuilder::<_, CapacityContainerBuilder<Vec<Mark>>>::from(marks);
    let mut letters = OutputBuilder::<_, NoopBuilder<Batch<DeadLetter>>>::from(letters);
    let mut changes = OutputBuilder::<_, CapacityContainerBuilder<Vec<Change>>>::from(changes);
    let address = builder.operator_info().address;
    let activator = Rc::new(flow.scope.activator_for(Rc::clone(&address)));
    let step: Rc<str> = format!("source {name}").into();
    let reader = reader(flow, name, source, &step, time_of, watermarks, || {
        flow.scope.worker().sync_activator_for(address.to_vec())
    });
    let timers = flow.build.timers.clone();
    builder.build(move |capabilities| {
        let mut running =
            reader.map(|reader| SourceStep::new(reader, capabilities, origin, timers, activator));
        move |_frontiers| {
            step::enter(&step);
            let Some(source) = &mut running else { return };
            let (mut records, mut marks) = (records.activate(), marks.activate());
            let (mut changes, mut letters) = (changes.activate(), letters.activate());
            let ended = source.turn(
                |capability, sent| match sent {
                    Sent::Records(batch) => records
                        .session_with_builder(capability)
                        .give_container(&mut Rc::new(batch)),
                    Sent::Letters(rejected) => letters
                        .session_with_builder(capability)
                        .give_container(&mut Rc::new(dead_letters::records(rejected))),
                },
                |capability, mark| marks.session(capability).give(mark),
                |capability, change| changes.session(capability).give(change),
            );
            if ended {
                running.take().expect("it was running").end();
            }
        }
    });
    flow.keeps(change_stream);
    let marks = mark_stream.broadcast();
    flow.rejects(Rejected {
        name: name.into(),
        letters: letter_stream,
        marks: marks.clone(),
        origin,
    });
    (record_stream, marks)
}

/// The reader of the partitions that belong to this worker; `None` when built dry, or when that failed and was told.
fn reader<S: Source>(
    flow: &Flow<'_>,
    name: &str,
    source: &S,
    step: &Rc<str>,
    time_of: Box<TimeOf<S::Item>>,
    watermarks: Watermarks,
    activator: impl Fn() -> SyncActivator,
) -> Option<Reader<S::Partition>> {
    let opened = match &flow.build.live {
        Some(live) => {
            live.shared.epochs.register(activator());
            let waker = waker(activator());
            step::enter(step);
            reader::open(flow, live, name, source, time_of, watermarks, &waker)
        }
        None => reader::look(flow, name, source).map(|()| None),
    };
    opened.unwrap_or_else(|error| {
        flow.build.error(Error::Source {
            name: name.into(),
            source: error,
        });
        None
    })
}

/// Activates the operator from wherever the source hears that there is more.
fn waker(activator: SyncActivator) -> Waker {
    let waking = Mutex::new(activator);
    Waker::new(move || {
        // A worker that is gone needs no waking.
        let _ = waking
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .activate();
    })
}

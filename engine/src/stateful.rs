//! The operator of every step with state, written once.
//!
//! ```text
//!  batches ──(pact)──▶ ┌ stash by epoch ─▶ Logic::on_batch … on_watermark … on_publish ┐ ──▶ out@e
//!  marks ────────────▶ └────────────────────────────────────────────────────────────── ┘ ──▶ late@e, standing@e
//!                                                                                      └──▶ changes@e, into snapshots
//! ```
//!
//! A step with state is a [`Logic`], what it is [`Fed`], where it is [`Counted`], and perhaps that it [`Speaks`] for itself.
//! Here its inputs and outputs are wired; when its logic is called is decided in the [`Shell`] around it.
//!
//! *Frontiers*: the operator holds no capability of its own; the shell keeps those that messages came with. Only one that
//! goes on from a snapshot begins with the epoch before the first of the run, until it has told what it has kept.
//!
//! *Invariants*: what was kept reaches a step that is new, and none that goes on: that has seen it.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use timely::container::{CapacityContainerBuilder, NoopBuilder};
use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::{ParallelizationContract, Pipeline};
use timely::dataflow::operators::Capability;
use timely::dataflow::operators::generic::OutputBuilder;
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;

use crate::flow::Flow;
use crate::logic::{Logic, Size};
use crate::mark::{Mark, Origin};
use crate::shell::Shell;
use crate::snapshot::change::Change;
use crate::step::{self, Meter, Step};
use crate::stream::{Batch, Batches, Marks};
use crate::time::EventTime;

/// Who is counted, and where.
pub(crate) struct Counted {
    pub(crate) step: Arc<Step>,
    pub(crate) worker: usize,
    /// Off for a step that works ahead of the one that has the name.
    pub(crate) counts_state: bool,
}

impl Counted {
    pub(crate) fn meter(&self) -> &Meter {
        self.step.meter(self.worker)
    }

    /// How much of what goes out is counted: what a step sends to itself is not.
    pub(crate) fn of_output(&self, n: usize) -> u64 {
        if self.counts_state { n as u64 } else { 0 }
    }

    pub(crate) fn note(&self, watermark: EventTime, size: &Size) {
        if !self.counts_state {
            return;
        }
        let meter = self.meter();
        meter.watermark.store(watermark.micros(), Relaxed);
        meter.keys.store(size.keys, Relaxed);
        meter.open_windows.store(size.open_windows, Relaxed);
        meter.state_bytes.store(size.bytes, Relaxed);
        meter.next_close.store(size.next_close.micros(), Relaxed);
    }
}

/// What a step is given.
pub(crate) struct Fed<'f, C> {
    pub(crate) batches: timely::dataflow::Stream<'f, u64, C>,
    /// What accompanies the batches.
    pub(crate) marks: Marks<'f>,
    pub(crate) n_origins: usize,
}

/// What a step gives.
pub(crate) struct Built<'f, O, L> {
    pub(crate) out: StreamVec<'f, u64, O>,
    pub(crate) late: Batches<'f, L>,
    /// How the step stands on this worker, if it speaks.
    pub(crate) marks: Marks<'f>,
}

/// That a step says with marks of its own how far what it emits has come.
#[derive(Clone)]
pub(crate) struct Speaks {
    pub(crate) origin: Origin,
    /// How far behind its watermark it may emit.
    pub(crate) by: Duration,
    /// Whether anyone wants to hear it.
    pub(crate) wanted: Rc<Cell<bool>>,
}

/// Runs `logic` on what it is `fed`, the batches distributed by `pact`.
pub(crate) fn stateful<'f, L, P>(
    flow: &Flow<'f>,
    counted: Counted,
    fed: Fed<'f, L::In>,
    pact: P,
    speaks: Option<Speaks>,
    logic: L,
) -> Built<'f, L::Out, L::Late>
where
    L: Logic,
    P: ParallelizationContract<u64, L::In>,
{
    let name: Rc<str> = format!("{} {}", counted.step.kind, counted.step.name).into();
    let mut builder = OperatorBuilder::new(name.to_string(), flow.scope);
    let mut batches = builder.new_input(fed.batches, pact);
    let mut marks = builder.new_input(fed.marks, Pipeline);
    let (out, out_stream) = builder.new_output::<Vec<L::Out>>();
    let (late, late_stream) = builder.new_output::<Batch<L::Late>>();
    let (standing, standing_stream) = builder.new_output::<Vec<Mark>>();
    let mut out = OutputBuilder::<_, CapacityContainerBuilder<Vec<L::Out>>>::from(out);
    let mut late = OutputBuilder::<_, NoopBuilder<Batch<L::Late>>>::from(late);
    let mut standing = OutputBuilder::<_, CapacityContainerBuilder<Vec<Mark>>>::from(standing);
    let (changes, change_stream) = builder.new_output::<Vec<Change>>();
    let mut changes = OutputBuilder::<_, CapacityContainerBuilder<Vec<Change>>>::from(changes);
    flow.keeps(change_stream);
    let activator = flow.scope.activator_for(builder.operator_info().address);
    let mut shell = Shell::new(flow, counted, fed.n_origins, speaks, logic);
    builder.build(move |capabilities| {
        let mut recalls = shell.recalls().map(|epoch| capabilities[0].delayed(&epoch));
        drop(capabilities);
        move |frontiers| {
            step::enter(&name);
            let mut out = out.activate();
            let mut late = late.activate();
            let mut standing = standing.activate();
            let mut changes = changes.activate();
            if let Some(cap) = recalls.take() {
                shell.recall(|kept| out.session(&cap).give_iterator(kept));
            }
            batches.for_each(|cap, batch| {
                let batch = std::mem::take(batch);
                if !shell.has_seen(&cap) {
                    shell.stashed(&cap).batches.push(batch);
                }
            });
            marks.for_each(|cap, marks| shell.stashed(&cap).marks.append(marks));
            let mut keep = |cap: &Capability<u64>, change| changes.session(cap).give(change);
            shell.go_on_saving(&mut keep);
            shell.work(
                frontiers,
                |cap, emitted| out.session(cap).give_iterator(emitted),
                |cap, records| {
                    late.session_with_builder(cap)
                        .give_container(&mut Rc::new(records))
                },
                |cap, mark| standing.session(cap).give(mark),
                keep,
            );
            if shell.is_saving() {
                activator.activate();
            }
        }
    });
    Built {
        out: out_stream,
        late: late_stream,
        marks: standing_stream,
    }
}

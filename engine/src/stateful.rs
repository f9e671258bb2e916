//! The stateful shell: buffers by epoch, applies in order, follows the watermark. Written once for all steps with state.
//!
//! ```text
//!  batches ──(pact)──▶ ┌ stash by epoch ─▶ Logic::on_batch … on_watermark … on_publish ┐ ──▶ out@e
//!  marks ────────────▶ └────────────────────────────────────────────────────────────── ┘ ──▶ late@e, standing@e
//! ```
//!
//! A step with state is a [`Logic`]: a plain struct with pure methods. The shell calls them in this order for each epoch
//! `e`: `on_batch` for the batches of `e`; `on_epoch`; then, if the marks of `e` moved the watermark, `on_watermark`; then,
//! if `e` is a publish epoch, `on_publish`. What they emit leaves at `e`.
//!
//! *Frontiers*: a capability for `e` is kept from the first message of `e` until `e` has been dealt with whole. Batches of
//! `e` are applied as soon as nothing of an earlier epoch can come, the rest once nothing of `e` can come.
//!
//! *Invariants*: epochs are applied in order. When a batch of `e` is applied, the watermark is that after `e - 1`, on
//! every worker the same: what a logic does depends on the input and not on how it was cut into batches.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use timely::container::{CapacityContainerBuilder, NoopBuilder};
use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::{ParallelizationContract, Pipeline};
use timely::dataflow::operators::generic::OutputBuilder;
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;
use timely::dataflow::operators::{Capability, InputCapability};
use timely::progress::frontier::MutableAntichain;

use crate::epoch::Epoch;
use crate::flow::Flow;
use crate::logic::{At, Emitted, Logic, Size};
use crate::mark::{Mark, Origin, Standing};
use crate::mark_clock::MarkClock;
use crate::shared::Shared;
use crate::step::{self, Meter, Step};
use crate::stream::{Batch, Batches, Marks};
use crate::time::EventTime;

/// Room for so many emitted values is kept; closing a large window may take more for once.
const OUT_KEPT: usize = 65_536;

/// What arrived of an epoch and is not yet applied.
struct Stashed<C> {
    for_out: Capability<u64>,
    for_late: Capability<u64>,
    for_marks: Capability<u64>,
    batches: Vec<C>,
    marks: Vec<Mark>,
}

/// Who is counted, and where.
pub(crate) struct Counted {
    pub(crate) step: Arc<Step>,
    pub(crate) worker: usize,
    /// Off for a step that works ahead of the one that has the name.
    pub(crate) counts_state: bool,
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
    let mut shell = Shell::new(flow, counted, fed.n_origins, speaks, logic);
    builder.build(move |_capabilities| {
        move |frontiers| {
            step::enter(&name);
            let mut out = out.activate();
            let mut late = late.activate();
            let mut standing = standing.activate();
            batches.for_each(|cap, batch| shell.stashed(&cap).batches.push(std::mem::take(batch)));
            marks.for_each(|cap, marks| shell.stashed(&cap).marks.append(marks));
            while let Some(turn) = shell.turn(frontiers) {
                shell.apply_batches(turn.epoch);
                let done = turn.whole.then(|| shell.finish(turn.epoch));
                let caps = done
                    .as_ref()
                    .or_else(|| shell.stash.get(&turn.epoch))
                    .expect("stashed");
                if !shell.emitted.out.is_empty() {
                    shell.counted.went_out(shell.emitted.out.len());
                    out.session(&caps.for_out)
                        .give_iterator(shell.emitted.out.drain(..));
                    shell.emitted.out.shrink_to(OUT_KEPT);
                }
                if !shell.emitted.late.is_empty() {
                    let records = std::mem::take(&mut shell.emitted.late);
                    Meter::add(&shell.counted.meter().late, records.len() as u64);
                    late.session_with_builder(&caps.for_late)
                        .give_container(&mut Rc::new(records));
                }
                if let Some(mark) = shell.to_say.take() {
                    standing.session(&caps.for_marks).give(mark);
                }
                if !turn.whole {
                    break;
                }
            }
        }
    });
    Built {
        out: out_stream,
        late: late_stream,
        marks: standing_stream,
    }
}

struct Shell<L: Logic> {
    logic: L,
    clock: MarkClock,
    stash: BTreeMap<u64, Stashed<L::In>>,
    emitted: Emitted<L::Out, L::Late>,
    counted: Counted,
    shared: Option<Arc<Shared>>,
    peers: u32,
    speaks: Option<Speaks>,
    said: Option<Standing>,
    to_say: Option<Mark>,
}

/// The next epoch that something can be done about.
struct Turn {
    epoch: u64,
    /// Nothing more of it can come.
    whole: bool,
}

impl<L: Logic> Shell<L> {
    fn new(
        flow: &Flow<'_>,
        counted: Counted,
        n_origins: usize,
        speaks: Option<Speaks>,
        logic: L,
    ) -> Self {
        let live = flow.build.live.as_ref();
        Shell {
            logic,
            clock: MarkClock::new(n_origins, flow.peers()),
            stash: BTreeMap::new(),
            emitted: Emitted {
                out: Vec::new(),
                late: Vec::new(),
                n_records: 0,
            },
            counted,
            shared: live.map(|live| Arc::clone(&live.shared)),
            peers: u32::try_from(flow.peers()).expect("workers are few"),
            speaks,
            said: None,
            to_say: None,
        }
    }

    fn stashed(&mut self, capability: &InputCapability<u64>) -> &mut Stashed<L::In> {
        let epoch = *capability.least().expect("messages carry an epoch");
        self.stash.entry(epoch).or_insert_with(|| Stashed {
            for_out: capability.delayed(&epoch, 0),
            for_late: capability.delayed(&epoch, 1),
            for_marks: capability.delayed(&epoch, 2),
            batches: Vec::new(),
            marks: Vec::new(),
        })
    }

    /// The first epoch in stash, if nothing of an earlier one can come any more.
    fn turn(&self, frontiers: &[MutableAntichain<u64>]) -> Option<Turn> {
        let (&epoch, stashed) = self.stash.first_key_value()?;
        let earlier_may_come = frontiers.iter().any(|frontier| frontier.less_than(&epoch));
        let whole = !frontiers.iter().any(|frontier| frontier.less_equal(&epoch));
        (whole || (!earlier_may_come && !stashed.batches.is_empty()))
            .then_some(Turn { epoch, whole })
    }

    fn apply_batches(&mut self, epoch: u64) {
        let at = At {
            epoch: Epoch::from_u64(epoch),
            watermark: self.clock.watermark(),
        };
        let batches = std::mem::take(&mut self.stash.get_mut(&epoch).expect("its turn").batches);
        for batch in batches {
            self.logic.on_batch(batch, at, &mut self.emitted);
        }
        let n = std::mem::take(&mut self.emitted.n_records);
        if n > 0 {
            Meter::add(&self.counted.meter().records_in, n);
        }
    }

    fn finish(&mut self, epoch: u64) -> Stashed<L::In> {
        let stashed = self.stash.remove(&epoch).expect("its turn");
        let before = self.clock.watermark();
        self.logic.on_epoch(
            At {
                epoch: Epoch::from_u64(epoch),
                watermark: before,
            },
            &mut self.emitted,
        );
        stashed.marks.iter().for_each(|mark| self.clock.take(*mark));
        let watermark = self.clock.settle();
        let at = At {
            epoch: Epoch::from_u64(epoch),
            watermark,
        };
        if watermark > before {
            self.logic.on_watermark(at, &mut self.emitted);
        }
        let publish = stashed.marks.iter().filter_map(|mark| match mark {
            Mark::Publish { last } => Some(*last),
            Mark::Standing { .. } => None,
        });
        if let Some(last) = publish.reduce(|a, b| a | b) {
            let started = Instant::now();
            self.logic.on_publish(at, last, &mut self.emitted);
            if let Some(shared) = self
                .shared
                .as_ref()
                .filter(|shared| shared.setup.clock.is_real())
            {
                shared
                    .epochs
                    .spent_publishing(started.elapsed() / self.peers);
            }
        }
        let size = self.logic.size();
        self.speak(size.open_windows == 0);
        self.counted.note(watermark, &size);
        stashed
    }

    /// Says how this step stands, if someone wants to hear it and it is news.
    fn speak(&mut self, quiet: bool) {
        let Some(speaks) = self.speaks.as_ref().filter(|speaks| speaks.wanted.get()) else {
            return;
        };
        let standing = self.clock.standing_of_step(speaks.by, quiet);
        if self.said.replace(standing) != Some(standing) {
            self.to_say = Some(Mark::Standing {
                origin: speaks.origin,
                worker: u32::try_from(self.counted.worker).expect("workers are few"),
                standing,
            });
        }
    }
}

impl Counted {
    fn meter(&self) -> &Meter {
        self.step.meter(self.worker)
    }

    fn went_out(&self, n: usize) {
        if self.counts_state {
            Meter::add(&self.meter().records_out, n as u64);
        }
    }

    fn note(&self, watermark: EventTime, size: &Size) {
        use std::sync::atomic::Ordering::Relaxed;
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

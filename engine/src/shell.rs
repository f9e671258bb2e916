//! The stateful shell: buffers by epoch, applies in order, follows the watermark.
//!
//! The shell stands around the [`Logic`] of a step and decides when it is called. For each epoch `e`: `on_batch` for the
//! batches of `e`; `on_epoch`; then, if the marks of `e` moved the watermark, `on_watermark`; then, if `e` is a publish
//! epoch, `on_publish`. What they emit leaves at `e`.
//!
//! *Frontiers*: a capability for `e` is kept from the first message of `e` until `e` has been dealt with whole. Batches of
//! `e` are applied as soon as nothing of an earlier epoch can come, the rest once nothing of `e` can come.
//!
//! *Invariants*: epochs are applied in order. When a batch of `e` is applied, the watermark is that after `e - 1`, on
//! every worker the same: what a logic does depends on the input and not on how it was cut into batches.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;
use std::vec::Drain;

use timely::dataflow::operators::{Capability, InputCapability};
use timely::progress::frontier::MutableAntichain;

use crate::epoch::Epoch;
use crate::flow::Flow;
use crate::logic::{At, Emitted, Logic, Publish};
use crate::mark::{Mark, Standing};
use crate::mark_clock::MarkClock;
use crate::record::Record;
use crate::shared::Shared;
use crate::stateful::{Counted, Speaks};
use crate::step::Meter;

/// Room for so many emitted values is kept; closing a large window may take more for once.
const OUT_KEPT: usize = 65_536;

/// What arrived of an epoch and is not yet applied.
pub(crate) struct Stashed<C> {
    for_out: Capability<u64>,
    for_late: Capability<u64>,
    for_marks: Capability<u64>,
    pub(crate) batches: Vec<C>,
    pub(crate) marks: Vec<Mark>,
}

/// The shell of one step on one worker.
pub(crate) struct Shell<L: Logic> {
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
    pub(crate) fn new(
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

    /// Where what came with `capability` is kept.
    pub(crate) fn stashed(&mut self, capability: &InputCapability<u64>) -> &mut Stashed<L::In> {
        let epoch = *capability.least().expect("messages carry an epoch");
        self.stash.entry(epoch).or_insert_with(|| Stashed {
            for_out: capability.delayed(&epoch, 0),
            for_late: capability.delayed(&epoch, 1),
            for_marks: capability.delayed(&epoch, 2),
            batches: Vec::new(),
            marks: Vec::new(),
        })
    }

    /// Does what can be done, and hands on what is emitted, each with the capability by which it leaves.
    pub(crate) fn work(
        &mut self,
        frontiers: &[MutableAntichain<u64>],
        mut give: impl FnMut(&Capability<u64>, Drain<'_, L::Out>),
        mut give_late: impl FnMut(&Capability<u64>, Vec<Record<L::Late>>),
        mut say: impl FnMut(&Capability<u64>, Mark),
    ) {
        while let Some(turn) = self.turn(frontiers) {
            self.apply_batches(turn.epoch);
            let done = turn.whole.then(|| self.finish(turn.epoch));
            let caps = done
                .as_ref()
                .or_else(|| self.stash.get(&turn.epoch))
                .expect("stashed");
            if !self.emitted.out.is_empty() {
                self.counted.went_out(self.emitted.out.len());
                give(&caps.for_out, self.emitted.out.drain(..));
                self.emitted.out.shrink_to(OUT_KEPT);
            }
            if !self.emitted.late.is_empty() {
                let records = std::mem::take(&mut self.emitted.late);
                Meter::add(&self.counted.meter().late, records.len() as u64);
                give_late(&caps.for_late, records);
            }
            if let Some(mark) = self.to_say.take() {
                say(&caps.for_marks, mark);
            }
            if !turn.whole {
                break;
            }
        }
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

    /// Applies the marks of an epoch of which nothing more can come, and gives up what it was kept by.
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
            Mark::Publish(publish) => Some(*publish),
            Mark::Standing { .. } => None,
        });
        if let Some(publish) = publish.reduce(Publish::and) {
            let started = Instant::now();
            self.logic.on_publish(at, publish, &mut self.emitted);
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

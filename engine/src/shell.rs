//! The stateful shell: buffers by epoch, applies in order, follows the watermark.
//!
//! The shell stands around the [`Logic`] of a step and decides when it is called. For each epoch `e`: `on_batch` for the
//! batches of `e`; `on_epoch`; then, if the marks of `e` moved the watermark or `e` is the first of a run that goes on from
//! a snapshot, `on_watermark`; then, if `e` is a publish epoch, `on_publish`. What they emit leaves at `e`. If `e` is a
//! snapshot epoch, what has changed is frozen then, and saved between the epochs that follow, by the step's [`Keeper`].
//!
//! *Frontiers*: a capability for `e` is kept from the first message of `e` until `e` has been dealt with whole. Batches of
//! `e` are applied as soon as nothing of an earlier epoch can come, the rest once nothing of `e` can come.
//!
//! *Invariants*: epochs are applied in order. When a batch of `e` is applied, the watermark is that after `e - 1`, on
//! every worker the same: what a logic does depends on the input and not on how it was cut into batches.

mod saving;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;
use std::vec::Drain;

use timely::dataflow::operators::{Capability, InputCapability};
use timely::progress::frontier::MutableAntichain;

use crate::epoch::Epoch;
use crate::error::Error;
use crate::flow::Flow;
use crate::logic::{At, Emitted, Logic, Publish};
use crate::mark::{Mark, Standing};
use crate::mark_clock::MarkClock;
use crate::record::Record;
use crate::shared::Shared;
use crate::snapshot::change::Change;
use crate::snapshot::keeper::Keeper;
use crate::snapshot::manifest::Counters;
use crate::stateful::{Counted, Speaks};
use crate::tally::Tally;
use crate::time::EventTime;

/// Room for so many emitted values is kept; closing a large window may take more for once.
const OUT_KEPT: usize = 65_536;

/// What arrived of an epoch and is not yet applied.
pub(crate) struct Stashed<C> {
    for_out: Capability<u64>,
    for_late: Capability<u64>,
    for_marks: Capability<u64>,
    for_changes: Capability<u64>,
    pub(crate) batches: Vec<C>,
    pub(crate) marks: Vec<Mark>,
}

/// The shell of one step on one worker.
pub(crate) struct Shell<L: Logic> {
    logic: L,
    clock: MarkClock,
    /// Whether the logic is to be told of the watermark though that has not moved: it is one that a run before came to.
    tell: bool,
    stash: BTreeMap<u64, Stashed<L::In>>,
    emitted: Emitted<L::Out, L::Late>,
    tally: Tally,
    shared: Option<Arc<Shared>>,
    peers: u32,
    speaks: Option<Speaks>,
    said: Option<Standing>,
    to_say: Option<Mark>,
    /// If snapshots are taken.
    keeper: Option<Keeper>,
    recalling: Option<Recalling>,
}

/// What a step that goes on from a snapshot has to do with the epoch of what was kept.
#[derive(Clone, Copy)]
struct Recalling {
    epoch: u64,
    /// It has seen what the steps before it have kept, and passes over it.
    passes_over: bool,
}

/// The next epoch that something can be done about.
struct Turn {
    epoch: u64,
    /// Nothing more of it can come.
    whole: bool,
}

impl<L: Logic> Shell<L> {
    /// A shell around `logic`, as the snapshot left it that the run goes on from.
    pub(crate) fn new(
        flow: &Flow<'_>,
        counted: Counted,
        n_origins: usize,
        speaks: Option<Speaks>,
        mut logic: L,
    ) -> Self {
        let live = flow.build.live.as_ref();
        let mut clock = MarkClock::new(n_origins, flow.peers());
        let (mut keeper, mut before) = (None, Counters::default());
        let (mut tell, mut recalling) = (false, None);
        if let Some(live) = live {
            let state = &live.shared.state;
            keeper = state.keeper(&counted.step);
            if let Some(kept) = state.step(&counted.step) {
                clock.restore(kept.watermark);
                tell = kept.watermark > EventTime::MIN;
                if counted.counts_state && counted.worker == 0 {
                    before = kept.counted;
                }
            }
            if counted.counts_state && state.goes_on(&counted.step) {
                recalling = Some(Recalling {
                    epoch: live.shared.epochs.recall(),
                    passes_over: !logic.starts_empty(),
                });
            }
            if let Err(error) = state.restore(&counted, &mut logic, flow.peers()) {
                flow.build.error(Error::State(error));
            }
        }
        Shell {
            logic,
            clock,
            tell,
            stash: BTreeMap::new(),
            emitted: Emitted {
                out: Vec::new(),
                late: Vec::new(),
                n_records: 0,
            },
            tally: Tally::new(counted, before),
            shared: live.map(|live| Arc::clone(&live.shared)),
            peers: u32::try_from(flow.peers()).expect("workers are few"),
            speaks,
            said: None,
            to_say: None,
            keeper,
            recalling,
        }
    }

    /// Where what came with `capability` is kept.
    pub(crate) fn stashed(&mut self, capability: &InputCapability<u64>) -> &mut Stashed<L::In> {
        let epoch = *capability.least().expect("messages carry an epoch");
        self.stash.entry(epoch).or_insert_with(|| Stashed {
            for_out: capability.delayed(&epoch, 0),
            for_late: capability.delayed(&epoch, 1),
            for_marks: capability.delayed(&epoch, 2),
            for_changes: capability.delayed(&epoch, 3),
            batches: Vec::new(),
            marks: Vec::new(),
        })
    }

    /// Whether what came with `capability` is what other steps have kept, which this one has seen.
    pub(crate) fn has_seen(&self, capability: &InputCapability<u64>) -> bool {
        self.recalling.is_some_and(|recalling| {
            recalling.passes_over && capability.least() == Some(&recalling.epoch)
        })
    }

    /// The epoch of what it has kept itself, if it goes on from a snapshot.
    pub(crate) fn recalls(&self) -> Option<u64> {
        self.recalling.map(|recalling| recalling.epoch)
    }

    /// Tells of all that it has kept.
    pub(crate) fn recall(&mut self, give: impl FnOnce(Drain<'_, L::Out>)) {
        self.logic.recall(&mut self.emitted);
        if !self.emitted.out.is_empty() {
            give(self.emitted.out.drain(..));
            self.emitted.out.shrink_to(OUT_KEPT);
            if let Some(shared) = &self.shared {
                // Whoever is new has something to show.
                shared.epochs.has_news();
            }
        }
    }

    /// Does what can be done, and hands on what is emitted, each with the capability by which it leaves.
    pub(crate) fn work(
        &mut self,
        frontiers: &[MutableAntichain<u64>],
        mut give: impl FnMut(&Capability<u64>, Drain<'_, L::Out>),
        mut give_late: impl FnMut(&Capability<u64>, Vec<Record<L::Late>>),
        mut say: impl FnMut(&Capability<u64>, Mark),
        mut keep: impl FnMut(&Capability<u64>, Change),
    ) {
        while let Some(turn) = self.turn(frontiers) {
            self.apply_batches(turn.epoch);
            let done = turn.whole.then(|| self.finish(turn.epoch, &mut keep));
            let caps = done
                .as_ref()
                .or_else(|| self.stash.get(&turn.epoch))
                .expect("stashed");
            if !self.emitted.out.is_empty() {
                self.has_changes();
                give(&caps.for_out, self.emitted.out.drain(..));
                self.tally.out_left();
                self.emitted.out.shrink_to(OUT_KEPT);
            }
            if !self.emitted.late.is_empty() {
                let records = std::mem::take(&mut self.emitted.late);
                self.tally.late_left();
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
        self.tally.count(&mut self.emitted);
    }

    /// What leaves here may be the first change since the last snapshot: the watermark alone can close a window.
    fn has_changes(&self) {
        if let Some(shared) = &self.shared {
            shared.epochs.has_changes();
        }
    }

    /// Applies the marks of an epoch of which nothing more can come, and gives up what it was kept by.
    fn finish(
        &mut self,
        epoch: u64,
        keep: &mut impl FnMut(&Capability<u64>, Change),
    ) -> Stashed<L::In> {
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
        // With a lateness that is less than in the run before, more is final at the watermark that it came to. What is said
        // of this step at the end of this epoch is that all such rows have left.
        if std::mem::take(&mut self.tell) || watermark > before {
            self.logic.on_watermark(at, &mut self.emitted);
        }
        let publish = stashed.marks.iter().filter_map(|mark| match mark {
            Mark::Publish(publish) => Some(*publish),
            Mark::Standing { .. } => None,
        });
        let publish = publish.reduce(Publish::and);
        if let Some(publish) = publish {
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
        self.tally.count(&mut self.emitted);
        if publish.is_some_and(|publish| publish.snapshot) {
            self.begin_saving(&stashed.for_changes, keep);
        }
        let size = self.logic.size();
        self.speak(size.open_windows == 0);
        self.tally.counted.note(watermark, &size);
        stashed
    }

    /// Says how this step stands, if someone wants to hear it and it is news.
    fn speak(&mut self, quiet: bool) {
        let Some(speaks) = self.speaks.as_ref().filter(|speaks| speaks.wanted.get()) else {
            return;
        };
        let standing = self.clock.standing_of_step(speaks.by, quiet);
        let standing = standing.held_at(self.logic.holds());
        if self.said.replace(standing) != Some(standing) {
            self.to_say = Some(Mark::Standing {
                origin: speaks.origin,
                worker: u32::try_from(self.tally.counted.worker).expect("workers are few"),
                standing,
            });
        }
    }
}

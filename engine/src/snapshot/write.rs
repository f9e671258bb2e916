//! Writing: what all steps of a worker contribute becomes one file and one vote.
//!
//! ```text
//!  changes ──▶ ┌ gather by epoch ┐ ──jobs──▶ writer thread: file, sync, sync of names
//!  marks ────▶ └─────────────────┘ ◀──done── (wakes the worker)
//!                     └──▶ vote@e ═▶ commit, on worker 0
//! ```
//!
//! *Frontiers*: the capability for a snapshot epoch is kept until the worker's file of it is durable; then the vote leaves
//! by it. So the frontier at the commit passes the epoch only when every worker has voted, or has failed: a vote is sent
//! and not only implied, because an operator that fails lets go of its capabilities too.
//!
//! *Invariants*: every worker votes once at every snapshot epoch, also if nothing of its own has changed.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use timely::container::CapacityContainerBuilder;
use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::generic::OutputBuilder;
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;
use timely::dataflow::operators::{Capability, Concatenate};

use super::change::{Change, Changes, Standing};
use super::error::StateError;
use super::file::StateFile;
use super::files::{Job, Written};
use super::follow::CommitStep;
use super::manifest::{PartitionState, StagedEntry};
use super::writer::Writer;
use crate::epoch::Epoch;
use crate::error::Error;
use crate::flow::{Flow, Live};
use crate::logic::Publish;
use crate::mark::Mark;
use crate::step;

/// What a worker has to say to the commit of an epoch.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Vote {
    pub(crate) worker: usize,
    /// Nothing follows in this run.
    pub(crate) last: bool,
    /// Its file, if anything of its own has changed.
    pub(crate) file: Option<StateFile>,
    /// The partitions it drives, by source.
    pub(crate) partitions: Vec<(String, u32, PartitionState)>,
    /// By the name in the files.
    pub(crate) steps: Vec<(String, Standing)>,
    pub(crate) staged: Vec<StagedEntry>,
}

/// Builds the operator; gives the votes of this worker.
pub(crate) fn write<'f>(flow: &Flow<'f>, changes: Vec<Changes<'f>>) -> StreamVec<'f, u64, Vote> {
    let changes = flow.scope.concatenate(changes);
    let mut builder = OperatorBuilder::new("write".into(), flow.scope);
    let mut changes = builder.new_input(changes, Pipeline);
    let mut marks = builder.new_input(flow.pulse.clone(), Pipeline);
    let (votes, vote_stream) = builder.new_output::<Vec<Vote>>();
    let mut votes = OutputBuilder::<_, CapacityContainerBuilder<Vec<Vote>>>::from(votes);
    let address = builder.operator_info().address;
    let wake = flow.scope.worker().sync_activator_for(address.to_vec());
    let worker = flow.build.worker;
    let mut gather = flow.build.live.clone().and_then(|live| {
        let started = live.shared.state.writer(worker, wake);
        let cannot = |source| flow.build.error(StateError::Thread { source }.into());
        let writer = started.map_err(cannot).ok()?;
        Some(Gather::new(live, worker, writer))
    });
    let name: Rc<str> = "the snapshot".into();
    builder.build(move |_capabilities| {
        move |frontiers| {
            step::enter(&name);
            let mut votes = votes.activate();
            let Some(gather) = &mut gather else {
                changes.for_each(|_, _| {});
                marks.for_each(|_, _| {});
                return;
            };
            changes.for_each(|cap, changes| {
                let epoch = *cap.least().expect("messages carry an epoch");
                let of_epoch = gather.of(epoch, || cap.delayed(&epoch, 0));
                of_epoch.changes.append(changes);
            });
            marks.for_each(|cap, marks| {
                let epoch = *cap.least().expect("messages carry an epoch");
                let of_epoch = gather.of(epoch, || cap.delayed(&epoch, 0));
                let published = marks.drain(..).filter_map(|mark| match mark {
                    Mark::Publish(publish) => Some(publish),
                    Mark::Standing { .. } => None,
                });
                of_epoch.publish = published.fold(of_epoch.publish, Publish::and);
            });
            gather.write_on();
            let whole = |epoch| {
                frontiers
                    .iter()
                    .all(|frontier| !frontier.less_equal(&epoch))
            };
            loop {
                if let Some((capability, vote)) = gather.voted() {
                    votes.session(&capability).give(vote);
                }
                let Some(epoch) = gather.next_whole(whole) else {
                    break;
                };
                gather.finish(epoch);
            }
        }
    });
    vote_stream
}

/// What has come of an epoch.
struct OfEpoch {
    capability: Capability<u64>,
    changes: Vec<Change>,
    publish: Publish,
    vote: Vote,
}

/// What a worker's steps have contributed so far.
struct Gather {
    live: Live,
    worker: usize,
    writer: Option<Writer<Job, Written>>,
    epochs: BTreeMap<u64, OfEpoch>,
    /// The newest word of each partition.
    partitions: BTreeMap<(Arc<str>, u32), PartitionState>,
    /// The epoch whose file is being finished.
    finishing: Option<(Capability<u64>, Vote)>,
}

impl Gather {
    fn new(live: Live, worker: usize, writer: Option<Writer<Job, Written>>) -> Self {
        Gather {
            live,
            worker,
            writer,
            epochs: BTreeMap::new(),
            partitions: BTreeMap::new(),
            finishing: None,
        }
    }

    fn of(&mut self, epoch: u64, capability: impl FnOnce() -> Capability<u64>) -> &mut OfEpoch {
        let worker = self.worker;
        self.epochs.entry(epoch).or_insert_with(|| OfEpoch {
            capability: capability(),
            changes: Vec::new(),
            publish: Publish::default(),
            vote: Vote {
                worker,
                last: false,
                file: None,
                partitions: Vec::new(),
                steps: Vec::new(),
                staged: Vec::new(),
            },
        })
    }

    /// Hands what has come to the writer, so that it does not heap up here. Only one epoch is ever written.
    fn write_on(&mut self) {
        for (epoch, of_epoch) in &mut self.epochs {
            for change in std::mem::take(&mut of_epoch.changes) {
                match change {
                    Change::Partition {
                        source,
                        partition,
                        state,
                    } => {
                        let known = (source.to_string(), partition, state);
                        of_epoch.vote.partitions.push(known);
                    }
                    Change::Step { step, standing } => {
                        of_epoch.vote.steps.push((step.to_string(), standing));
                    }
                    Change::Staged { sink, entries } => {
                        let staged = entries.into_iter().map(|entry| StagedEntry {
                            sink: sink.to_string(),
                            worker: self.worker,
                            entry,
                        });
                        of_epoch.vote.staged.extend(staged);
                    }
                    state @ (Change::Block { .. } | Change::Forgotten { .. }) => {
                        let writer = self.writer.as_ref();
                        let writer = writer.expect("state is saved in durable runs only");
                        writer.ask(Job::Write(*epoch, state));
                    }
                }
            }
        }
    }

    /// Whether the file of an epoch is durable now: then the run goes on.
    fn is_written(&self, epoch: u64) -> bool {
        let shared = &self.live.shared;
        let epoch = Epoch::from_u64(epoch);
        shared
            .state
            .step_is_taken(CommitStep::Written, epoch, shared)
    }

    /// The first epoch, if it `is_whole` and nothing is being finished.
    fn next_whole(&self, is_whole: impl Fn(u64) -> bool) -> Option<u64> {
        let epoch = *self.epochs.first_key_value()?.0;
        (self.finishing.is_none() && is_whole(epoch)).then_some(epoch)
    }

    /// Takes note of an epoch of which nothing more can come; if it is a snapshot epoch its file is finished.
    fn finish(&mut self, epoch: u64) {
        let mut of_epoch = self.epochs.remove(&epoch).expect("it is the first");
        for (source, partition, state) in of_epoch.vote.partitions.drain(..) {
            self.partitions.insert((source.into(), partition), state);
        }
        if !of_epoch.publish.snapshot {
            return;
        }
        let mut vote = of_epoch.vote;
        vote.last = of_epoch.publish.last;
        let partitions = self.partitions.iter();
        vote.partitions = partitions
            .map(|((source, partition), state)| (source.to_string(), *partition, state.clone()))
            .collect();
        if let Some(writer) = &self.writer {
            writer.ask(Job::Finish);
        }
        self.finishing = Some((of_epoch.capability, vote));
    }

    /// The vote whose file is durable now.
    fn voted(&mut self) -> Option<(Capability<u64>, Vote)> {
        self.finishing.as_ref()?;
        let file = match &self.writer {
            None => None,
            Some(writer) => match writer.done()? {
                Ok(file) => file,
                Err(error) => {
                    self.live.shared.fail(Error::State(error));
                    return None;
                }
            },
        };
        let (capability, mut vote) = self.finishing.take().expect("looked at");
        if !self.is_written(*capability.time()) {
            return None;
        }
        vote.file = file;
        Some((capability, vote))
    }
}

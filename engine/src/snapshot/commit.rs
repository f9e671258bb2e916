//! The commit: one operator on worker 0 that closes the ballot of each snapshot epoch.
//!
//! ```text
//!  vote@e ═▶ worker 0 ┌ frontier > e: all voted? ┐ ──manifest e──▶ committer thread: manifest, then what is no longer needed
//!                     └──────────────────────────┘ ◀──durable───
//!                                  └──▶ committed@e ──▶ broadcast ──▶ publish, on every worker
//! ```
//!
//! When the frontier of the votes has passed an epoch, no more of them can come. If every worker has voted the manifest is
//! written; if one has not, the run is over: it failed, and what it would have had to say is missing.
//!
//! *Frontiers*: the capability for the epoch is kept until the manifest is durable.
//! *Invariants*: nothing is told to be committed before its manifest is durable. A run that has failed commits nothing.

use std::collections::BTreeMap;
use std::rc::Rc;

use timely::container::CapacityContainerBuilder;
use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::Exchange;
use timely::dataflow::operators::Capability;
use timely::dataflow::operators::generic::OutputBuilder;
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;
use timely::dataflow::operators::vec::Broadcast;

use super::acks::Acks;
use super::collect::{Committed, Job};
use super::error::StateError;
use super::write::Vote;
use super::writer::Writer;
use crate::epoch::Epoch;
use crate::error::Error;
use crate::flow::{Flow, Live};
use crate::step;

use super::follow::CommitStep;

/// Builds the operator; tells every worker of each epoch that is committed, and whether it was the last.
pub(crate) fn commit<'f>(
    flow: &Flow<'f>,
    votes: StreamVec<'f, u64, Vote>,
) -> StreamVec<'f, u64, bool> {
    let mut builder = OperatorBuilder::new("commit".into(), flow.scope);
    let mut votes = builder.new_input(votes, Exchange::new(|_: &Vote| 0));
    let (committed, stream) = builder.new_output::<Vec<bool>>();
    let mut committed = OutputBuilder::<_, CapacityContainerBuilder<Vec<bool>>>::from(committed);
    let address = builder.operator_info().address;
    let wake = || flow.scope.worker().sync_activator_for(address.to_vec());
    let live = flow.build.live.clone().filter(|_| flow.build.worker == 0);
    let mut ballots = live.and_then(|live| {
        let started = live.shared.state.committer(wake(), wake());
        let cannot = |source| flow.build.error(StateError::Thread { source }.into());
        let committer = started.map_err(cannot).ok()?;
        Some(Ballots {
            committer,
            acks: live.shared.state.acks(),
            live,
            open: BTreeMap::new(),
            committing: None,
        })
    });
    let name: Rc<str> = "the commit".into();
    builder.build(move |_capabilities| {
        move |frontiers| {
            step::enter(&name);
            let mut committed = committed.activate();
            let Some(ballots) = &mut ballots else {
                votes.for_each(|_, _| {});
                return;
            };
            votes.for_each(|cap, votes| {
                let epoch = *cap.least().expect("messages carry an epoch");
                let ballot = ballots.open.entry(epoch);
                let ballot = ballot.or_insert_with(|| (cap.delayed(&epoch, 0), Vec::new()));
                ballot.1.append(votes);
            });
            loop {
                if let Some((capability, last)) = ballots.committed() {
                    committed.session(&capability).give(last);
                }
                if !ballots.close(|epoch| !frontiers[0].less_equal(&epoch)) {
                    break;
                }
            }
        }
    });
    stream.broadcast()
}

struct Ballots {
    live: Live,
    /// Writes the manifests, in a durable run.
    committer: Option<Writer<Job, Committed>>,
    open: BTreeMap<u64, (Capability<u64>, Vec<Vote>)>,
    /// The epoch whose manifest is being written.
    committing: Option<(Capability<u64>, bool)>,
    acks: Acks,
}

impl Ballots {
    /// Closes the first ballot, if it is whole and none is being committed; gives whether it did.
    fn close(&mut self, is_whole: impl Fn(u64) -> bool) -> bool {
        let shared = &self.live.shared;
        let Some(first) = self.open.first_entry() else {
            return false;
        };
        if shared.failed() || self.committing.is_some() || !is_whole(*first.key()) {
            return false;
        }
        let (epoch, (capability, votes)) = first.remove_entry();
        let epoch = Epoch::from_u64(epoch);
        let missing = (0..shared.setup.workers).find(|w| !votes.iter().any(|v| v.worker == *w));
        if let Some(worker) = missing {
            shared.fail(Error::NoVote { worker, epoch });
            return false;
        }
        if !shared.state.step_is_taken(CommitStep::Voted, epoch, shared) {
            return false;
        }
        let last = votes.iter().any(|vote| vote.last);
        if self.committer.is_none() {
            self.acks.voted(&votes);
        }
        if let Some(committer) = &self.committer {
            let finished = last && !shared.is_interrupted() && shared.ends_for_good();
            match shared.state.next_manifest(epoch, votes, finished) {
                Ok(manifest) => committer.ask(Job::Commit(Box::new(manifest))),
                Err(error) => {
                    shared.fail(Error::State(error));
                    return false;
                }
            }
        }
        self.committing = Some((capability, last));
        true
    }

    /// The epoch whose manifest is durable now, and whether it was the last.
    fn committed(&mut self) -> Option<(Capability<u64>, bool)> {
        let (capability, _) = self.committing.as_ref()?;
        let shared = &self.live.shared;
        let epoch = *capability.time();
        if let Some(committer) = &self.committer {
            match committer.done()? {
                Ok(manifest) => {
                    self.acks.committed(&manifest, shared);
                    shared.state.committed(*manifest);
                }
                Err(error) => {
                    shared.fail(Error::State(error));
                    return None;
                }
            }
        }
        if !shared
            .state
            .step_is_taken(CommitStep::Committed, Epoch::from_u64(epoch), shared)
        {
            return None;
        }
        match &self.committer {
            Some(committer) => committer.ask(Job::Collect),
            None => self.acks.tell(shared),
        }
        shared.epochs.committed(epoch);
        self.committing.take()
    }
}

//! Publishing: what was staged becomes visible, once its epoch is committed.
//!
//! A sink is two operators that share its part: one takes rows and stages, ahead of the commit; this one, behind it,
//! publishes for all sinks of the worker. So the graph has no circle in it.
//!
//! What is published is reported for the next manifest, which need not name it any more. Until that is written it does:
//! a run that dies in between publishes again, and that does nothing.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::PoisonError;
use std::sync::atomic::Ordering::SeqCst;

use timely::container::CapacityContainerBuilder;
use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::Operator;

use super::follow::CommitStep;
use super::manifest::StagedEntry;
use crate::epoch::Epoch;
use crate::error::{BoxError, Error};
use crate::flow::{Flow, Live};
use crate::shard::N_SHARDS;
use crate::sink::{SinkPart, Staged};
use crate::step;

/// The part of a sink on this worker, and what it has staged that is not committed.
pub(crate) struct Outlet {
    pub(crate) name: String,
    pub(crate) part: Box<dyn SinkPart>,
    pub(crate) staged: BTreeMap<Epoch, Vec<Staged>>,
}

/// Builds the operator: it publishes what the sinks of this worker have staged up to each epoch that is committed.
pub(crate) fn publish<'f>(flow: &Flow<'f>, committed: StreamVec<'f, u64, bool>) {
    let outlets = std::mem::take(&mut flow.build.graph.borrow_mut().outlets);
    let live = flow.build.live.clone();
    let worker = flow.build.worker;
    committed.unary::<CapacityContainerBuilder<Vec<()>>, _, _, _>(Pipeline, "publish", |_, _| {
        move |input, _output| {
            input.for_each(|capability, committed| {
                let epoch = *capability.least().expect("messages carry an epoch");
                let epoch = Epoch::from_u64(epoch);
                let last = committed.drain(..).any(|last| last);
                let Some(live) = &live else { return };
                for outlet in &outlets {
                    if live.shared.failed() {
                        return;
                    }
                    let mut outlet = outlet.borrow_mut();
                    step::enter(&Rc::from(format!("sink {}", outlet.name)));
                    if let Err(source) = outlet.publish(live, worker, epoch, last) {
                        let name = outlet.name.clone();
                        live.shared.fail(Error::Sink { name, source });
                    }
                }
            });
        }
    });
}

/// Publishes what an earlier run has staged on the workers whose part this one continues, as its last manifest names it.
pub(crate) fn publish_again(
    outlet: &Rc<RefCell<Outlet>>,
    live: &Live,
    worker: usize,
) -> Result<(), BoxError> {
    let mut outlet = outlet.borrow_mut();
    let workers = live.shared.setup.workers;
    let entries = live.shared.state.staged(&outlet.name);
    let entries: Vec<_> = entries
        .into_iter()
        .filter(|entry| entry.worker % N_SHARDS as usize % workers == worker)
        .collect();
    if entries.is_empty() {
        return Ok(());
    }
    outlet.publish_entries(live, entries)
}

impl Outlet {
    fn publish(
        &mut self,
        live: &Live,
        worker: usize,
        epoch: Epoch,
        last: bool,
    ) -> Result<(), BoxError> {
        let later = self.staged.split_off(&epoch.next());
        let staged = std::mem::replace(&mut self.staged, later);
        let staged: Vec<Staged> = staged.into_values().flatten().collect();
        // The last time all parts are asked, so that each can put its things in order.
        if staged.is_empty() && !last {
            return Ok(());
        }
        let entries = staged.into_iter().map(|staged| StagedEntry {
            sink: self.name.clone(),
            worker,
            entry: staged.0,
        });
        self.publish_entries(live, entries.collect())?;
        let shared = &live.shared;
        shared
            .state
            .step_is_taken(CommitStep::Published, epoch, shared);
        Ok(())
    }

    fn publish_entries(&mut self, live: &Live, entries: Vec<StagedEntry>) -> Result<(), BoxError> {
        let staged: Vec<_> = entries
            .iter()
            .map(|entry| Staged(entry.entry.clone()))
            .collect();
        let published = self.part.publish(&staged)?;
        live.shared.state.published(entries);
        let n_published = published.len() as u64;
        live.shared.published.fetch_add(n_published, SeqCst);
        let watchers = live.run.0.published.lock();
        let watchers = watchers.unwrap_or_else(PoisonError::into_inner);
        for watcher in watchers.iter() {
            published
                .iter()
                .for_each(|published| watcher(&self.name, published));
        }
        Ok(())
    }
}

//! The pulse: tells every step at which epochs to publish.
//!
//! The epoch clock chooses the publish epochs, and among them those at which a snapshot is taken; one operator on worker 0
//! follows it and puts a mark into the marks of every stream, for all workers the same. At the very end, when all sources
//! have sent their last and every earlier snapshot is committed, it says so with the last mark of the run: what is final
//! is published then, and the last snapshot taken.
//!
//! *Frontiers*: it keeps its capability at the open epoch and gives it up after the last source; so no epoch is complete
//! before it is known whether that epoch is to be published.

use std::rc::Rc;

use timely::container::CapacityContainerBuilder;
use timely::dataflow::operators::generic::OutputBuilder;
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;
use timely::dataflow::operators::vec::Broadcast;
use timely::dataflow::scope::Scope;

use crate::epoch_clock::Close;
use crate::flow::Build;
use crate::logic::Publish;
use crate::mark::Mark;
use crate::step;
use crate::stream::Marks;

/// The publish marks, on every worker.
pub(crate) fn pulse<'f>(scope: Scope<'f, u64>, build: &Rc<Build>) -> Marks<'f> {
    let mut builder = OperatorBuilder::new("pulse".into(), scope);
    let (marks, stream) = builder.new_output::<Vec<Mark>>();
    let mut marks = OutputBuilder::<_, CapacityContainerBuilder<Vec<Mark>>>::from(marks);
    let address = builder.operator_info().address;
    let activator = Rc::new(scope.activator_for(Rc::clone(&address)));
    let name: Rc<str> = "the pulse".into();
    let timers = build.timers.clone();
    let live = build.live.clone();
    if let Some(live) = &live {
        live.shared
            .epochs
            .register(scope.worker().sync_activator_for(address.to_vec()));
    }
    let leads = build.worker == 0;
    builder.build(move |capabilities| {
        let mut capability = capabilities
            .into_iter()
            .next()
            .filter(|_| leads && live.is_some());
        if let (Some(capability), Some(live)) = (&mut capability, &live) {
            capability.downgrade(&live.shared.epochs.first);
        }
        move |_frontiers| {
            step::enter(&name);
            let (Some(held), Some(live)) = (&mut capability, &live) else {
                return;
            };
            let epochs = &live.shared.epochs;
            // Asked before the current epoch is read: a source that has ended sends nothing after that epoch.
            let all_ended = epochs.all_ended();
            let mut marks = marks.activate();
            let (publish_epochs, current) = epochs.take_publish_epochs();
            for (epoch, publish) in publish_epochs {
                let at = held.delayed(&epoch);
                marks.session(&at).give(Mark::Publish(publish));
            }
            held.downgrade(&current);
            let now = live.shared.setup.clock.now();
            if all_ended {
                if epochs.begin_last_snapshot(now) {
                    let last = Publish {
                        snapshot: true,
                        last: true,
                    };
                    marks.session(&*held).give(Mark::Publish(last));
                    capability = None;
                }
                return;
            }
            if let Some(Close::NotBefore(time)) = epochs.close_to_publish(now) {
                timers.at(time, &activator);
            }
        }
    });
    stream.broadcast()
}

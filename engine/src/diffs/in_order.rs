//! Diffs in the order of their epochs: how they get into a step of the shell and out of it.
//!
//! ```text
//!  diffs@any epoch of a batch ─▶ each at its own epoch ─▶ Logic, in the shell ─▶ diffs@e
//! ```
//!
//! An arrangement hands over several epochs at once, at the first of them, and each diff says which it is of. The shell goes
//! by the epochs of messages: so each diff is sent on at its own.

use std::collections::BTreeMap;

use differential_dataflow::collection::AsCollection;
use timely::container::{CapacityContainerBuilder, NoopBuilder};
use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::Operator;

use super::Diffs;
use super::root::Diff;

impl<'f, D: Clone + 'static> Diffs<'f, D> {
    /// The diffs, each at its own epoch.
    pub(super) fn by_epoch(self) -> StreamVec<'f, u64, Diff<D>> {
        let diffs = self.rows.inner;
        diffs.unary::<NoopBuilder<Vec<Diff<D>>>, _, _, _>(Pipeline, "by epoch", |_, _| {
            |input, output| {
                input.for_each(|capability, diffs| {
                    let mut epochs: BTreeMap<u64, Vec<Diff<D>>> = BTreeMap::new();
                    for (row, epoch, diff) in diffs.drain(..) {
                        epochs.entry(epoch).or_default().push((row, diff));
                    }
                    for (epoch, mut diffs) in epochs {
                        let at = capability.delayed(&epoch, 0);
                        output.session_with_builder(&at).give_container(&mut diffs);
                    }
                });
            }
        })
    }

    /// The collection of diffs that leave a step at their epoch.
    pub(super) fn of_step(diffs: StreamVec<'f, u64, Diff<D>>) -> Self {
        type Timed<D> = CapacityContainerBuilder<Vec<(D, u64, isize)>>;
        let timed = diffs.unary::<Timed<D>, _, _, _>(Pipeline, "timed", |_, _| {
            |input, output| {
                input.for_each(|capability, diffs| {
                    let epoch = *capability.least().expect("messages carry an epoch");
                    let diffs = diffs.drain(..);
                    let timed = diffs.map(|(row, diff)| (row, epoch, diff));
                    output.session(&capability).give_iterator(timed);
                });
            }
        });
        Diffs::new(timed.as_collection())
    }
}

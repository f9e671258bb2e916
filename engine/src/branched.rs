//! One stream into two: each record is moved to one of them.
//!
//! ```text
//!  records ─▶ f ┬─▶ left
//!               └─▶ right
//! ```
//!
//! Two steps that each take what they want from one stream share its batches, so whoever is second copies all of them.
//! Where records are told apart once, in one operator with two ports, each is moved and none is copied.

use std::panic::Location;
use std::rc::Rc;

use timely::container::NoopBuilder;
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::generic::OutputBuilder;
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;

use crate::record::{Data, Record};
use crate::step;
use crate::stream::{Batch, Stream, left as left_over, owned};

impl<'f, T: Data> Stream<'f, T> {
    /// Two streams: `put` is given each record, and gives what it makes of it, or puts that into the list for the left.
    ///
    /// What goes to the right stays in the list that it came in, if it is no larger: that should be the side of most.
    #[doc(hidden)]
    pub fn branched<L: Data, R: Data>(
        &self,
        kind: &str,
        location: &'static Location<'static>,
        mut put: impl FnMut(Record<T>, &mut Vec<Record<L>>) -> Option<Record<R>> + 'static,
    ) -> (Stream<'f, L>, Stream<'f, R>) {
        let name: Rc<str> = format!("{kind} at {location}").into();
        let mut builder = OperatorBuilder::new(name.to_string(), self.flow.scope);
        let mut batches = builder.new_input(self.batches.clone(), Pipeline);
        let (left, left_batches) = builder.new_output::<Batch<L>>();
        let (right, right_batches) = builder.new_output::<Batch<R>>();
        let mut left = OutputBuilder::<_, NoopBuilder<Batch<L>>>::from(left);
        let mut right = OutputBuilder::<_, NoopBuilder<Batch<R>>>::from(right);
        builder.build(move |_capabilities| {
            move |_frontiers| {
                step::enter(&name);
                let (mut left, mut right) = (left.activate(), right.activate());
                batches.for_each(|capability, batch| {
                    let mut to_left = Vec::new();
                    let records = owned(std::mem::take(batch)).into_iter();
                    let to_right = records.filter_map(|record| put(record, &mut to_left));
                    let mut to_right = left_over(to_right.collect());
                    let epoch = *capability.least().expect("messages carry an epoch");
                    if !to_left.is_empty() {
                        let capability = capability.delayed(&epoch, 0);
                        let mut session = left.session_with_builder(&capability);
                        session.give_container(&mut Rc::new(to_left));
                    }
                    if !to_right.is_empty() {
                        let capability = capability.delayed(&epoch, 1);
                        let mut session = right.session_with_builder(&capability);
                        session.give_container(&mut to_right);
                    }
                });
            }
        });
        (self.of(left_batches), self.of(right_batches))
    }
}

//! The sink operator: writes rows as they come, and stages them at snapshot epochs.
//!
//! ```text
//!  rows@e ──▶ SinkPart::write … stage(e) ──▶ staged@e ──▶ into the vote ──▶ commit ──▶ SinkPart::publish, behind it
//! ```
//!
//! Staging makes durable and invisible, publishing makes visible; between the two lies the commit of the epoch, on all
//! workers. Rows that are not staged go into the snapshot, so that whoever goes on from there has them.

mod logic;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use timely::container::CapacityContainerBuilder;
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::Operator;

use crate::error::Error;
use crate::record::Data;
use crate::row_stream::RowStream;
use crate::sink::SinkPart;
use crate::snapshot::change::Change;
use crate::snapshot::publish::{Outlet, publish_again};
use crate::stateful::{Counted, Fed, stateful};
use crate::value::in_words;

use logic::OutputLogic;

/// Builds the operator; `part` is `None` when the pipeline is built dry.
pub(crate) fn output<T: Data>(
    rows: &RowStream<'_, T>,
    name: &str,
    kind: &str,
    part: Option<Box<dyn SinkPart>>,
) {
    let stream = &rows.stream;
    let build = &stream.flow.build;
    let definition = format!("{kind}; {}", in_words(&*rows.columns));
    let step = build.step("sink", name, stream.reads.to_vec(), None, definition);
    let counted = Counted {
        step,
        worker: build.worker,
        counts_state: true,
    };
    let live = build.live.clone();
    let outlet = part.map(|part| {
        Rc::new(RefCell::new(Outlet {
            name: name.into(),
            part,
            staged: BTreeMap::new(),
        }))
    });
    let both = live.clone().zip(outlet.clone());
    let row = Rc::clone(&rows.row);
    let logic = OutputLogic::new(name, build.worker, both, row, rows.windows);
    let fed = Fed {
        batches: stream.batches.clone(),
        marks: stream.marks.clone(),
        n_origins: stream.origins.len(),
    };
    let built = stateful(&stream.flow, counted, fed, Pipeline, None, logic);
    let sink: Arc<str> = name.into();
    let changes = built.out.clone();
    let changes = changes.unary::<CapacityContainerBuilder<Vec<Change>>, _, _, _>(
        Pipeline,
        "staged",
        |_, _| {
            move |input, output| {
                input.for_each(|capability, entries| {
                    let (sink, entries) = (Arc::clone(&sink), std::mem::take(entries));
                    let staged = Change::Staged { sink, entries };
                    output.session(&capability).give(staged);
                });
            }
        },
    );
    stream.flow.keeps(changes);
    build.comes_out(built.out);
    if let (Some(outlet), Some(live)) = (outlet, live) {
        if let Err(source) = publish_again(&outlet, &live, build.worker) {
            let name = name.into();
            build.error(Error::Sink { name, source });
        }
        build.graph.borrow_mut().outlets.push(outlet);
    }
}

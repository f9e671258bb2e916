//! Queries as someone who knows timely dataflow would write them, without recovery: for each the operators it needs and
//! nothing else. Time in the dataflow is event time in milliseconds.

mod q11;
mod q18;
mod q19;
mod q20;
mod q3;
mod q4;
mod q5;
mod q7;
mod q8;
mod q9;
mod stateless;
mod table;
mod winners;

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use timely::container::CapacityContainerBuilder;
use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::Operator;
use timely::dataflow::operators::generic::OutputBuilder;
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;
use timely::dataflow::scope::Scope;

use crate::made::{Made, millis};
use crate::measured::Measured;
use crate::nexmark::event::Event;

/// How many events a source hands over before the steps behind it have their turn: tried from 256 to 4096.
const BATCH: usize = 1024;

pub(crate) type Hashed<K, V> = hashbrown::HashMap<K, V, foldhash::fast::FixedState>;

/// Puts a query into the dataflow; it counts its rows.
type Build = for<'s> fn(StreamVec<'s, u64, Event>, Arc<AtomicU64>);

/// The query called `name`, if it is written here.
fn query(name: &str) -> Option<Build> {
    Some(match name {
        "q0" => stateless::q0,
        "q1" => stateless::q1,
        "q2" => stateless::q2,
        "q3" => q3::build,
        "q4" => q4::build,
        "q5" => q5::build,
        "q7" => q7::build,
        "q8" => q8::build,
        "q9" => q9::build,
        "q11" => q11::build,
        "q13" => stateless::q13,
        "q18" => q18::build,
        "q19" => q19::build,
        "q20" => q20::build,
        _ => return None,
    })
}

/// Runs the query called `name` over `events`, if it is written here.
pub(crate) fn run(name: &str, events: Made) -> Option<Measured> {
    let build = query(name)?;
    let n_events = events.n_events();
    let workers = events.workers();
    let parts: Vec<_> = events
        .0
        .into_iter()
        .map(|part| Mutex::new(Some(part)))
        .collect();
    let rows = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&rows);
    let started = Instant::now();
    let config = if workers == 1 {
        timely::Config::thread()
    } else {
        timely::Config::process(workers)
    };
    let guards = timely::execute(config, move |worker| {
        let part = parts[worker.index()].lock().expect("not poisoned").take();
        let part = part.expect("each worker has one");
        let rows = Arc::clone(&counted);
        worker.dataflow::<u64, _, _>(|scope| build(source(scope, part), rows));
        while worker.has_dataflows() {
            worker.step_or_park(None);
        }
    })
    .expect("workers start");
    drop(guards);
    Some(Measured {
        events: n_events,
        rows: rows.load(Relaxed),
        snapshots: 0,
        seconds: started.elapsed().as_secs_f64(),
    })
}

/// Hands over `events`, which are in the order of their times.
fn source<'s>(scope: Scope<'s, u64>, events: Vec<Event>) -> StreamVec<'s, u64, Event> {
    let mut builder = OperatorBuilder::new("events".into(), scope);
    let (output, stream) = builder.new_output::<Vec<Event>>();
    let mut output = OutputBuilder::<_, CapacityContainerBuilder<Vec<Event>>>::from(output);
    let activator = scope.activator_for(builder.operator_info().address);
    builder.build(move |capabilities| {
        let mut capability = capabilities.into_iter().next();
        let mut events = events.into_iter();
        move |_frontiers| {
            let mut output = output.activate();
            let Some(held) = &mut capability else { return };
            let Some(first) = events.as_slice().first() else {
                capability = None;
                return;
            };
            held.downgrade(&millis(first).unsigned_abs());
            let mut batch: Vec<Event> = Vec::with_capacity(BATCH);
            batch.extend(events.by_ref().take(BATCH));
            output.session(&*held).give_container(&mut batch);
            activator.activate();
        }
    });
    stream
}

/// What `f` makes of some events: of an event that goes to another worker, no more than is wanted.
fn some<'s, D: 'static>(
    events: StreamVec<'s, u64, Event>,
    f: impl Fn(Event) -> Option<D> + 'static,
) -> StreamVec<'s, u64, D> {
    events.unary::<CapacityContainerBuilder<Vec<D>>, _, _, _>(Pipeline, "some", |_, _| {
        move |input, output| {
            input.for_each(|capability, events| {
                let mut session = output.session(&capability);
                events
                    .drain(..)
                    .filter_map(&f)
                    .for_each(|some| session.give(some));
            });
        }
    })
}

/// Spreads ids over workers.
fn spread(id: u64) -> u64 {
    id.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32
}

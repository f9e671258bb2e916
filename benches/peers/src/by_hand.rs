//! Queries as someone who knows timely dataflow would write them, without recovery: for each the operators it needs and
//! nothing else. Time in the dataflow is event time in milliseconds.

mod q11;
mod q5;
mod q7;
mod stateless;

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use timely::container::CapacityContainerBuilder;
use timely::dataflow::StreamVec;
use timely::dataflow::operators::generic::OutputBuilder;
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;
use timely::dataflow::scope::Scope;

use crate::made::{Made, millis};
use crate::measured::Measured;
use crate::nexmark::event::Event;

/// How many events a source hands over before the steps behind it have their turn: tried from 256 to 4096.
const BATCH: usize = 1024;

type Hashed<K, V> = hashbrown::HashMap<K, V, foldhash::fast::FixedState>;

/// Puts a query into the dataflow; it counts its rows.
type Build = for<'s> fn(StreamVec<'s, u64, Event>, Arc<AtomicU64>);

/// The query called `name`, if it is written here.
fn query(name: &str) -> Option<Build> {
    Some(match name {
        "q0" => stateless::q0,
        "q1" => stateless::q1,
        "q2" => stateless::q2,
        "q5" => q5::build,
        "q7" => q7::build,
        "q11" => q11::build,
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

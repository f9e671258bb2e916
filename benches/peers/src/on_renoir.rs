//! Queries on Renoir, without recovery, as its documentation would have them written.
//!
//! Its sliding windows begin where a key is first seen, not at full seconds, and a record before that is in none: a key that
//! bids come to for a short time has one window or two where the query asks for five. So it has other rows in q5, and less to
//! do. Its sessions are of processing time only, so q11 is not here. Its joins keep all of both sides, and what it folds by key it
//! gives in the end.

mod joins;

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use renoir::operator::Operator;
use renoir::prelude::*;
use renoir::{RuntimeConfig, Stream};

use crate::made::{Made, bid, millis};
use crate::measured::Measured;
use crate::nexmark::event::{Bid, Event};
use crate::rows::Rows;

/// How many events go together from block to block.
const BATCH: usize = 4096;
/// After so many events a source says how far time has come.
const WATERMARK_EVERY: usize = 1024;

/// Runs the query called `name` over `events`, if it can be expressed.
pub(crate) fn run(name: &str, events: Made) -> Option<Measured> {
    let n_events = events.n_events();
    let workers = events.workers() as u64;
    let parts: Arc<Vec<_>> = Arc::new(
        events
            .0
            .into_iter()
            .map(|part| Mutex::new(Some(part)))
            .collect(),
    );
    let rows = Arc::new(AtomicU64::new(0));
    let started = Instant::now();
    let config = RuntimeConfig::local(workers).expect("a number of workers");
    let context = StreamContext::new(config);
    let events = context
        .stream_par_iter(move |index, _peers| {
            let part = parts[index as usize].lock().expect("not poisoned").take();
            part.expect("each worker has one").into_iter()
        })
        .batch_mode(BatchMode::fixed(BATCH));
    let counter = Counter(Arc::clone(&rows));
    match name {
        "q0" => counter.end(events.filter_map(bid)),
        "q1" => counter.end(events.filter_map(bid).map(|mut bid| {
            bid.price *= 908;
            bid
        })),
        "q2" => counter.end(
            events
                .filter_map(bid)
                .filter(|bid| bid.auction % 123 == 0)
                .map(|bid| (bid.auction, bid.price)),
        ),
        "q3" => joins::q3(events, &counter),
        "q4" => joins::q4(events, &counter),
        "q5" => q5(events, &counter),
        "q7" => q7(events, &counter),
        "q8" => joins::q8(events, &counter),
        "q9" => joins::q9(events, &counter),
        "q13" => q13(events, &counter),
        "q14" => counter.end(events.filter_map(bid).filter_map(crate::shared::q14)),
        "q17" => q17(events, &counter),
        "q18" => q18(events, &counter),
        "q19" => q19(events, &counter),
        "q20" => joins::q20(events, &counter),
        "q21" => counter.end(events.filter_map(bid).filter_map(crate::shared::q21)),
        "q22" => counter.end(events.filter_map(bid).map(crate::shared::q22)),
        _ => return None,
    }
    context.execute_blocking();
    Some(Measured {
        events: n_events,
        rows: rows.load(Relaxed),
        snapshots: 0,
        seconds: started.elapsed().as_secs_f64(),
    })
}

/// Counts rows, and drops them.
struct Counter(Arc<AtomicU64>);

impl Counter {
    fn end<T: Send + 'static>(&self, stream: Stream<impl Operator<Out = T> + 'static>) {
        let mut rows = Rows::new(&self.0);
        stream.for_each(move |row| rows.count(&row));
    }
}

/// Says with each event when it happened, and now and then how far time has come.
fn timed(
    events: Stream<impl Operator<Out = Event> + 'static>,
) -> Stream<impl Operator<Out = Event>> {
    let mut n = 0;
    events.add_timestamps(millis, move |_, time| {
        n = (n + 1) % WATERMARK_EVERY;
        (n == 0).then_some(*time)
    })
}

fn q5(events: Stream<impl Operator<Out = Event> + 'static>, counter: &Counter) {
    let windows = EventTimeWindow::sliding(10_000, 2_000);
    let counts = timed(events)
        .filter_map(bid)
        .map(|bid| bid.auction)
        .group_by(|auction| *auction)
        .window(windows)
        .count()
        .unkey();
    let hottest = counts
        .window_all(EventTimeWindow::tumbling(2_000))
        .max_by_key(|(_, n)| *n);
    counter.end(hottest.drop_key());
}

fn q7(events: Stream<impl Operator<Out = Event> + 'static>, counter: &Counter) {
    let window = EventTimeWindow::tumbling(10_000);
    let highest = timed(events)
        .filter_map(bid)
        .key_by(|_| ())
        .window(window.clone())
        .max_by_key(|bid: &Bid| bid.price)
        .drop_key()
        .window_all(window)
        .max_by_key(|bid: &Bid| bid.price);
    counter.end(highest.drop_key());
}

fn q17(events: Stream<impl Operator<Out = Event> + 'static>, counter: &Counter) {
    let stats = events
        .filter_map(bid)
        .map(|bid| (bid.auction, bid.date_time / 86_400_000, bid.price))
        .group_by_fold(
            |(auction, day, _)| (*auction, *day),
            crate::shared::Prices::default(),
            |prices, (_, _, price)| prices.add(price),
            |prices, others| prices.merge(others),
        );
    counter.end(stats.unkey());
}

fn q13(events: Stream<impl Operator<Out = Event> + 'static>, counter: &Counter) {
    let list = Arc::new(crate::shared::list());
    let listed = events.filter_map(bid).map(move |bid| {
        let value = list[(bid.auction % list.len() as u64) as usize].clone();
        (bid.auction, bid.bidder, bid.price, bid.date_time, value)
    });
    counter.end(listed);
}

fn q18(events: Stream<impl Operator<Out = Event> + 'static>, counter: &Counter) {
    let latest = events
        .filter_map(bid)
        .group_by_reduce(|bid| (bid.bidder, bid.auction), crate::shared::keep_later);
    counter.end(latest.drop_key());
}

fn q19(events: Stream<impl Operator<Out = Event> + 'static>, counter: &Counter) {
    let highest = events.filter_map(bid).group_by_fold(
        |bid| bid.auction,
        Vec::new(),
        crate::shared::rank,
        |highest, others| {
            others
                .into_iter()
                .for_each(|bid| crate::shared::rank(highest, bid));
        },
    );
    counter.end(highest.drop_key().flat_map(crate::shared::ranked));
}

//! Events made beforehand: a list for each worker, in the order of their times, blocks of the stream in turns.

use crate::nexmark::event::{Bid, Event};
use crate::nexmark::generator::Generator;

/// How many events follow one another in one list.
const BLOCK: u64 = 4096;

/// The events of each worker.
#[derive(Clone)]
pub(crate) struct Made(pub(crate) Vec<Vec<Event>>);

impl Made {
    /// The first `n` events for so many workers.
    pub(crate) fn new(generator: &Generator, n: u64, workers: usize) -> Self {
        let of = |worker: u64| {
            let events = (0..n).filter(|n| n / BLOCK % workers as u64 == worker);
            events.map(|n| generator.event(n)).collect()
        };
        std::thread::scope(|scope| {
            let makers: Vec<_> = (0..workers as u64)
                .map(|w| scope.spawn(move || of(w)))
                .collect();
            Made(
                makers
                    .into_iter()
                    .map(|maker| maker.join().expect("events are made"))
                    .collect(),
            )
        })
    }

    pub(crate) fn n_events(&self) -> u64 {
        self.0.iter().map(|part| part.len() as u64).sum()
    }

    pub(crate) fn workers(&self) -> usize {
        self.0.len()
    }
}

/// When `event` happened, in milliseconds since 1970.
pub(crate) fn millis(event: &Event) -> i64 {
    match event {
        Event::Person(person) => person.date_time,
        Event::Auction(auction) => auction.date_time,
        Event::Bid(bid) => bid.date_time,
    }
}

/// The bid, if it is one.
pub(crate) fn bid(event: Event) -> Option<Bid> {
    match event {
        Event::Bid(bid) => Some(bid),
        Event::Person(_) | Event::Auction(_) => None,
    }
}

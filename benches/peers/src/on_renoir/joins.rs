//! Events that meet: q3, q8 and q20, and the auctions that somebody has won, for q4 and q9.

use renoir::Stream;
use renoir::operator::{ExchangeData, Operator, StreamElement};
use renoir::prelude::*;

use super::{Counter, WATERMARK_EVERY, timed};
use crate::auctions::{About, Auctions, Offer, Sale};
use crate::made::{bid, millis};
use crate::nexmark::event::{Auction, Event};
use crate::shared::{is_wanted_category, is_wanted_state, price_in_category, whole_auction};

pub(super) fn q3(events: Stream<impl Operator<Out = Event> + 'static>, counter: &Counter) {
    let mut routes = events
        .route()
        .add_route(|event| matches!(event, Event::Person(_)))
        .add_route(|event| matches!(event, Event::Auction(_)))
        .build()
        .into_iter();
    let mut route = || routes.next().expect("one of two");
    let people = route().filter_map(|event| match event {
        Event::Person(person) if is_wanted_state(&person.state) => {
            let person = *person;
            Some((person.id, person.name, person.city, person.state))
        }
        _ => None,
    });
    let auctions = route()
        .filter_map(auction)
        .filter(|auction| is_wanted_category(auction.category))
        .map(|auction| (auction.seller, auction.id));
    let joined = people.join(auctions, |person| person.0, |auction| auction.0);
    let rows = joined
        .drop_key()
        .map(|((_, name, city, state), (_, auction))| (name, city, state, auction));
    counter.end(rows);
}

pub(super) fn q20(events: Stream<impl Operator<Out = Event> + 'static>, counter: &Counter) {
    let mut routes = events
        .route()
        .add_route(|event| matches!(event, Event::Bid(_)))
        .add_route(|event| matches!(event, Event::Auction(_)))
        .build()
        .into_iter();
    let mut route = || routes.next().expect("one of two");
    let bids = route().filter_map(bid);
    let auctions = route()
        .filter_map(auction)
        .filter(|auction| is_wanted_category(auction.category));
    let joined = bids.join(auctions, |bid| bid.auction, |auction| auction.id);
    counter.end(joined.drop_key());
}

fn auction(event: Event) -> Option<Box<Auction>> {
    match event {
        Event::Auction(auction) => Some(auction),
        Event::Person(_) | Event::Bid(_) => None,
    }
}

const WINDOW: i64 = 10_000;

/// Its windows begin where a key is first seen, and what comes later but belongs before is in none. So each window has keys of
/// its own, and all events of ten seconds are said to happen when these begin.
pub(super) fn q8(events: Stream<impl Operator<Out = Event> + 'static>, counter: &Counter) {
    let begins = |event: &Event| millis(event) / WINDOW * WINDOW;
    let mut n = 0;
    let sellers = events
        .add_timestamps(begins, move |_, begins| {
            n = (n + 1) % WATERMARK_EVERY;
            (n == 0).then_some(*begins)
        })
        .filter_map(move |event| {
            let begins = begins(&event);
            match event {
                Event::Person(person) => Some((person.id, begins, Some(person.name))),
                Event::Auction(auction) => Some((auction.seller, begins, None)),
                Event::Bid(_) => None,
            }
        })
        .group_by(|(id, begins, _)| (*id, *begins))
        .window(EventTimeWindow::tumbling(WINDOW))
        .fold((None, false), |(joined, sells), (.., name)| match name {
            Some(name) => *joined = Some(name.clone()),
            None => *sells = true,
        })
        .unkey()
        .filter_map(|((id, begins), (joined, sells))| {
            Some((id, joined.filter(|_| sells)?, begins))
        });
    counter.end(sellers);
}

pub(super) fn q4(events: Stream<impl Operator<Out = Event> + 'static>, counter: &Counter) {
    let means = winners(events, price_in_category)
        .map(|(sale, best)| (sale.wanted, best.price))
        .group_by_avg(|(category, _)| *category, |(_, price)| *price as f64);
    counter.end(means.unkey());
}

pub(super) fn q9(events: Stream<impl Operator<Out = Event> + 'static>, counter: &Counter) {
    counter.end(winners(events, whole_auction));
}

/// As its faster example of q4 has it: an operator that keeps what is open. A window of each auction, as in the other one,
/// stays for ever if bids come after the end, and is asked at each watermark.
fn winners<A: ExchangeData, B: ExchangeData>(
    events: Stream<impl Operator<Out = Event> + 'static>,
    about: fn(Event) -> Option<About<A, B>>,
) -> Stream<impl Operator<Out = (Sale<A>, Offer<B>)>> {
    let mut auctions = Auctions::default();
    let (mut now, mut has_moved, mut has_ended) = (i64::MIN, false, false);
    timed(events)
        .filter_map(about)
        .group_by(About::auction)
        .rich_map_custom(move |mut elements| {
            loop {
                if has_moved {
                    if let Some(won) = auctions.closed(now) {
                        return StreamElement::Item(won);
                    }
                    has_moved = false;
                }
                if std::mem::take(&mut has_ended) {
                    return StreamElement::FlushAndRestart;
                }
                match elements.next() {
                    StreamElement::Item((_, about)) | StreamElement::Timestamped((_, about), _) => {
                        auctions.add(about);
                    }
                    StreamElement::Watermark(time) => (now, has_moved) = (time, true),
                    StreamElement::FlushAndRestart => {
                        (now, has_moved, has_ended) = (i64::MAX, true, true);
                    }
                    StreamElement::FlushBatch => return StreamElement::FlushBatch,
                    StreamElement::Terminate => return StreamElement::Terminate,
                }
            }
        })
}

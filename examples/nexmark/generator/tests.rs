//! What all events are like, taken together.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use super::*;
use crate::nexmark::event::Bid;

const N: u64 = 200_000;

fn bids(events: &[Event]) -> Vec<&Bid> {
    let bids = events.iter().filter_map(|event| match event {
        Event::Bid(bid) => Some(bid),
        _ => None,
    });
    bids.collect()
}

fn events() -> Vec<Event> {
    let generator = Generator::new(7, 1_000);
    (0..N).map(|n| generator.event(n)).collect()
}

fn check(what: &str, share: f64, expected: RangeInclusive<f64>) {
    assert!(expected.contains(&share), "{what}: {share}");
}

fn share<T>(of: &[T], is_so: impl Fn(&T) -> bool) -> f64 {
    of.iter().filter(|each| is_so(each)).count() as f64 / of.len() as f64
}

#[test]
fn the_same_seed_gives_the_same_events_from_any_number_on() {
    let (one, other) = (Generator::new(7, 1_000), Generator::new(7, 1_000));
    let backwards: Vec<_> = (0..100).rev().map(|n| other.event(n)).collect();
    let forwards: Vec<_> = (0..100).map(|n| one.event(n)).collect();
    assert!(forwards.iter().eq(backwards.iter().rev()));
    assert_ne!(one.event(5), Generator::new(8, 1_000).event(5));
}

#[test]
fn kinds_ids_and_times_follow_from_the_number() {
    let (mut people, mut auctions) = (1_000.., 1_000..);
    for (n, event) in events().iter().enumerate() {
        match event {
            Event::Person(person) => assert_eq!(Some(person.id), people.next()),
            Event::Auction(auction) => assert_eq!(Some(auction.id), auctions.next()),
            Event::Bid(_) => {}
        }
        let kind = match event {
            Event::Person(_) => 0..=0,
            Event::Auction(_) => 1..=3,
            Event::Bid(_) => 4..=49,
        };
        assert!(kind.contains(&(n % 50)));
        assert_eq!(event.time().micros(), (BASE_MS + n as i64) * 1_000);
    }
    let slow = Generator::new(7, 3);
    assert_eq!(slow.time(7), BASE_MS + 2_333);
}

#[test]
fn some_are_hot_and_the_others_are_about() {
    let events = events();
    let bids = bids(&events);
    let is_hot = |id: u64, of: u64| id % 100 == of;
    check(
        "hot auctions",
        share(&bids, |bid| is_hot(bid.auction, 0)),
        0.49..=0.52,
    );
    check(
        "hot bidders",
        share(&bids, |bid| is_hot(bid.bidder, 1)),
        0.74..=0.76,
    );
    let large = share(&bids, |bid| !bid.channel.starts_with("channel-"));
    check("large channels", large, 0.49..=0.51);
    let named = share(&bids, |bid| bid.url.contains("&channel_id="));
    check("urls with a channel", named, 0.44..=0.46);
    let last = bids.last().unwrap();
    let born = 999 + N / 50 * 3;
    assert!(
        last.auction <= born + 10 && last.auction >= born - 200,
        "{last:?}"
    );
    let urls: BTreeSet<_> = bids.iter().map(|bid| &bid.url).collect();
    assert!(urls.len() > 9_000, "{}", urls.len());
}

#[test]
fn sizes_are_as_they_should_be_on_average() {
    let (mut sums, mut counts) = ([0; 3], [0; 3]);
    for event in events() {
        let (kind, size) = match event {
            Event::Person(p) => {
                let texts = [p.name, p.email_address, p.credit_card, p.city, p.state];
                let texts: usize = texts.iter().map(String::len).sum();
                (0, 8 + texts + p.extra.len())
            }
            Event::Auction(a) => (
                1,
                48 + a.item_name.len() + a.description.len() + a.extra.len(),
            ),
            Event::Bid(bid) => (2, 32 + bid.extra.len()),
        };
        sums[kind] += size;
        counts[kind] += 1;
    }
    for (kind, expected) in [200.0, 500.0, 100.0].into_iter().enumerate() {
        let average = sums[kind] as f64 / f64::from(counts[kind]);
        check("size", average, expected - 2.0..=expected + 2.0);
    }
}

#[test]
fn a_bid_is_no_larger_for_the_sake_of_others() {
    assert_eq!(size_of::<Event>(), size_of::<Bid>());
}

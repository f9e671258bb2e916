//! What is asked of windows: q5, q7, q8 and q11.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::{Events, Row, bid, row};
use crate::nexmark::event::Bid;

pub(super) fn hot_items(bids: &[&Bid]) -> Vec<Row> {
    let mut windows: BTreeMap<i64, BTreeMap<u64, u64>> = BTreeMap::new();
    for b in bids {
        let last = b.date_time.div_euclid(2_000) * 2_000;
        for start in (0..5).map(|n| last - n * 2_000) {
            *windows
                .entry(start)
                .or_default()
                .entry(b.auction)
                .or_default() += 1;
        }
    }
    let hottest = windows.values().flat_map(|counts| {
        let most = counts.values().max().copied();
        counts.iter().filter(move |(_, num)| Some(**num) == most)
    });
    hottest
        .map(|(auction, num)| row(json!({"auction": auction, "num": num})))
        .collect()
}

pub(super) fn highest_bids(bids: &[&Bid]) -> Vec<Row> {
    let mut windows: BTreeMap<i64, Vec<&Bid>> = BTreeMap::new();
    for b in bids {
        windows
            .entry(b.date_time.div_euclid(10_000))
            .or_default()
            .push(b);
    }
    let highest = windows.values().flat_map(|bids| {
        let most = bids.iter().map(|b| b.price).max();
        bids.iter().filter(move |b| Some(b.price) == most)
    });
    highest.map(|b| bid(b)).collect()
}

/// Each of the people who opened an auction in the ten seconds in which they joined, once.
pub(super) fn new_sellers(events: &Events<'_>) -> Vec<Row> {
    let window = |time: i64| time.div_euclid(10_000) * 10_000;
    let auctions = events.auctions.iter();
    let sold: BTreeSet<(u64, i64)> = auctions.map(|a| (a.seller, window(a.date_time))).collect();
    let people = events.people.iter();
    let sellers = people.filter(|p| sold.contains(&(p.id, window(p.date_time))));
    sellers
        .map(|p| row(json!({"id": p.id, "name": p.name, "starttime": window(p.date_time)})))
        .collect()
}

pub(super) fn sessions(bids: &[&Bid]) -> Vec<Row> {
    let mut times: BTreeMap<u64, Vec<i64>> = BTreeMap::new();
    for b in bids {
        times.entry(b.bidder).or_default().push(b.date_time);
    }
    let mut rows = Vec::new();
    for (bidder, mut times) in times {
        times.sort_unstable();
        for session in times.chunk_by(|earlier, later| later - earlier <= 10_000) {
            let (first, last) = (session[0], session[session.len() - 1]);
            rows.push(row(json!({
                "bidder": bidder, "bid_count": session.len(), "starttime": first, "endtime": last + 10_000,
            })));
        }
    }
    rows
}

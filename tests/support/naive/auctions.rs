//! What is asked of auctions that have found a buyer: q4, q6 and q9.

use std::collections::BTreeMap;

use serde_json::json;

use super::{Events, Row, row};
use crate::nexmark::event::{Auction, Bid};

/// So many winning bids of a seller, before one and with it, have a mean.
const BEFORE: usize = 10;

/// Each auction that somebody wins, with the winning bid.
fn winners<'a>(events: &Events<'a>) -> Vec<(&'a Auction, &'a Bid)> {
    let mut by_auction: BTreeMap<u64, Vec<&Bid>> = BTreeMap::new();
    for b in &events.bids {
        by_auction.entry(b.auction).or_default().push(b);
    }
    let with_winner = |auction: &&'a Auction| {
        let bids = by_auction.get(&auction.id)?;
        let in_time =
            |bid: &&&Bid| auction.date_time <= bid.date_time && bid.date_time <= auction.expires;
        winner(bids.iter().filter(in_time).copied()).map(|bid| (*auction, bid))
    };
    events.auctions.iter().filter_map(with_winner).collect()
}

/// The highest bid; of several the earliest, and of those of one moment that of the smallest bidder.
fn winner<'a>(bids: impl Iterator<Item = &'a Bid>) -> Option<&'a Bid> {
    let mut best: Option<&Bid> = None;
    for bid in bids {
        let wins = match best {
            None => true,
            Some(best) if bid.price != best.price => bid.price > best.price,
            Some(best) if bid.date_time != best.date_time => bid.date_time < best.date_time,
            Some(best) => bid.bidder < best.bidder,
        };
        if wins {
            best = Some(bid);
        }
    }
    best
}

fn mean(prices: &[u64]) -> f64 {
    let sum: u64 = prices.iter().sum();
    sum as f64 / prices.len() as f64
}

/// The mean of the winning prices of each category.
pub(super) fn prices_of_categories(events: &Events<'_>) -> Vec<Row> {
    let mut categories: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for (auction, bid) in winners(events) {
        categories
            .entry(auction.category)
            .or_default()
            .push(bid.price);
    }
    let means = categories.iter();
    means
        .map(|(category, prices)| row(json!({"category": category, "average": mean(prices)})))
        .collect()
}

/// For each auction that somebody wins: the mean of its price and of those that its seller had for the ten before it.
pub(super) fn prices_of_sellers(events: &Events<'_>) -> Vec<Row> {
    let mut sellers: BTreeMap<u64, Vec<(i64, u64, u64, u64)>> = BTreeMap::new();
    for (auction, bid) in winners(events) {
        let sold = (bid.date_time, bid.bidder, auction.id, bid.price);
        sellers.entry(auction.seller).or_default().push(sold);
    }
    let mut rows = Vec::new();
    for (seller, mut sold) in sellers {
        sold.sort_unstable();
        let prices: Vec<u64> = sold.iter().map(|(.., price)| *price).collect();
        for last in 0..prices.len() {
            let average = mean(&prices[last.saturating_sub(BEFORE)..=last]);
            rows.push(row(json!({"seller": seller, "average": average})));
        }
    }
    rows
}

/// Each auction that somebody wins, and the winning bid.
pub(super) fn winning_bids(events: &Events<'_>) -> Vec<Row> {
    let both = |(a, b): (&Auction, &Bid)| {
        row(json!({
            "id": a.id, "itemName": a.item_name, "description": a.description, "initialBid": a.initial_bid,
            "reserve": a.reserve, "auction_dateTime": a.date_time, "expires": a.expires, "seller": a.seller,
            "category": a.category, "auction_extra": a.extra,
            "bidder": b.bidder, "price": b.price, "bid_dateTime": b.date_time, "bid_extra": b.extra,
        }))
    };
    winners(events).into_iter().map(both).collect()
}

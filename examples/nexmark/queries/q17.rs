//! Query 17: how many bids there are for each auction on each day, in total and by rank, and their prices.

use millstream::prelude::*;
use serde::{Deserialize, Serialize};

use super::each_bid;
use super::ranks::{is_high, is_low, is_middling};
use crate::nexmark::event::Event;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    auction: u64,
    day: String,
    total_bids: u64,
    rank1_bids: u64,
    rank2_bids: u64,
    rank3_bids: u64,
    min_price: u64,
    max_price: u64,
    avg_price: f64,
    sum_price: i64,
}

/// What is counted of a bid: a record that goes to another worker should be no larger than it must.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Counted {
    auction: u64,
    price: u64,
}

pub(crate) fn q17<'f>(events: &Stream<'f, Event>) -> Stream<'f, Row> {
    each_bid(events, |bid| Counted {
        auction: bid.auction,
        price: bid.price,
    })
    .key_by("auction", |bid| &bid.auction)
    .window(Tumbling::days())
    .aggregate("bids_per_auction_and_day", |of| {
        (
            of.count("total_bids"),
            of.count_if("rank1_bids", |bid| is_low(bid.price)),
            of.count_if("rank2_bids", |bid| is_middling(bid.price)),
            of.count_if("rank3_bids", |bid| is_high(bid.price)),
            of.min("min_price", |bid| bid.price),
            of.max("max_price", |bid| bid.price),
            of.mean("avg_price", |bid| bid.price),
            of.sum("sum_price", |bid| bid.price),
        )
    })
    .closed()
    .map(|row| {
        let (total_bids, rank1_bids, rank2_bids, rank3_bids, ..) = row.values;
        let (.., min_price, max_price, avg_price, sum_price) = row.values;
        Row {
            auction: row.key,
            day: row.window.start.date(),
            total_bids,
            rank1_bids,
            rank2_bids,
            rank3_bids,
            min_price,
            max_price,
            avg_price,
            sum_price,
        }
    })
}

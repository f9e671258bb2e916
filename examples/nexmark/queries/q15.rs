//! Query 15: how many bids there are on each day, of how many bidders and for how many auctions, in total and by rank.

use millstream::prelude::*;
use serde::{Deserialize, Serialize};

use super::each_bid;
use super::ranks::{AUCTIONS, BIDDERS, Counts, is_high, is_low, is_middling, total_and_rank};
use crate::nexmark::event::Event;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    day: String,
    #[serde(flatten)]
    counts: Counts,
}

/// What is counted of a bid: a record that goes to another worker should be no larger than it must.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Counted {
    bidder: u64,
    auction: u64,
    price: u64,
}

pub(crate) fn q15<'f>(events: &Stream<'f, Event>) -> Stream<'f, Row> {
    each_bid(events, |bid| Counted {
        bidder: bid.bidder,
        auction: bid.auction,
        price: bid.price,
    })
    .window(Tumbling::days())
    .aggregate("bids_per_day", |of| {
        (
            of.count("total_bids"),
            of.count_if("rank1_bids", |bid| is_low(bid.price)),
            of.count_if("rank2_bids", |bid| is_middling(bid.price)),
            of.count_if("rank3_bids", |bid| is_high(bid.price)),
            of.count_distinct_each(BIDDERS, |bid| &bid.bidder, |bid| total_and_rank(bid.price)),
            of.count_distinct_each(
                AUCTIONS,
                |bid| &bid.auction,
                |bid| total_and_rank(bid.price),
            ),
        )
    })
    .closed()
    .map(|row| {
        let (total, rank1, rank2, rank3, bidders, auctions) = row.values;
        Row {
            day: row.window.start.date(),
            counts: Counts::new([total, rank1, rank2, rank3], bidders, auctions),
        }
    })
}

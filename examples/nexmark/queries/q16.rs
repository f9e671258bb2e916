//! Query 16: as query 15, for each channel, with the minute of its last bid.

use millstream::prelude::*;
use serde::{Deserialize, Serialize};

use super::each_bid;
use super::ranks::{AUCTIONS, BIDDERS, Counts, is_high, is_low, is_middling, total_and_rank};
use crate::nexmark::event::Event;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    channel: String,
    day: String,
    minute: String,
    #[serde(flatten)]
    counts: Counts,
}

/// What is counted of a bid: a record that goes to another worker should be no larger than it must.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Counted {
    channel: String,
    bidder: u64,
    auction: u64,
    price: u64,
    date_time: i64,
}

pub(crate) fn q16<'f>(events: &Stream<'f, Event>) -> Stream<'f, Row> {
    each_bid(events, |bid| Counted {
        channel: bid.channel,
        bidder: bid.bidder,
        auction: bid.auction,
        price: bid.price,
        date_time: bid.date_time,
    })
    .key_by("channel", |bid| &bid.channel)
    .window(Tumbling::days())
    .aggregate("bids_per_channel_and_day", |of| {
        (
            of.max("last", |bid| bid.date_time),
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
        let (last, total, rank1, rank2, rank3, bidders, auctions) = row.values;
        Row {
            channel: row.key,
            day: row.window.start.date(),
            minute: EventTime::from_millis(last).hour_minute(),
            counts: Counts::new([total, rank1, rank2, rank3], bidders, auctions),
        }
    })
}

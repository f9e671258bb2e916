//! Query 9: every auction with its winning bid, when it has closed.

use millstream::prelude::*;
use serde::{Deserialize, Serialize};

use super::winning_bids::{Bidden, Offered, winning_bids};
use crate::nexmark::event::{Auction, Bid, Event};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Row {
    id: u64,
    item_name: String,
    description: String,
    initial_bid: u64,
    reserve: u64,
    #[serde(rename = "auction_dateTime")]
    auction_date_time: i64,
    expires: i64,
    seller: u64,
    category: u64,
    #[serde(rename = "auction_extra")]
    auction_extra: String,
    bidder: u64,
    price: u64,
    #[serde(rename = "bid_dateTime")]
    bid_date_time: i64,
    #[serde(rename = "bid_extra")]
    bid_extra: String,
}

/// What is shown of a bid.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Shown {
    auction: u64,
    bidder: u64,
    price: u64,
    date_time: i64,
    extra: String,
}

impl From<Bid> for Shown {
    fn from(bid: Bid) -> Self {
        Shown {
            auction: bid.auction,
            bidder: bid.bidder,
            price: bid.price,
            date_time: bid.date_time,
            extra: bid.extra,
        }
    }
}

impl Bidden for Shown {
    fn auction(&self) -> &u64 {
        &self.auction
    }
    fn order(&self) -> (std::cmp::Reverse<u64>, i64, u64) {
        (std::cmp::Reverse(self.price), self.date_time, self.bidder)
    }
}

impl Offered for Box<Auction> {
    fn id(&self) -> &u64 {
        &self.id
    }
    fn open(&self) -> (i64, i64) {
        (self.date_time, self.expires)
    }
}

pub(crate) fn q9<'f>(events: &Stream<'f, Event>) -> Stream<'f, Row> {
    winning_bids(events, "winning_bids", |auction| auction, Shown::from).map(|(auction, bid)| Row {
        id: auction.id,
        item_name: auction.item_name,
        description: auction.description,
        initial_bid: auction.initial_bid,
        reserve: auction.reserve,
        auction_date_time: auction.date_time,
        expires: auction.expires,
        seller: auction.seller,
        category: auction.category,
        auction_extra: auction.extra,
        bidder: bid.bidder,
        price: bid.price,
        bid_date_time: bid.date_time,
        bid_extra: bid.extra,
    })
}

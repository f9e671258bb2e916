//! Query 1: every bid, its price in another currency. A map.

use millstream::prelude::*;
use serde::{Deserialize, Serialize};

use super::each_bid;
use crate::nexmark::euros::Euros;
use crate::nexmark::event::Event;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Row {
    auction: u64,
    bidder: u64,
    price: Euros,
    date_time: i64,
    extra: String,
}

pub(crate) fn q1<'f>(events: &Stream<'f, Event>) -> Stream<'f, Row> {
    each_bid(events, |bid| Row {
        auction: bid.auction,
        bidder: bid.bidder,
        price: Euros::for_dollars(bid.price),
        date_time: bid.date_time,
        extra: bid.extra,
    })
}

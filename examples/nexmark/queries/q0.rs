//! Query 0: every bid, as it is. What the engine itself costs.

use millstream::prelude::*;
use serde::{Deserialize, Serialize};

use super::each_bid;
use crate::nexmark::event::Event;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Row {
    auction: u64,
    bidder: u64,
    price: u64,
    date_time: i64,
    extra: String,
}

pub(crate) fn q0<'f>(events: &Stream<'f, Event>) -> Stream<'f, Row> {
    each_bid(events, |bid| Row {
        auction: bid.auction,
        bidder: bid.bidder,
        price: bid.price,
        date_time: bid.date_time,
        extra: bid.extra,
    })
}

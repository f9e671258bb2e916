//! Query 7: the bids at the highest price of each ten seconds; where several have it, all of them.

use millstream::prelude::*;
use serde::{Deserialize, Serialize};

use super::bids;
use crate::nexmark::event::Event;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Row {
    auction: u64,
    price: u64,
    bidder: u64,
    date_time: i64,
    extra: String,
}

pub(crate) fn q7<'f>(events: &Stream<'f, Event>) -> Stream<'f, Row> {
    bids(events)
        .window(Tumbling::of(seconds(10)))
        .at_max("highest_bids", |bid| bid.price)
        .map(|bid| Row {
            auction: bid.auction,
            price: bid.price,
            bidder: bid.bidder,
            date_time: bid.date_time,
            extra: bid.extra,
        })
}

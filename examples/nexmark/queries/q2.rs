//! Query 2: the bids for some auctions, and their prices. A filter that hardly anything passes.

use millstream::prelude::*;
use serde::{Deserialize, Serialize};

use super::some_bids;
use crate::nexmark::event::Event;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    auction: u64,
    price: u64,
}

pub(crate) fn q2<'f>(events: &Stream<'f, Event>) -> Stream<'f, Row> {
    some_bids(events, |bid| {
        bid.auction.is_multiple_of(123).then_some(Row {
            auction: bid.auction,
            price: bid.price,
        })
    })
}

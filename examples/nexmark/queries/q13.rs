//! Query 13: every bid with the value that a table has for its auction.

use millstream::prelude::*;
use serde::{Deserialize, Serialize};

use super::bids;
use crate::nexmark::event::Event;

/// How many rows the table has.
const N_ROWS: u64 = 10_000;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Row {
    auction: u64,
    bidder: u64,
    price: u64,
    date_time: i64,
    value: String,
}

pub(crate) fn q13<'f>(events: &Stream<'f, Event>) -> Stream<'f, Row> {
    let values = (0..N_ROWS).map(|key| (key, key.to_string()));
    let values = SideInput::new(Items::new(values), |(key, _)| *key);
    bids(events).enrich(
        "values",
        &values,
        |bid| bid.auction % N_ROWS,
        |bid, row| {
            Some(Row {
                auction: bid.auction,
                bidder: bid.bidder,
                price: bid.price,
                date_time: bid.date_time,
                value: row?.1.clone(),
            })
        },
    )
}

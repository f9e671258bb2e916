//! Query 5: the auctions with the most bids in the last ten seconds, every two seconds; where several have it, all of them.

use millstream::prelude::*;
use serde::{Deserialize, Serialize};

use super::each_bid;
use crate::nexmark::event::Event;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    auction: u64,
    num: u64,
}

pub(crate) fn q5<'f>(events: &Stream<'f, Event>) -> Stream<'f, Row> {
    each_bid(events, |bid| bid.auction)
        .key_by("auction", |auction| auction)
        .window(Hopping::of(seconds(10)).every(seconds(2)))
        .aggregate("bids_per_auction", |of| of.count("num"))
        .closed()
        .in_their_windows()
        .at_max("hot_items", |row| row.values)
        .map(|row| Row {
            auction: row.key,
            num: row.values,
        })
}

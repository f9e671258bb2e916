//! Query 12: how many bids each bidder makes in ten seconds of the clock on the wall, whenever they happened.

use millstream::prelude::*;

use super::each_bid;
use super::per_bidder::Row;
use crate::nexmark::event::Event;

/// Takes events that are timed by when they are taken in.
pub(crate) fn q12<'f>(events: &Stream<'f, Event>) -> Stream<'f, Row> {
    each_bid(events, |bid| bid.bidder)
        .key_by("bidder", |bidder| bidder)
        .window(Tumbling::of(seconds(10)))
        .aggregate("bids_per_bidder", |of| of.count("bid_count"))
        .closed()
        .map(Row::from)
}

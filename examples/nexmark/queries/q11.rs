//! Query 11: how many bids each bidder makes in a session, which ends ten seconds after the last of them.

use millstream::prelude::*;

use super::each_bid;
use super::per_bidder::Row;
use crate::nexmark::event::Event;

pub(crate) fn q11<'f>(events: &Stream<'f, Event>) -> Stream<'f, Row> {
    each_bid(events, |bid| bid.bidder)
        .key_by("bidder", |bidder| bidder)
        .window(Session::gap(seconds(10)))
        .aggregate("bids_per_session", |of| of.count("bid_count"))
        .closed()
        .map(Row::from)
}

//! Query 18: the latest bid of each bidder on each auction.

use millstream::prelude::*;

use super::bids;
use crate::nexmark::event::{Bid, Event};

/// A bidder and an auction, and the latest bid of the one on the other.
pub(crate) type Latest<'f> = Table<'f, (u64, u64), Kept<Bid>>;

pub(crate) fn q18<'f>(events: &Stream<'f, Event>) -> Latest<'f> {
    bids(events)
        .key_with(("bidder", "auction"), |bid| (bid.bidder, bid.auction))
        .keep_last("latest_bids", |bid| (bid.date_time, bid.price))
}

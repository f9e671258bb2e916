//! Query 22: every bid with the directories of its page. Text cut into pieces.

use millstream::prelude::*;
use serde::{Deserialize, Serialize};

use super::each_bid;
use crate::nexmark::event::Event;

/// A page that has fewer directories has none in their place.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    auction: u64,
    bidder: u64,
    price: u64,
    channel: String,
    dir1: Option<String>,
    dir2: Option<String>,
    dir3: Option<String>,
}

pub(crate) fn q22<'f>(events: &Stream<'f, Event>) -> Stream<'f, Row> {
    each_bid(events, |bid| {
        // https: · · www.nexmark.com · dir1 · dir2 · dir3 · …
        let mut directories = bid.url.split('/').skip(3).map(str::to_owned);
        Row {
            auction: bid.auction,
            bidder: bid.bidder,
            price: bid.price,
            channel: bid.channel,
            dir1: directories.next(),
            dir2: directories.next(),
            dir3: directories.next(),
        }
    })
}

//! Query 21: bids with the number of their channel, known by the channel's name or found in the page's address; those of
//! which nobody knows it are left out.

use millstream::prelude::*;
use serde::{Deserialize, Serialize};

use super::some_bids;
use crate::nexmark::event::{Bid, Event};

const KNOWN: [(&str, &str); 4] = [
    ("apple", "0"),
    ("google", "1"),
    ("facebook", "2"),
    ("baidu", "3"),
];

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    auction: u64,
    bidder: u64,
    price: u64,
    channel: String,
    channel_id: String,
}

pub(crate) fn q21<'f>(events: &Stream<'f, Event>) -> Stream<'f, Row> {
    some_bids(events, |bid| {
        let channel_id = channel_id(&bid)?.to_owned();
        Some(Row {
            auction: bid.auction,
            bidder: bid.bidder,
            price: bid.price,
            channel: bid.channel,
            channel_id,
        })
    })
}

fn channel_id(bid: &Bid) -> Option<&str> {
    let is_known = |(name, _): &&(&str, _)| name.eq_ignore_ascii_case(&bid.channel);
    let known = KNOWN.iter().find(is_known).map(|(_, id)| *id);
    known.or_else(|| in_address(&bid.url))
}

/// What `channel_id=` says in the address of a page.
fn in_address(url: &str) -> Option<&str> {
    url.split('&')
        .find_map(|argument| argument.strip_prefix("channel_id="))
}

//! Query 19: the ten highest bids on each auction, with their rank.

use std::cmp::Reverse;

use millstream::prelude::*;
use serde::{Deserialize, Serialize};

use super::bids;
use crate::nexmark::event::{Bid, Event};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    #[serde(flatten)]
    bid: Bid,
    rank_number: u32,
}

/// A bid by auction and rank.
pub(crate) type Ranks<'f> = Table<'f, InRank<u64>, Kept<Bid>>;

impl From<(InRank<u64>, Kept<Bid>)> for Row {
    fn from((key, bid): (InRank<u64>, Kept<Bid>)) -> Self {
        Row {
            bid: bid.0,
            rank_number: key.rank,
        }
    }
}

pub(crate) fn q19<'f>(events: &Stream<'f, Event>) -> Ranks<'f> {
    bids(events)
        .key_by("auction", |bid| &bid.auction)
        .top_k("highest_bids", 10, |bid| {
            (Reverse(bid.price), bid.date_time, bid.bidder)
        })
}

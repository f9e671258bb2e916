//! Ranks of bids, by their price: low, middling, high. Three queries count bids, or who and what they are about, in total and
//! by rank.

use serde::{Deserialize, Serialize};

/// What distinct bidders are called: all of them, and those of each rank.
pub(super) const BIDDERS: [&str; 4] = [
    "total_bidders",
    "rank1_bidders",
    "rank2_bidders",
    "rank3_bidders",
];

/// What distinct auctions are called.
pub(super) const AUCTIONS: [&str; 4] = [
    "total_auctions",
    "rank1_auctions",
    "rank2_auctions",
    "rank3_auctions",
];

/// From here on a price is middling, and from here on high.
const MIDDLING: u64 = 10_000;
const HIGH: u64 = 1_000_000;

pub(super) fn is_low(price: u64) -> bool {
    price < MIDDLING
}

pub(super) fn is_middling(price: u64) -> bool {
    (MIDDLING..HIGH).contains(&price)
}

pub(super) fn is_high(price: u64) -> bool {
    HIGH <= price
}

/// What a bid at `price` counts for: the total and one of the ranks.
pub(super) fn total_and_rank(price: u64) -> [bool; 4] {
    [true, is_low(price), is_middling(price), is_high(price)]
}

/// Bids, different bidders and different auctions, each in total and by rank.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Counts {
    total_bids: u64,
    rank1_bids: u64,
    rank2_bids: u64,
    rank3_bids: u64,
    total_bidders: u64,
    rank1_bidders: u64,
    rank2_bidders: u64,
    rank3_bidders: u64,
    total_auctions: u64,
    rank1_auctions: u64,
    rank2_auctions: u64,
    rank3_auctions: u64,
}

impl Counts {
    pub(super) fn new(bids: [u64; 4], bidders: [u64; 4], auctions: [u64; 4]) -> Self {
        let [total_bids, rank1_bids, rank2_bids, rank3_bids] = bids;
        let [total_bidders, rank1_bidders, rank2_bidders, rank3_bidders] = bidders;
        let [
            total_auctions,
            rank1_auctions,
            rank2_auctions,
            rank3_auctions,
        ] = auctions;
        Counts {
            total_bids,
            rank1_bids,
            rank2_bids,
            rank3_bids,
            total_bidders,
            rank1_bidders,
            rank2_bidders,
            rank3_bidders,
            total_auctions,
            rank1_auctions,
            rank2_auctions,
            rank3_auctions,
        }
    }
}

//! The winning bid of each auction: of those made while it was open the highest, of several the earliest.

use std::cmp::Reverse;

use millstream::prelude::*;
use serde::{Deserialize, Serialize};

use crate::nexmark::event::{Auction, Bid, Event};

/// What is asked of an auction, beside when it is open.
pub(super) trait Offered: Data {
    /// Its number.
    fn id(&self) -> &u64;
    /// From when, to when, both included, in milliseconds.
    fn open(&self) -> (i64, i64);
}

/// What is asked of a bid: a record that goes to another worker should be no larger than it must.
pub(super) trait Bidden: Data {
    /// The auction.
    fn auction(&self) -> &u64;
    /// What is the first of an order wins: the highest price, then the earliest, then the lowest number of a bidder.
    fn order(&self) -> (Reverse<u64>, i64, u64);
}

/// The bid by the numbers that matter.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Price {
    pub(super) auction: u64,
    pub(super) bidder: u64,
    pub(super) price: u64,
    pub(super) date_time: i64,
}

impl From<Bid> for Price {
    fn from(bid: Bid) -> Self {
        Price {
            auction: bid.auction,
            bidder: bid.bidder,
            price: bid.price,
            date_time: bid.date_time,
        }
    }
}

impl Bidden for Price {
    fn auction(&self) -> &u64 {
        &self.auction
    }
    fn order(&self) -> (Reverse<u64>, i64, u64) {
        (Reverse(self.price), self.date_time, self.bidder)
    }
}

impl Bidden for Bid {
    fn auction(&self) -> &u64 {
        &self.auction
    }
    fn order(&self) -> (Reverse<u64>, i64, u64) {
        (Reverse(self.price), self.date_time, self.bidder)
    }
}

/// What `auction` and `bid` make of each auction that has a winning bid, and of that, as step `name`.
pub(super) fn winning_bids<'f, A: Offered, B: Bidden>(
    events: &Stream<'f, Event>,
    name: &str,
    auction: impl Fn(Box<Auction>) -> A + 'static,
    bid: impl Fn(Bid) -> B + 'static,
) -> Stream<'f, (A, B)> {
    let (auctions, bids) = events.branch(move |event| match event {
        Event::Auction(offered) => Some(Sided::Left(auction(offered))),
        Event::Bid(bidden) => Some(Sided::Right(bid(bidden))),
        Event::Person(_) => None,
    });
    let won = auctions
        .key_by("auction", A::id)
        .during(|auction| {
            let (from, to) = auction.open();
            Window {
                start: EventTime::from_millis(from),
                end: EventTime::from_millis(to).plus(millis(1)),
            }
        })
        .one_at_a_time()
        .join_first(name, &bids.key_by("auction", B::auction), B::order);
    won.clone()
}

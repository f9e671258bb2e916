//! The events of an auction house: people join, they put things up for auction, and they bid.
//!
//! As JSON an event is an object of one member, which names its kind: `{"Bid":{"auction":1001,"bidder":1004,…}}`. Times are
//! milliseconds since 1970 UTC, prices are cents.
//!
//! There are 46 bids to 4 other events, and an enum is as large as its largest kind. So the others are boxed: what is moved
//! for a bid is a bid.

use millstream::prelude::EventTime;
use serde::{Deserialize, Serialize};

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Event {
    /// Somebody joined.
    Person(Box<Person>),
    /// Something is for sale.
    Auction(Box<Auction>),
    /// Somebody offers a price.
    Bid(Bid),
}

/// Somebody who sells or bids.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Person {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) email_address: String,
    pub(crate) credit_card: String,
    pub(crate) city: String,
    pub(crate) state: String,
    pub(crate) date_time: i64,
    pub(crate) extra: String,
}

/// Something for sale, to the highest bidder before it expires.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Auction {
    pub(crate) id: u64,
    pub(crate) item_name: String,
    pub(crate) description: String,
    pub(crate) initial_bid: u64,
    pub(crate) reserve: u64,
    pub(crate) date_time: i64,
    pub(crate) expires: i64,
    pub(crate) seller: u64,
    pub(crate) category: u64,
    pub(crate) extra: String,
}

/// A price that somebody offers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Bid {
    pub(crate) auction: u64,
    pub(crate) bidder: u64,
    pub(crate) price: u64,
    pub(crate) channel: String,
    pub(crate) url: String,
    pub(crate) date_time: i64,
    pub(crate) extra: String,
}

impl Event {
    /// When it happened.
    pub(crate) fn time(&self) -> EventTime {
        EventTime::from_millis(match self {
            Event::Person(person) => person.date_time,
            Event::Auction(auction) => auction.date_time,
            Event::Bid(bid) => bid.date_time,
        })
    }
}

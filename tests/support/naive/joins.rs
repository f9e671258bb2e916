//! What is asked of pairs, whichever of the two comes first: q3, q13 and q20.
//!
//! An id is that of one person, and of one auction.

use std::collections::BTreeMap;

use serde_json::json;

use super::{Events, Row, all_of_bid, row};
use crate::nexmark::event::{Auction, Bid, Person};

/// The category that is asked for.
const WANTED: u64 = 10;

/// Auctions of the wanted category, with those who sell them, if they live in one of three states.
pub(super) fn items_of_some_states(events: &Events<'_>) -> Vec<Row> {
    let people: BTreeMap<u64, &Person> = events.people.iter().map(|p| (p.id, *p)).collect();
    let pair = |auction: &&Auction| {
        let seller = people.get(&auction.seller)?;
        ["OR", "ID", "CA"].contains(&seller.state.as_str()).then(|| {
            row(json!({
                "name": seller.name, "city": seller.city, "state": seller.state, "id": auction.id,
            }))
        })
    };
    let wanted = events.auctions.iter().filter(|a| a.category == WANTED);
    wanted.filter_map(pair).collect()
}

/// A bid with what the list has for its auction: of each number below ten thousand, its text.
pub(super) fn beside_a_list(b: &Bid) -> Row {
    row(json!({
        "auction": b.auction, "bidder": b.bidder, "price": b.price, "dateTime": b.date_time,
        "value": (b.auction % 10_000).to_string(),
    }))
}

/// The bids for auctions of the wanted category, whenever they were made, with these auctions.
pub(super) fn bids_with_their_auctions(events: &Events<'_>) -> Vec<Row> {
    let wanted = events.auctions.iter().filter(|a| a.category == WANTED);
    let auctions: BTreeMap<u64, &Auction> = wanted.map(|a| (a.id, *a)).collect();
    let pair = |bid: &&Bid| auctions.get(&bid.auction).map(|a| both(bid, a));
    events.bids.iter().filter_map(pair).collect()
}

/// All columns of a bid and those of its auction.
fn both(b: &Bid, a: &Auction) -> Row {
    let mut columns = all_of_bid(b);
    columns.extend(row(json!({
        "itemName": a.item_name, "description": a.description, "initialBid": a.initial_bid, "reserve": a.reserve,
        "auction_dateTime": a.date_time, "expires": a.expires, "seller": a.seller, "category": a.category,
        "auction_extra": a.extra,
    })));
    columns
}

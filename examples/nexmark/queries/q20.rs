//! Query 20: the bids on auctions of the tenth category, each with its auction; whichever comes first.

use millstream::prelude::*;
use serde::{Deserialize, Serialize};

use super::tenth_category;
use crate::nexmark::event::{Auction, Bid, Event};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Row {
    #[serde(flatten)]
    bid: Bid,
    item_name: String,
    description: String,
    initial_bid: u64,
    reserve: u64,
    #[serde(rename = "auction_dateTime")]
    auction_date_time: i64,
    expires: i64,
    seller: u64,
    category: u64,
    #[serde(rename = "auction_extra")]
    auction_extra: String,
}

/// An auction, of which more is kept only if it is asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Offer {
    id: u64,
    wanted: Option<Box<Auction>>,
}

pub(crate) fn q20<'f>(events: &Stream<'f, Event>) -> Stream<'f, Row> {
    let (auctions, bids) = events.branch(|event| match event {
        Event::Auction(auction) => Some(Sided::Left(Offer {
            id: auction.id,
            wanted: tenth_category(&auction).then_some(auction),
        })),
        Event::Bid(bid) => Some(Sided::Right(bid)),
        Event::Person(_) => None,
    });
    let auctions = auctions.key_by("id", |offer| &offer.id).rows();
    let rows = bids.key_by("auction", |bid| &bid.auction).join_row(
        "bids_with_auctions",
        &auctions,
        |bid, offer| Some(row(bid, offer.wanted.as_deref()?)),
    );
    rows.clone()
}

fn row(bid: Bid, auction: &Auction) -> Row {
    Row {
        bid,
        item_name: auction.item_name.clone(),
        description: auction.description.clone(),
        initial_bid: auction.initial_bid,
        reserve: auction.reserve,
        auction_date_time: auction.date_time,
        expires: auction.expires,
        seller: auction.seller,
        category: auction.category,
        auction_extra: auction.extra.clone(),
    }
}

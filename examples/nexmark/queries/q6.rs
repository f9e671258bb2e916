//! Query 6: what the last auctions of a seller ended at on average: of each that closes and of the ten before it, in the
//! order of their winning bids.

use millstream::prelude::*;
use serde::{Deserialize, Serialize};

use super::winning_bids::{Offered, Price, winning_bids};
use crate::nexmark::event::{Auction, Event};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    seller: u64,
    average: f64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Offer {
    id: u64,
    open: (i64, i64),
    seller: u64,
}

impl Offered for Offer {
    fn id(&self) -> &u64 {
        &self.id
    }
    fn open(&self) -> (i64, i64) {
        self.open
    }
}

impl From<Box<Auction>> for Offer {
    fn from(auction: Box<Auction>) -> Self {
        Offer {
            id: auction.id,
            open: (auction.date_time, auction.expires),
            seller: auction.seller,
        }
    }
}

pub(crate) fn q6<'f>(events: &Stream<'f, Event>) -> Stream<'f, Row> {
    winning_bids(events, "winning_bids", Offer::from, Price::from)
        .key_by("seller", |(offer, _)| &offer.seller)
        .rolling(
            "last_prices",
            11,
            |(offer, bid)| (bid.bidder, offer.id),
            |of| of.mean("average", |(_, bid)| bid.price),
        )
        .map(|((offer, _), average)| Row {
            seller: offer.seller,
            average,
        })
}

//! Query 4: what auctions of each category end at on average, kept up to date as they close.

use millstream::prelude::*;
use serde::{Deserialize, Serialize};

use super::winning_bids::{Offered, Price, winning_bids};
use crate::nexmark::event::Event;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    category: u64,
    average: f64,
}

impl From<(u64, f64)> for Row {
    fn from((category, average): (u64, f64)) -> Self {
        Row { category, average }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Offer {
    id: u64,
    open: (i64, i64),
    category: u64,
}

impl Offered for Offer {
    fn id(&self) -> &u64 {
        &self.id
    }
    fn open(&self) -> (i64, i64) {
        self.open
    }
}

pub(crate) fn q4<'f>(events: &Stream<'f, Event>) -> Table<'f, u64, f64> {
    let offer = |auction: Box<_>| {
        let auction: &crate::nexmark::event::Auction = &auction;
        Offer {
            id: auction.id,
            open: (auction.date_time, auction.expires),
            category: auction.category,
        }
    };
    winning_bids(events, "winning_bids", offer, Price::from)
        .key_by("category", |(offer, _)| &offer.category)
        .aggregate("average_price", |of| {
            of.mean("average", |(_, bid)| bid.price)
        })
}

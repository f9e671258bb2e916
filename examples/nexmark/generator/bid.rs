//! Bids: half of them for one hot auction, three in four by one hot bidder, half through one of four large channels.

use super::Making;
use crate::nexmark::event::Bid;

/// About how large a bid is, in bytes; auction, bidder, price and time are 32 of them.
const AVERAGE_BYTES: usize = 100;
const NUMBER_BYTES: usize = 32;

impl Making<'_> {
    pub(super) fn bid(mut self) -> Bid {
        let auction = self.auction_bid_for();
        let bidder = self.bidder();
        let price = self.price();
        let channel = self.generator.world.channels.draw(&mut self.random);
        Bid {
            auction,
            bidder,
            price,
            channel: channel.name.clone(),
            url: channel.url.clone(),
            date_time: self.time,
            extra: self.extra(NUMBER_BYTES, AVERAGE_BYTES),
        }
    }
}

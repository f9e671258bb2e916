//! Auctions: some are open for a moment, some until twice the auctions that are in flight have been born.

use super::Making;
use super::ids::{EVENTS_IN_FLIGHT, FIRST, last_auction};
use crate::nexmark::event::Auction;

/// About how large an auction is, in bytes.
const AVERAGE_BYTES: usize = 500;

const FIRST_CATEGORY: u64 = 10;
const N_CATEGORIES: u64 = 5;

impl Making<'_> {
    pub(super) fn auction(mut self) -> Auction {
        let seller = self.seller();
        let category = FIRST_CATEGORY + self.random.below(N_CATEGORIES);
        let initial_bid = self.price();
        let reserve = initial_bid + self.price();
        let expires = self.time + self.open_for();
        let len = self.random.index(17);
        let item_name = self.text(3 + len);
        let len = self.random.index(97);
        let description = self.text(3 + len);
        let n_bytes = 8 + item_name.len() + description.len() + 5 * 8;
        Auction {
            id: FIRST + last_auction(self.n),
            item_name,
            description,
            initial_bid,
            reserve,
            date_time: self.time,
            expires,
            seller,
            category,
            extra: self.extra(n_bytes, AVERAGE_BYTES),
        }
    }

    /// For how many milliseconds the auction is open.
    fn open_for(&mut self) -> i64 {
        let in_flight = self.generator.time(self.n + EVENTS_IN_FLIGHT) - self.time;
        1 + self.random.below((2 * in_flight as u64).max(1)) as i64
    }
}

//! Which people and auctions there are when event `n` happens, and whom it is about: often the hot ones.
//!
//! Ids count up from [`FIRST`], one for each person and each auction. Of a hundred that follow one another one is hot, until
//! the next hundred begins; the others are chosen among the latest, or among the next few, who are not born yet.

use super::Making;

/// In so many events there is one person, and there are three auctions.
pub(super) const ROUND: u64 = 50;
const AUCTIONS: u64 = 3;

/// The first id of people and of auctions.
pub(super) const FIRST: u64 = 1_000;

/// One in so many is hot.
const HOT_EVERY: u64 = 100;

/// A bid is for the hot auction but once in so many; so too for bidders and sellers.
const HOT_AUCTION: u64 = 2;
const HOT_BIDDER: u64 = 4;
const HOT_SELLER: u64 = 4;

/// How many people are active, and how many auctions are in flight.
const ACTIVE_PEOPLE: u64 = 1_000;
pub(super) const IN_FLIGHT: u64 = 100;

/// So many that are not born yet are referred to already.
const AHEAD: u64 = 10;

/// After so many events the next auctions in flight are born.
pub(super) const EVENTS_IN_FLIGHT: u64 = IN_FLIGHT * ROUND / AUCTIONS;

/// The number, from 0, of the last person born with event `n` or before.
pub(super) fn last_person(n: u64) -> u64 {
    n / ROUND
}

/// The number, from 0, of the last auction born with event `n`, which is no person, or before.
pub(super) fn last_auction(n: u64) -> u64 {
    n / ROUND * AUCTIONS + (n % ROUND).clamp(1, AUCTIONS) - 1
}

impl Making<'_> {
    /// The id of the auction that a bid is for.
    pub(super) fn auction_bid_for(&mut self) -> u64 {
        let last = last_auction(self.n);
        if self.random.below(HOT_AUCTION) > 0 {
            return FIRST + last / HOT_EVERY * HOT_EVERY;
        }
        let oldest = last.saturating_sub(IN_FLIGHT);
        FIRST + oldest + self.random.below(last - oldest + 1 + AHEAD)
    }

    /// The id of the person who bids.
    pub(super) fn bidder(&mut self) -> u64 {
        if self.random.below(HOT_BIDDER) > 0 {
            return FIRST + last_person(self.n) / HOT_EVERY * HOT_EVERY + 1;
        }
        self.active_person()
    }

    /// The id of the person who sells.
    pub(super) fn seller(&mut self) -> u64 {
        if self.random.below(HOT_SELLER) > 0 {
            return FIRST + last_person(self.n) / HOT_EVERY * HOT_EVERY;
        }
        self.active_person()
    }

    fn active_person(&mut self) -> u64 {
        let n_people = last_person(self.n) + 1;
        let active = n_people.min(ACTIVE_PEOPLE);
        FIRST + n_people - active + self.random.below(active + AHEAD)
    }
}

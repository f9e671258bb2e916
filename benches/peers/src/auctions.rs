//! Auctions that are open, and the best offer for each: what q4 and q9 keep, by hand and on Renoir.
//!
//! What is kept is as much as is open: an auction until it expires, and an offer for one that is not known until all auctions
//! that had begun by then are.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use serde::{Deserialize, Serialize};

use crate::by_hand::Hashed;

/// After so many milliseconds it is looked for offers that nobody waits for.
const SWEEP_EVERY: i64 = 1_000;

/// An auction begins, or somebody bids.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum About<A, B> {
    Sale(Sale<A>),
    /// For the auction of that id.
    Offer(u64, Offer<B>),
}

impl<A, B> About<A, B> {
    /// The auction that it is about.
    pub(crate) fn auction(&self) -> u64 {
        match self {
            About::Sale(sale) => sale.id,
            About::Offer(auction, _) => *auction,
        }
    }
}

/// An auction, with what a query wants of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Sale<A> {
    pub(crate) id: u64,
    pub(crate) begins: i64,
    pub(crate) expires: i64,
    pub(crate) wanted: A,
}

/// A bid, with what a query wants of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Offer<B> {
    pub(crate) price: u64,
    pub(crate) time: i64,
    pub(crate) bidder: u64,
    pub(crate) wanted: B,
}

impl<B> Offer<B> {
    /// Whether it wins over `other`: the higher one, then the earlier, then that of the smaller bidder.
    fn beats(&self, other: &Self) -> bool {
        let order = |of: &Self| (of.price, Reverse(of.time), Reverse(of.bidder));
        order(self) > order(other)
    }
}

/// Auctions that are open.
#[derive(Clone)]
pub(crate) struct Auctions<A, B> {
    open: Hashed<u64, (Sale<A>, Option<Offer<B>>)>,
    /// When they expire, the next one first.
    due: BinaryHeap<Reverse<(i64, u64)>>,
    /// Offers for auctions that are not known: not yet, or no more.
    early: Hashed<u64, Vec<Offer<B>>>,
    swept: i64,
}

impl<A, B> Default for Auctions<A, B> {
    fn default() -> Self {
        Auctions {
            open: Hashed::default(),
            due: BinaryHeap::new(),
            early: Hashed::default(),
            swept: i64::MIN,
        }
    }
}

impl<A, B> Auctions<A, B> {
    pub(crate) fn add(&mut self, about: About<A, B>) {
        match about {
            About::Sale(sale) => {
                let id = sale.id;
                self.due.push(Reverse((sale.expires, id)));
                let mut auction = (sale, None);
                let early = self.early.remove(&id).into_iter().flatten();
                early.for_each(|offer| take(&mut auction, offer));
                self.open.insert(id, auction);
            }
            About::Offer(id, offer) => match self.open.get_mut(&id) {
                Some(auction) => take(auction, offer),
                None => self.early.entry(id).or_default().push(offer),
            },
        }
    }

    /// An auction that somebody has won, if nothing comes any more that happened before `now`.
    pub(crate) fn closed(&mut self, now: i64) -> Option<(Sale<A>, Offer<B>)> {
        while self.due.peek().is_some_and(|Reverse((at, _))| *at < now) {
            let Reverse((_, id)) = self.due.pop()?;
            if let Some((sale, Some(best))) = self.open.remove(&id) {
                return Some((sale, best));
            }
        }
        if self.swept.saturating_add(SWEEP_EVERY) <= now {
            self.swept = now;
            self.early.retain(|_, offers| {
                offers.retain(|offer| offer.time >= now);
                !offers.is_empty()
            });
        }
        None
    }

    /// Whether none is open, and no offer waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.open.is_empty() && self.early.is_empty()
    }
}

/// Takes note of an offer, if it came in time and is the best so far.
fn take<A, B>((sale, best): &mut (Sale<A>, Option<Offer<B>>), offer: Offer<B>) {
    let in_time = sale.begins <= offer.time && offer.time <= sale.expires;
    if in_time && best.as_ref().is_none_or(|best| offer.beats(best)) {
        *best = Some(offer);
    }
}

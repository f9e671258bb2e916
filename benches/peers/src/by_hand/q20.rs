//! q20: bids and the auctions of one category meet where the auction belongs; a bid that comes first waits. Of other auctions
//! it is remembered that they are others, so that nothing waits for them.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use serde::{Deserialize, Serialize};
use timely::container::CapacityContainerBuilder;
use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::Exchange;
use timely::dataflow::operators::Operator;

use super::stateless::end;
use super::{Hashed, some, spread};
use crate::nexmark::event::{Auction, Bid, Event};
use crate::shared::is_wanted_category;

/// A bid, and what all bids for its auction share.
type Row = (Bid, Rc<Auction>);

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Side {
    Bid(Bid),
    Wanted(Box<Auction>),
    /// An auction of another category.
    Other(u64),
}

/// What is known of an auction.
enum Known {
    Nothing(Vec<Bid>),
    Wanted(Rc<Auction>),
    Other,
}

impl Side {
    fn of(event: Event) -> Option<Self> {
        match event {
            Event::Bid(bid) => Some(Side::Bid(bid)),
            Event::Auction(auction) if is_wanted_category(auction.category) => {
                Some(Side::Wanted(auction))
            }
            Event::Auction(auction) => Some(Side::Other(auction.id)),
            Event::Person(_) => None,
        }
    }

    fn auction(&self) -> u64 {
        match self {
            Side::Bid(bid) => bid.auction,
            Side::Wanted(auction) => auction.id,
            Side::Other(id) => *id,
        }
    }
}

/// Takes note of what has come, and gives the rows of it.
fn join(known: &mut Known, side: Side, mut give: impl FnMut(Row)) {
    match side {
        Side::Bid(bid) => match known {
            Known::Nothing(waiting) => waiting.push(bid),
            Known::Wanted(auction) => give((bid, Rc::clone(auction))),
            Known::Other => {}
        },
        Side::Wanted(auction) => {
            let auction: Rc<Auction> = auction.into();
            if let Known::Nothing(waiting) = known {
                waiting
                    .drain(..)
                    .for_each(|bid| give((bid, Rc::clone(&auction))));
            }
            *known = Known::Wanted(auction);
        }
        Side::Other(_) => *known = Known::Other,
    }
}

pub(super) fn build(events: StreamVec<'_, u64, Event>, rows: Arc<AtomicU64>) {
    let by_auction = Exchange::new(|side: &Side| spread(side.auction()));
    let joined = some(events, Side::of).unary::<CapacityContainerBuilder<Vec<Row>>, _, _, _>(
        by_auction,
        "join",
        |_, _| {
            let mut auctions: Hashed<u64, Known> = Hashed::default();
            move |input, output| {
                input.for_each(|capability, sides| {
                    let mut session = output.session(&capability);
                    for side in sides.drain(..) {
                        let auction = auctions.entry(side.auction());
                        let known = auction.or_insert_with(|| Known::Nothing(Vec::new()));
                        join(known, side, |row| session.give(row));
                    }
                });
            }
        },
    );
    end(joined, rows);
}

//! q3: people of some states and auctions of one category meet where the seller belongs; whoever comes first waits.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use serde::{Deserialize, Serialize};
use timely::container::CapacityContainerBuilder;
use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::Exchange;
use timely::dataflow::operators::Operator;

use super::stateless::end;
use super::{Hashed, some, spread};
use crate::nexmark::event::Event;
use crate::shared::{is_wanted_category, is_wanted_state};

/// Name, city and state of the seller, and the auction.
type Row = (String, String, String, u64);

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Side {
    Person(u64, Seller),
    /// Who sells, and the auction.
    Auction(u64, u64),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Seller {
    name: String,
    city: String,
    state: String,
}

impl Seller {
    fn row(&self, auction: u64) -> Row {
        (
            self.name.clone(),
            self.city.clone(),
            self.state.clone(),
            auction,
        )
    }
}

fn side(event: Event) -> Option<Side> {
    match event {
        Event::Person(person) if is_wanted_state(&person.state) => {
            let person = *person;
            let seller = Seller {
                name: person.name,
                city: person.city,
                state: person.state,
            };
            Some(Side::Person(person.id, seller))
        }
        Event::Auction(auction) if is_wanted_category(auction.category) => {
            Some(Side::Auction(auction.seller, auction.id))
        }
        Event::Person(_) | Event::Auction(_) | Event::Bid(_) => None,
    }
}

pub(super) fn build(events: StreamVec<'_, u64, Event>, rows: Arc<AtomicU64>) {
    let by_seller = Exchange::new(|side: &Side| match side {
        Side::Person(id, _) | Side::Auction(id, _) => spread(*id),
    });
    let joined = some(events, side).unary::<CapacityContainerBuilder<Vec<Row>>, _, _, _>(
        by_seller,
        "join",
        |_, _| {
            let mut people: Hashed<u64, Seller> = Hashed::default();
            let mut waiting: Hashed<u64, Vec<u64>> = Hashed::default();
            move |input, output| {
                input.for_each(|capability, sides| {
                    let mut session = output.session(&capability);
                    for side in sides.drain(..) {
                        match side {
                            Side::Person(id, seller) => {
                                let auctions = waiting.remove(&id).into_iter().flatten();
                                auctions.for_each(|auction| session.give(seller.row(auction)));
                                people.insert(id, seller);
                            }
                            Side::Auction(id, auction) => match people.get(&id) {
                                Some(seller) => session.give(seller.row(auction)),
                                None => waiting.entry(id).or_default().push(auction),
                            },
                        }
                    }
                });
            }
        },
    );
    end(joined, rows);
}

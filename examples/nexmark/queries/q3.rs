//! Query 3: who sells in the tenth category, and lives in Oregon, Idaho or California; whichever comes first, the person or
//! the auction.

use millstream::prelude::*;
use serde::{Deserialize, Serialize};

use super::tenth_category;
use crate::nexmark::event::{Event, Person};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    name: String,
    city: String,
    state: String,
    id: u64,
}

/// A person, of whom more is kept only if they live where it is asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Seller {
    id: u64,
    home: Option<Box<Home>>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Home {
    name: String,
    city: String,
    state: String,
}

/// An auction and who sells.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Sale {
    id: u64,
    seller: u64,
}

pub(crate) fn q3<'f>(events: &Stream<'f, Event>) -> Stream<'f, Row> {
    let (people, sales) = events.branch(|event| match event {
        Event::Person(person) => Some(Sided::Left(seller(*person))),
        Event::Auction(auction) => tenth_category(&auction).then_some(Sided::Right(Sale {
            id: auction.id,
            seller: auction.seller,
        })),
        Event::Bid(_) => None,
    });
    let people = people.key_by("id", |person| &person.id).rows();
    let rows = sales.key_by("seller", |sale| &sale.seller).join_row(
        "local_sellers",
        &people,
        |sale, seller| {
            let home = seller.home.as_deref()?.clone();
            Some(Row {
                name: home.name,
                city: home.city,
                state: home.state,
                id: sale.id,
            })
        },
    );
    rows.clone()
}

fn seller(person: Person) -> Seller {
    let Person {
        id,
        name,
        city,
        state,
        ..
    } = person;
    let home = matches!(&*state, "OR" | "ID" | "CA").then(|| Box::new(Home { name, city, state }));
    Seller { id, home }
}

//! Query 8: who joins and opens an auction in the same ten seconds.

use millstream::prelude::*;
use serde::{Deserialize, Serialize};

use crate::nexmark::event::Event;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    id: u64,
    name: String,
    starttime: i64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Joined {
    id: u64,
    name: String,
    date_time: i64,
}

pub(crate) fn q8<'f>(events: &Stream<'f, Event>) -> Stream<'f, Row> {
    let (people, sellers) = events.branch(|event| match event {
        Event::Person(person) => Some(Sided::Left(Joined {
            id: person.id,
            name: person.name,
            date_time: person.date_time,
        })),
        Event::Auction(auction) => Some(Sided::Right(auction.seller)),
        Event::Bid(_) => None,
    });
    let size = seconds(10);
    people
        .key_by("id", |person| &person.id)
        .window(Tumbling::of(size))
        .semi_join("new_sellers", &sellers.key_by("seller", |seller| seller))
        .map(move |person| {
            let joined = EventTime::from_millis(person.date_time);
            Row {
                id: person.id,
                name: person.name,
                starttime: Window::tumbling(joined, size).start.micros() / 1000,
            }
        })
}

//! q8: people and auctions of ten seconds meet where the seller belongs; a window is dropped when it is complete.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use timely::container::CapacityContainerBuilder;
use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::Exchange;
use timely::dataflow::operators::Operator;

use super::stateless::end;
use super::{Hashed, some, spread};
use crate::nexmark::event::Event;

const WINDOW: u64 = 10_000;

/// Somebody, the name if that is what has come, and when the window begins.
type Seen = (u64, Option<String>, u64);
/// Id, name and beginning of the window.
type Row = (u64, String, u64);

/// What has come of somebody in a window.
enum Somebody {
    Joined(String),
    Sells,
    /// Both, and it has been told.
    Told,
}

fn seen(event: Event) -> Option<Seen> {
    let window = |time: i64| time.unsigned_abs() / WINDOW * WINDOW;
    match event {
        Event::Person(person) => {
            let begins = window(person.date_time);
            Some((person.id, Some(person.name), begins))
        }
        Event::Auction(auction) => Some((auction.seller, None, window(auction.date_time))),
        Event::Bid(_) => None,
    }
}

/// Takes note of somebody; gives the name if all is known now.
fn meet(people: &mut Hashed<u64, Somebody>, id: u64, name: Option<String>) -> Option<String> {
    let Some(known) = people.get_mut(&id) else {
        people.insert(id, name.map_or(Somebody::Sells, Somebody::Joined));
        return None;
    };
    match (std::mem::replace(known, Somebody::Told), name) {
        (Somebody::Joined(name), None) | (Somebody::Sells, Some(name)) => Some(name),
        (before, _) => {
            *known = before;
            None
        }
    }
}

pub(super) fn build(events: StreamVec<'_, u64, Event>, rows: Arc<AtomicU64>) {
    let by_id = Exchange::new(|seen: &Seen| spread(seen.0));
    let sellers = some(events, seen).unary_frontier::<CapacityContainerBuilder<Vec<Row>>, _, _, _>(
        by_id,
        "meet",
        |_, _| {
            let mut windows: BTreeMap<u64, Hashed<u64, Somebody>> = BTreeMap::new();
            move |(input, frontier), output| {
                input.for_each(|capability, batch| {
                    let mut session = output.session(&capability);
                    for (id, name, begins) in batch.drain(..) {
                        let people = windows.entry(begins).or_default();
                        if let Some(name) = meet(people, id, name) {
                            session.give((id, name, begins));
                        }
                    }
                });
                while let Some(first) = windows
                    .first_entry()
                    .filter(|first| !frontier.less_than(&(first.key() + WINDOW)))
                {
                    first.remove();
                }
            }
        },
    );
    end(sellers, rows);
}

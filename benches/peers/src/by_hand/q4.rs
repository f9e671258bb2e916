//! q4: the winning prices of auctions, each when it closes, and their mean where the category belongs.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use timely::container::CapacityContainerBuilder;
use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::Operator;

use super::stateless::end;
use super::table::table;
use super::winners::{Won, winners};
use super::{Hashed, some};
use crate::nexmark::event::Event;
use crate::shared::price_in_category;

/// By category, the sum of its prices and how many there are.
type Sums = Hashed<u64, (u64, u64)>;

pub(super) fn build(events: StreamVec<'_, u64, Event>, rows: Arc<AtomicU64>) {
    let prices = prices(winners(some(events, price_in_category)));
    let means = table(
        prices,
        |(category, _)| *category,
        |sums: &mut Sums, (category, price)| {
            let (sum, n) = sums.entry(category).or_default();
            (*sum, *n) = (*sum + price, *n + 1);
        },
        |sums| {
            let sums = sums.into_iter();
            sums.map(|(category, (sum, n))| (category, sum as f64 / n as f64))
        },
    );
    end(means, rows);
}

/// The category and the price of each.
fn prices<'s>(won: StreamVec<'s, u64, Won<u64, ()>>) -> StreamVec<'s, u64, (u64, u64)> {
    won.unary::<CapacityContainerBuilder<Vec<(u64, u64)>>, _, _, _>(Pipeline, "prices", |_, _| {
        move |input, output| {
            input.for_each(|capability, won| {
                let prices = won.drain(..).map(|(sale, best)| (sale.wanted, best.price));
                let mut session = output.session(&capability);
                prices.for_each(|price| session.give(price));
            });
        }
    })
}

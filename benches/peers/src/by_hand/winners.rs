//! The auctions that somebody has won, each when time has passed its end: the first step of q4 and q9.

use timely::ExchangeData;
use timely::container::CapacityContainerBuilder;
use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::Exchange;
use timely::dataflow::operators::{Capability, Operator};

use super::spread;
use crate::auctions::{About, Auctions, Offer, Sale};

pub(super) type Won<A, B> = (Sale<A>, Offer<B>);

pub(super) fn winners<'s, A: 'static, B: 'static>(
    abouts: StreamVec<'s, u64, About<A, B>>,
) -> StreamVec<'s, u64, Won<A, B>>
where
    About<A, B>: ExchangeData,
{
    let by_auction = Exchange::new(|about: &About<A, B>| spread(about.auction()));
    abouts.unary_frontier::<CapacityContainerBuilder<Vec<Won<A, B>>>, _, _, _>(
        by_auction,
        "winners",
        |_, _| {
            let mut auctions = Auctions::default();
            let mut held: Option<Capability<u64>> = None;
            move |(input, frontier), output| {
                let port = output.output_index();
                input.for_each(|capability, abouts| {
                    abouts.drain(..).for_each(|about| auctions.add(about));
                    let least = *capability.least().expect("messages carry a time");
                    if held.as_ref().is_none_or(|held| *held.time() > least) {
                        held = Some(capability.delayed(&least, port));
                    }
                });
                let Some(kept) = &mut held else { return };
                let now = frontier.frontier().first().copied();
                if let Some(now) = now {
                    kept.downgrade(&now.max(*kept.time()));
                }
                // None comes any more if there is no time at which it could.
                let now = now.map_or(i64::MAX, u64::cast_signed);
                let mut session = output.session(&*kept);
                while let Some(won) = auctions.closed(now) {
                    session.give(won);
                }
                drop(session);
                if auctions.is_empty() {
                    held = None;
                }
            }
        },
    )
}

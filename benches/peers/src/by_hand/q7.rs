//! q7: each worker keeps the highest bids of its windows of ten seconds; when one is complete the highest of all follow.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use timely::ExchangeData;
use timely::container::CapacityContainerBuilder;
use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::{Exchange, ParallelizationContract, Pipeline};
use timely::dataflow::operators::{Capability, Operator};

use super::stateless::end;
use crate::made::bid;
use crate::nexmark::event::{Bid, Event};

const WINDOW: u64 = 10_000;

pub(super) fn build(events: StreamVec<'_, u64, Event>, rows: Arc<AtomicU64>) {
    let local = highest(events, Pipeline, bid);
    let all = highest(
        local,
        Exchange::new(|bid: &Bid| bid.date_time.unsigned_abs() / WINDOW),
        Some,
    );
    end(all, rows);
}

/// The highest bids of each window, of those that `bid` finds.
fn highest<'s, D: ExchangeData>(
    stream: StreamVec<'s, u64, D>,
    pact: impl ParallelizationContract<u64, Vec<D>>,
    bid: fn(D) -> Option<Bid>,
) -> StreamVec<'s, u64, Bid> {
    stream.unary_frontier::<CapacityContainerBuilder<Vec<Bid>>, _, _, _>(pact, "highest", |_, _| {
        let mut windows: BTreeMap<u64, (Capability<u64>, Vec<Bid>)> = BTreeMap::new();
        move |(input, frontier), output| {
            let port = output.output_index();
            input.for_each(|capability, batch| {
                let (mut open, mut best) = (u64::MAX, None);
                for bid in batch.drain(..).filter_map(bid) {
                    let last = (bid.date_time.unsigned_abs() / WINDOW + 1) * WINDOW - 1;
                    if last != open {
                        let begin = || (capability.delayed(&last, port), Vec::new());
                        let (_, bids) = windows.entry(last).or_insert_with(begin);
                        (open, best) = (last, Some(bids));
                    }
                    let best = best.as_mut().expect("set");
                    let first = best.first().map_or(0, |first| first.price);
                    if bid.price > first {
                        best.clear();
                    }
                    if bid.price >= first {
                        best.push(bid);
                    }
                }
            });
            while let Some(first) = windows
                .first_entry()
                .filter(|w| !frontier.less_equal(w.key()))
            {
                let (capability, mut best) = first.remove();
                output.session(&capability).give_container(&mut best);
            }
        }
    })
}

//! q0, q1, q2 and q13: one bid at a time.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use timely::container::CapacityContainerBuilder;
use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::Operator;

use crate::made::bid;
use crate::nexmark::event::{Bid, Event};

fn bids<'s>(events: StreamVec<'s, u64, Event>) -> StreamVec<'s, u64, Bid> {
    events.unary::<CapacityContainerBuilder<Vec<Bid>>, _, _, _>(Pipeline, "bids", |_, _| {
        move |input, output| {
            input.for_each(|capability, events| {
                // In the same memory, as an event is as large as a bid.
                let mut bids: Vec<Bid> =
                    std::mem::take(events).into_iter().filter_map(bid).collect();
                output.session(&capability).give_container(&mut bids);
            });
        }
    })
}

/// Counts what comes, and drops it.
pub(super) fn end<D: 'static>(stream: StreamVec<'_, u64, D>, rows: Arc<AtomicU64>) {
    stream.unary::<CapacityContainerBuilder<Vec<()>>, _, _, _>(Pipeline, "end", |_, _| {
        move |input, _output| {
            input.for_each(|_capability, data| {
                rows.fetch_add(data.len() as u64, Relaxed);
                data.drain(..).for_each(|row| drop(black_box(row)));
            });
        }
    });
}

pub(super) fn q0(events: StreamVec<'_, u64, Event>, rows: Arc<AtomicU64>) {
    end(bids(events), rows);
}

pub(super) fn q1(events: StreamVec<'_, u64, Event>, rows: Arc<AtomicU64>) {
    let converted = bids(events).unary::<CapacityContainerBuilder<Vec<Bid>>, _, _, _>(
        Pipeline,
        "convert",
        |_, _| {
            move |input, output| {
                input.for_each(|capability, bids| {
                    // In thousandths.
                    bids.iter_mut().for_each(|bid| bid.price *= 908);
                    output.session(&capability).give_container(bids);
                });
            }
        },
    );
    end(converted, rows);
}

pub(super) fn q2(events: StreamVec<'_, u64, Event>, rows: Arc<AtomicU64>) {
    let some = events.unary::<CapacityContainerBuilder<Vec<(u64, u64)>>, _, _, _>(
        Pipeline,
        "select",
        |_, _| {
            move |input, output| {
                input.for_each(|capability, events| {
                    let mut session = output.session(&capability);
                    for event in events.drain(..) {
                        if let Event::Bid(bid) = event
                            && bid.auction % 123 == 0
                        {
                            session.give((bid.auction, bid.price));
                        }
                    }
                });
            }
        },
    );
    end(some, rows);
}

/// A row of q13: auction, bidder, price, time, and what the list has.
type Listed = (u64, u64, u64, i64, String);

pub(super) fn q13(events: StreamVec<'_, u64, Event>, rows: Arc<AtomicU64>) {
    let list = crate::shared::list();
    let listed = super::some(events, move |event| {
        let bid = bid(event)?;
        let value = list[(bid.auction % list.len() as u64) as usize].clone();
        Some::<Listed>((bid.auction, bid.bidder, bid.price, bid.date_time, value))
    });
    end(listed, rows);
}

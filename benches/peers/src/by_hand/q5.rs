//! q5: bids are counted per auction and slice of two seconds where the auction belongs; when a window of five slices is
//! complete each worker finds its hottest auctions, and one of them the hottest of all.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use timely::container::CapacityContainerBuilder;
use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::{Exchange, Pipeline};
use timely::dataflow::operators::{Capability, Operator};

use super::Hashed;
use super::stateless::end;
use crate::nexmark::event::Event;

const SLICE: u64 = 2_000;
const SLICES: u64 = 5;

/// The end of a window, an auction, and its bids.
type Hot = (u64, u64, u64);

pub(super) fn build(events: StreamVec<'_, u64, Event>, rows: Arc<AtomicU64>) {
    let pairs = events.unary::<CapacityContainerBuilder<Vec<(u64, u64)>>, _, _, _>(
        Pipeline,
        "auctions",
        |_, _| {
            move |input, output| {
                input.for_each(|capability, events| {
                    let mut session = output.session(&capability);
                    for event in events.drain(..) {
                        if let Event::Bid(bid) = event {
                            session.give((bid.auction, bid.date_time.unsigned_abs()));
                        }
                    }
                });
            }
        },
    );
    end(hottest(local(pairs)), rows);
}

/// The hottest auctions of each window on this worker.
fn local<'s>(pairs: StreamVec<'s, u64, (u64, u64)>) -> StreamVec<'s, u64, Hot> {
    let by_auction =
        Exchange::new(|pair: &(u64, u64)| pair.0.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32);
    pairs.unary_frontier::<CapacityContainerBuilder<Vec<Hot>>, _, _, _>(
        by_auction,
        "counts",
        |_, _| {
            let mut slices: BTreeMap<u64, Hashed<u64, u64>> = BTreeMap::new();
            // For the end of the first window that is not complete.
            let mut held: Option<Capability<u64>> = None;
            move |(input, frontier), output| {
                let port = output.output_index();
                input.for_each(|capability, pairs| {
                    let (mut start, mut counts) = (u64::MAX, None);
                    for (auction, time) in pairs.drain(..) {
                        let slice = time / SLICE * SLICE;
                        if slice != start {
                            (start, counts) = (slice, Some(slices.entry(slice).or_default()));
                        }
                        *counts.as_mut().expect("set").entry(auction).or_insert(0) += 1;
                    }
                    let least = *capability.least().expect("messages carry a time");
                    if held.as_ref().is_none_or(|held| *held.time() > least) {
                        held = Some(capability.delayed(&least, port));
                    }
                });
                let Some(kept) = &mut held else { return };
                while let Some((&first, _)) = slices.first_key_value() {
                    let end = (kept.time() / SLICE + 1).max(first / SLICE + 1) * SLICE;
                    if frontier.less_than(&end) {
                        break;
                    }
                    let mut sums: Hashed<u64, u64> = Hashed::default();
                    for (_, counts) in slices.range(end.saturating_sub(SLICES * SLICE)..end) {
                        counts
                            .iter()
                            .for_each(|(auction, n)| *sums.entry(*auction).or_insert(0) += n);
                    }
                    kept.downgrade(&end);
                    let most = sums.values().copied().max().unwrap_or(0);
                    let mut session = output.session(&*kept);
                    for (auction, n) in sums.into_iter().filter(|(_, n)| *n == most) {
                        session.give((end, auction, n));
                    }
                    slices.retain(|slice, _| slice + SLICES * SLICE > end);
                }
                if slices.is_empty() {
                    held = None;
                }
            }
        },
    )
}

/// The hottest of all workers.
fn hottest<'s>(local: StreamVec<'s, u64, Hot>) -> StreamVec<'s, u64, Hot> {
    let by_window = Exchange::new(|hot: &Hot| hot.0 / SLICE);
    local.unary_frontier::<CapacityContainerBuilder<Vec<Hot>>, _, _, _>(
        by_window,
        "hottest",
        |_, _| {
            let mut windows: BTreeMap<u64, (Capability<u64>, Vec<Hot>)> = BTreeMap::new();
            move |(input, frontier), output| {
                let port = output.output_index();
                input.for_each(|capability, rows| {
                    for row in rows.drain(..) {
                        let (_, best) = windows
                            .entry(row.0)
                            .or_insert_with(|| (capability.delayed(&row.0, port), Vec::new()));
                        if best.first().is_none_or(|first| first.2 < row.2) {
                            best.clear();
                        }
                        if best.first().is_none_or(|first| first.2 == row.2) {
                            best.push(row);
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
        },
    )
}

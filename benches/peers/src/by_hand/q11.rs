//! q11: a bidder's open session, where the bidder belongs; sessions are filed by when they may be over.

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

const GAP: u64 = 10_000;
/// How finely sessions are filed.
const FILED: u64 = 1_000;

/// A bidder, its bids, and when the session began and ended.
type Row = (u64, u64, u64, u64);

struct Session {
    n: u64,
    first: u64,
    last: u64,
}

pub(super) fn build(events: StreamVec<'_, u64, Event>, rows: Arc<AtomicU64>) {
    let pairs = events.unary::<CapacityContainerBuilder<Vec<(u64, u64)>>, _, _, _>(
        Pipeline,
        "bidders",
        |_, _| {
            move |input, output| {
                input.for_each(|capability, events| {
                    let mut session = output.session(&capability);
                    for event in events.drain(..) {
                        if let Event::Bid(bid) = event {
                            session.give((bid.bidder, bid.date_time.unsigned_abs()));
                        }
                    }
                });
            }
        },
    );
    end(sessions(pairs), rows);
}

fn sessions<'s>(pairs: StreamVec<'s, u64, (u64, u64)>) -> StreamVec<'s, u64, Row> {
    let by_bidder =
        Exchange::new(|pair: &(u64, u64)| pair.0.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32);
    pairs.unary_frontier::<CapacityContainerBuilder<Vec<Row>>, _, _, _>(
        by_bidder,
        "sessions",
        |_, _| {
            // Records of several workers come out of order, by as much as the frontier is behind: so there may be several.
            let mut open: Hashed<u64, Vec<Session>> = Hashed::default();
            let mut due: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
            let mut held: Option<Capability<u64>> = None;
            move |(input, frontier), output| {
                let port = output.output_index();
                input.for_each(|capability, pairs| {
                    for (bidder, time) in pairs.drain(..) {
                        let sessions = open.entry(bidder).or_default();
                        add(sessions, time, || {
                            due.entry((time + GAP) / FILED).or_default().push(bidder);
                        });
                    }
                    let least = *capability.least().expect("messages carry a time");
                    if held.as_ref().is_none_or(|held| *held.time() > least) {
                        held = Some(capability.delayed(&least, port));
                    }
                });
                let Some(kept) = &mut held else { return };
                while let Some(first) = due
                    .first_entry()
                    .filter(|first| !frontier.less_equal(&((first.key() + 1) * FILED)))
                {
                    let (at, bidders) = first.remove_entry();
                    let now = (at + 1) * FILED;
                    kept.downgrade(&now.max(*kept.time()));
                    let mut session = output.session(&*kept);
                    for bidder in bidders {
                        let Some(sessions) = open.get_mut(&bidder) else {
                            continue;
                        };
                        sessions.retain(|s| {
                            let over = s.last + GAP < now;
                            if over {
                                session.give((bidder, s.n, s.first, s.last + GAP));
                            }
                            !over
                        });
                        match sessions.iter().map(|s| s.last).max() {
                            Some(last) => due
                                .entry(((last + GAP) / FILED).max(at + 1))
                                .or_default()
                                .push(bidder),
                            None => drop(open.remove(&bidder)),
                        }
                    }
                }
                if due.is_empty() {
                    held = None;
                }
            }
        },
    )
}

/// Puts a bid into the session that it belongs to, and tells if that is a new one.
fn add(sessions: &mut Vec<Session>, time: u64, began: impl FnOnce()) {
    let touches = |s: &Session| time + GAP >= s.first && time <= s.last + GAP;
    let Some(at) = sessions.iter().position(touches) else {
        sessions.push(Session {
            n: 1,
            first: time,
            last: time,
        });
        began();
        return;
    };
    let mut merged = sessions.swap_remove(at);
    (merged.n, merged.first, merged.last) =
        (merged.n + 1, merged.first.min(time), merged.last.max(time));
    while let Some(other) = sessions
        .iter()
        .position(|s| merged.last + GAP >= s.first && merged.first <= s.last + GAP)
    {
        let other = sessions.swap_remove(other);
        merged.n += other.n;
        merged.first = merged.first.min(other.first);
        merged.last = merged.last.max(other.last);
    }
    sessions.push(merged);
}

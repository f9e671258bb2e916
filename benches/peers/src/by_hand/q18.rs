//! q18: the latest bid of each bidder for each auction, where the two belong.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use hashbrown::hash_map::Entry;
use timely::dataflow::StreamVec;

use super::stateless::end;
use super::table::table;
use super::{Hashed, some, spread};
use crate::made::bid;
use crate::nexmark::event::{Bid, Event};
use crate::shared::keep_later;

type Latest = Hashed<(u64, u64), Bid>;

pub(super) fn build(events: StreamVec<'_, u64, Event>, rows: Arc<AtomicU64>) {
    let latest = table(
        some(events, bid),
        |bid| spread(bid.bidder) ^ bid.auction,
        |latest: &mut Latest, bid| match latest.entry((bid.bidder, bid.auction)) {
            Entry::Vacant(entry) => drop(entry.insert(bid)),
            Entry::Occupied(mut entry) => keep_later(entry.get_mut(), bid),
        },
        Latest::into_values,
    );
    end(latest, rows);
}

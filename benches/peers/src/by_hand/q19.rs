//! q19: the ten highest bids for each auction, where it belongs.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use timely::dataflow::StreamVec;

use super::stateless::end;
use super::table::table;
use super::{Hashed, some};
use crate::made::bid;
use crate::nexmark::event::{Bid, Event};
use crate::shared::{rank, ranked};

type Highest = Hashed<u64, Vec<Bid>>;

pub(super) fn build(events: StreamVec<'_, u64, Event>, rows: Arc<AtomicU64>) {
    let highest = table(
        some(events, bid),
        |bid| bid.auction,
        |highest: &mut Highest, bid| rank(highest.entry(bid.auction).or_default(), bid),
        |highest| highest.into_values().flat_map(ranked),
    );
    end(highest, rows);
}

//! q9: the auctions that somebody has won, each when it closes, with the winning bid.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use timely::dataflow::StreamVec;

use super::some;
use super::stateless::end;
use super::winners::winners;
use crate::nexmark::event::Event;
use crate::shared::whole_auction;

pub(super) fn build(events: StreamVec<'_, u64, Event>, rows: Arc<AtomicU64>) {
    end(winners(some(events, whole_auction)), rows);
}

//! How many bids somebody makes in a window: what two queries ask, of windows of different kinds.

use millstream::engine::WindowRow;
use serde::{Deserialize, Serialize};

/// The bids of a bidder in a window.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    bidder: u64,
    bid_count: u64,
    starttime: i64,
    endtime: i64,
}

impl From<WindowRow<u64, u64>> for Row {
    fn from(row: WindowRow<u64, u64>) -> Self {
        Row {
            bidder: row.key,
            bid_count: row.values,
            starttime: row.window.start.micros() / 1000,
            endtime: row.window.end.micros() / 1000,
        }
    }
}

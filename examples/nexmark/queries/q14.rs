//! Query 14: bids of a middling price, with the part of the day and what a function of the user's says of the text.

use millstream::prelude::*;
use serde::{Deserialize, Serialize};

use super::some_bids;
use crate::nexmark::euros::Euros;
use crate::nexmark::event::Event;

const LESS: Euros = Euros::whole(1_000_000);
const MORE: Euros = Euros::whole(50_000_000);

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Row {
    auction: u64,
    bidder: u64,
    price: Euros,
    bid_time_type: PartOfDay,
    date_time: i64,
    extra: String,
    #[serde(rename = "c_counts")]
    c_counts: u64,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum PartOfDay {
    #[serde(rename = "dayTime")]
    Day,
    #[serde(rename = "nightTime")]
    Night,
    #[serde(rename = "otherTime")]
    Other,
}

pub(crate) fn q14<'f>(events: &Stream<'f, Event>) -> Stream<'f, Row> {
    some_bids(events, |bid| {
        let price = Euros::for_dollars(bid.price);
        (LESS < price && price < MORE).then(|| Row {
            auction: bid.auction,
            bidder: bid.bidder,
            price,
            bid_time_type: PartOfDay::of(bid.date_time),
            date_time: bid.date_time,
            c_counts: count_c(&bid.extra),
            extra: bid.extra,
        })
    })
}

impl PartOfDay {
    /// The part of the day (UTC) that a time in milliseconds since 1970 is in.
    fn of(time: i64) -> Self {
        match time.div_euclid(3_600_000).rem_euclid(24) {
            8..=18 => PartOfDay::Day,
            ..=6 | 20.. => PartOfDay::Night,
            _ => PartOfDay::Other,
        }
    }
}

/// How many `c` a text has.
fn count_c(text: &str) -> u64 {
    text.bytes().filter(|byte| *byte == b'c').count() as u64
}

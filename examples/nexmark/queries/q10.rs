//! Query 10: every bid into files, in a folder for each minute, which is final when the watermark is a minute past it.

use millstream::prelude::*;
use serde::{Deserialize, Serialize};

use super::each_bid;
use crate::nexmark::event::Event;
use crate::nexmark::output::Output;

/// A bid, with its day and its minute as text.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Row {
    auction: u64,
    bidder: u64,
    price: u64,
    date_time: i64,
    extra: String,
    dt: String,
    hm: String,
}

pub(crate) fn q10(events: &Stream<'_, Event>, output: &Output) -> Result<()> {
    let rows = each_bid(events, |bid| {
        let time = EventTime::from_millis(bid.date_time);
        Row {
            auction: bid.auction,
            bidder: bid.bidder,
            price: bid.price,
            date_time: bid.date_time,
            extra: bid.extra,
            dt: time.date(),
            hm: time.hour_minute(),
        }
    });
    let names = (
        "auction", "bidder", "price", "dateTime", "extra", "dt", "hm",
    );
    let files = ParquetFiles::new(&output.files)
        .partition_by_minute()
        .final_after(minutes(1));
    rows.columns(names, |row| {
        let (dt, hm) = (row.dt.clone(), row.hm.clone());
        let time = EventTime::from_millis(row.date_time);
        let extra = row.extra.clone();
        (row.auction, row.bidder, row.price, time, extra, dt, hm)
    })
    .sink("bids", files)?;
    output.take(&rows)
}

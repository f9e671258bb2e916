//! What is kept of bids by some key: q15 to q19.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::{DAY, Row, all_of_bid, date, hour_minute, row, with};
use crate::nexmark::event::Bid;

/// So many bids of an auction have a rank.
const RANKED: usize = 10;

/// The number of the rank of a price, from 1.
fn rank(price: u64) -> usize {
    [0, 10_000, 1_000_000]
        .iter()
        .filter(|from| **from <= price)
        .count()
}

/// How many bids there are on each day, for each key if there is one: in total and by rank, with their bidders and auctions.
pub(super) fn per_day(bids: &[&Bid], key: fn(&Bid) -> String, column: Option<&str>) -> Vec<Row> {
    let mut groups: BTreeMap<(i64, String), Vec<&Bid>> = BTreeMap::new();
    for b in bids {
        groups
            .entry((b.date_time.div_euclid(DAY), key(b)))
            .or_default()
            .push(b);
    }
    let of_group = |((day, key), bids): (&(i64, String), &Vec<&Bid>)| {
        let mut object = json!({"day": date(day * DAY)});
        if let Some(column) = column {
            object[column] = json!(key);
            let last = bids
                .iter()
                .map(|b| b.date_time)
                .max()
                .expect("there is one");
            object["minute"] = json!(hour_minute(last));
        }
        for wanted in 0..=3 {
            let of_rank = || {
                bids.iter()
                    .filter(|b| wanted == 0 || rank(b.price) == wanted)
            };
            let name = if wanted == 0 {
                "total".into()
            } else {
                format!("rank{wanted}")
            };
            let different = |ids: &mut dyn Iterator<Item = u64>| ids.collect::<BTreeSet<_>>().len();
            object[format!("{name}_bids")] = json!(of_rank().count());
            object[format!("{name}_bidders")] = json!(different(&mut of_rank().map(|b| b.bidder)));
            object[format!("{name}_auctions")] =
                json!(different(&mut of_rank().map(|b| b.auction)));
        }
        row(object)
    };
    groups.iter().map(of_group).collect()
}

/// How many bids there are for each auction on each day, and their prices.
pub(super) fn prices(bids: &[&Bid]) -> Vec<Row> {
    let mut groups: BTreeMap<(u64, i64), Vec<u64>> = BTreeMap::new();
    for b in bids {
        let group = (b.auction, b.date_time.div_euclid(DAY));
        groups.entry(group).or_default().push(b.price);
    }
    let of_group = |((auction, day), prices): (&(u64, i64), &Vec<u64>)| {
        let of_rank = |wanted| {
            prices
                .iter()
                .filter(|price| rank(**price) == wanted)
                .count()
        };
        let sum: u64 = prices.iter().sum();
        row(json!({
            "auction": auction, "day": date(day * DAY), "total_bids": prices.len(),
            "rank1_bids": of_rank(1), "rank2_bids": of_rank(2), "rank3_bids": of_rank(3),
            "min_price": prices.iter().min(), "max_price": prices.iter().max(),
            "avg_price": sum as f64 / prices.len() as f64, "sum_price": sum,
        }))
    };
    groups.iter().map(of_group).collect()
}

/// The latest bid of each bidder for each auction; of those of one moment the highest.
pub(super) fn bids_of_each_bidder(bids: &[&Bid]) -> Vec<Row> {
    let mut latest: BTreeMap<(u64, u64), &Bid> = BTreeMap::new();
    for b in bids {
        let kept = latest.entry((b.bidder, b.auction)).or_insert(b);
        if (kept.date_time, kept.price) < (b.date_time, b.price) {
            *kept = b;
        }
    }
    latest.values().map(|b| all_of_bid(b)).collect()
}

/// The ten highest bids for each auction, from 1: of one price the earlier, of one moment that of the smaller bidder.
pub(super) fn highest_of_each_auction(bids: &[&Bid]) -> Vec<Row> {
    let mut auctions: BTreeMap<u64, Vec<&Bid>> = BTreeMap::new();
    for b in bids {
        auctions.entry(b.auction).or_default().push(b);
    }
    let mut rows = Vec::new();
    for bids in auctions.values_mut() {
        bids.sort_by_key(|b| (Reverse(b.price), b.date_time, b.bidder));
        let ranked = bids.iter().take(RANKED).zip(1..);
        rows.extend(ranked.map(|(b, rank)| with(all_of_bid(b), "rank_number", &rank)));
    }
    rows
}

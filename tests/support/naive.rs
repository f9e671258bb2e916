//! The queries of Nexmark, recomputed from scratch in plain Rust: slow, obvious, and with nothing of Millstream.
//!
//! Times are milliseconds since 1970.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::nexmark::event::{Bid, Event};

const DAY: i64 = 86_400_000;

/// A row: its values as JSON, by the names of its columns.
pub(crate) type Row = BTreeMap<String, String>;

/// The rows of `query` over `events`, which may be in any order.
pub(crate) fn rows_of(query: &str, events: &[Event]) -> Vec<Row> {
    let bids = events.iter().filter_map(|event| match event {
        Event::Bid(bid) => Some(bid),
        _ => None,
    });
    let bids: Vec<&Bid> = bids.collect();
    let each = |row: &dyn Fn(&Bid) -> Option<Row>| bids.iter().filter_map(|b| row(b)).collect();
    match query {
        "q0" => each(&|b| Some(bid(b))),
        "q1" => each(&|b| Some(with(bid(b), "price", &euros(b)))),
        "q2" => each(&|b| {
            let row = row(json!({"auction": b.auction, "price": b.price}));
            (b.auction % 123 == 0).then_some(row)
        }),
        "q5" => hot_items(&bids),
        "q7" => highest_bids(&bids),
        "q10" => each(&|b| {
            let row = with(bid(b), "dt", &json!(date(b.date_time)));
            Some(with(row, "hm", &json!(hour_minute(b.date_time))))
        }),
        "q11" => sessions(&bids),
        "q14" => each(&middling),
        "q15" => per_day(&bids, |_| String::new(), None),
        "q16" => per_day(&bids, |b| b.channel.clone(), Some("channel")),
        "q17" => prices(&bids),
        "q21" => each(&channel_id),
        "q22" => each(&directories),
        _ => panic!("{query} is not recomputed"),
    }
}

/// The row that an object is.
#[expect(clippy::needless_pass_by_value, reason = "written where it is given")]
fn row(object: Value) -> Row {
    let columns = object.as_object().expect("an object").iter();
    columns
        .map(|(name, value)| (name.clone(), value.to_string()))
        .collect()
}

fn with(mut row: Row, name: &str, value: &impl ToString) -> Row {
    row.insert(name.into(), value.to_string());
    row
}

fn bid(b: &Bid) -> Row {
    row(json!({
        "auction": b.auction, "bidder": b.bidder, "price": b.price, "dateTime": b.date_time, "extra": b.extra,
    }))
}

/// 0.908 of the price, by its decimal digits.
fn euros(b: &Bid) -> String {
    let thousandths = u128::from(b.price) * 908;
    format!("{}.{:03}", thousandths / 1000, thousandths % 1000)
}

fn date(time: i64) -> String {
    let time = jiff::Timestamp::from_millisecond(time).expect("a time");
    time.to_string()[..10].to_owned()
}

fn hour_minute(time: i64) -> String {
    let minutes = time.rem_euclid(DAY) / 60_000;
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

fn hot_items(bids: &[&Bid]) -> Vec<Row> {
    let mut windows: BTreeMap<i64, BTreeMap<u64, u64>> = BTreeMap::new();
    for b in bids {
        let last = b.date_time.div_euclid(2_000) * 2_000;
        for start in (0..5).map(|n| last - n * 2_000) {
            *windows
                .entry(start)
                .or_default()
                .entry(b.auction)
                .or_default() += 1;
        }
    }
    let hottest = windows.values().flat_map(|counts| {
        let most = counts.values().max().copied();
        counts.iter().filter(move |(_, num)| Some(**num) == most)
    });
    hottest
        .map(|(auction, num)| row(json!({"auction": auction, "num": num})))
        .collect()
}

fn highest_bids(bids: &[&Bid]) -> Vec<Row> {
    let mut windows: BTreeMap<i64, Vec<&Bid>> = BTreeMap::new();
    for b in bids {
        windows
            .entry(b.date_time.div_euclid(10_000))
            .or_default()
            .push(b);
    }
    let highest = windows.values().flat_map(|bids| {
        let most = bids.iter().map(|b| b.price).max();
        bids.iter().filter(move |b| Some(b.price) == most)
    });
    highest.map(|b| bid(b)).collect()
}

fn sessions(bids: &[&Bid]) -> Vec<Row> {
    let mut times: BTreeMap<u64, Vec<i64>> = BTreeMap::new();
    for b in bids {
        times.entry(b.bidder).or_default().push(b.date_time);
    }
    let mut rows = Vec::new();
    for (bidder, mut times) in times {
        times.sort_unstable();
        for session in times.chunk_by(|earlier, later| later - earlier <= 10_000) {
            let (first, last) = (session[0], session[session.len() - 1]);
            rows.push(row(json!({
                "bidder": bidder, "bid_count": session.len(), "starttime": first, "endtime": last + 10_000,
            })));
        }
    }
    rows
}

fn middling(b: &Bid) -> Option<Row> {
    let hour = b.date_time.rem_euclid(DAY) / 3_600_000;
    let time_type = if (8..=18).contains(&hour) {
        "dayTime"
    } else if hour <= 6 || 20 <= hour {
        "nightTime"
    } else {
        "otherTime"
    };
    let thousandths = u128::from(b.price) * 908;
    let row = with(bid(b), "price", &euros(b));
    let row = with(row, "bidTimeType", &json!(time_type));
    let row = with(row, "c_counts", &json!(b.extra.matches('c').count()));
    (1_000_000_000 < thousandths && thousandths < 50_000_000_000).then_some(row)
}

/// The number of the rank of a price, from 1.
fn rank(price: u64) -> usize {
    [0, 10_000, 1_000_000]
        .iter()
        .filter(|from| **from <= price)
        .count()
}

fn per_day(bids: &[&Bid], key: fn(&Bid) -> String, column: Option<&str>) -> Vec<Row> {
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

fn prices(bids: &[&Bid]) -> Vec<Row> {
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

fn channel_id(b: &Bid) -> Option<Row> {
    let known = ["apple", "google", "facebook", "baidu"];
    let channel = b.channel.to_lowercase();
    let id = match known.iter().position(|name| *name == channel) {
        Some(id) => id.to_string(),
        None => {
            let (_, rest) = b.url.split_once("&channel_id=")?;
            rest.split('&').next().unwrap_or_default().to_owned()
        }
    };
    Some(row(json!({
        "auction": b.auction, "bidder": b.bidder, "price": b.price, "channel": b.channel, "channel_id": id,
    })))
}

fn directories(b: &Bid) -> Option<Row> {
    let parts: Vec<&str> = b.url.split('/').collect();
    Some(row(json!({
        "auction": b.auction, "bidder": b.bidder, "price": b.price, "channel": b.channel,
        "dir1": parts.get(3), "dir2": parts.get(4), "dir3": parts.get(5),
    })))
}

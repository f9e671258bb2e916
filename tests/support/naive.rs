//! The queries of Nexmark, recomputed from scratch in plain Rust: slow, obvious, and with nothing of Millstream.
//!
//! Times are milliseconds since 1970.

#[path = "naive/auctions.rs"]
mod auctions;
#[path = "naive/joins.rs"]
mod joins;
#[path = "naive/tables.rs"]
mod tables;
#[path = "naive/windows.rs"]
mod windows;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::nexmark::event::{Auction, Bid, Event, Person};

const DAY: i64 = 86_400_000;

/// A row: its values as JSON, by the names of its columns.
pub(crate) type Row = BTreeMap<String, String>;

/// All events, by kind.
#[derive(Default)]
struct Events<'a> {
    people: Vec<&'a Person>,
    auctions: Vec<&'a Auction>,
    bids: Vec<&'a Bid>,
}

impl<'a> Events<'a> {
    fn of(events: &'a [Event]) -> Self {
        let mut by_kind = Events::default();
        for event in events {
            match event {
                Event::Person(person) => by_kind.people.push(person),
                Event::Auction(auction) => by_kind.auctions.push(auction),
                Event::Bid(bid) => by_kind.bids.push(bid),
            }
        }
        by_kind
    }
}

/// The rows of `query` over `events`, which may be in any order.
pub(crate) fn rows_of(query: &str, events: &[Event]) -> Vec<Row> {
    let events = Events::of(events);
    let bids = &events.bids;
    let each = |row: &dyn Fn(&Bid) -> Option<Row>| bids.iter().filter_map(|b| row(b)).collect();
    match query {
        "q0" => each(&|b| Some(bid(b))),
        "q1" => each(&|b| Some(with(bid(b), "price", &euros(b)))),
        "q2" => each(&|b| {
            let row = row(json!({"auction": b.auction, "price": b.price}));
            (b.auction % 123 == 0).then_some(row)
        }),
        "q3" => joins::items_of_some_states(&events),
        "q4" => auctions::prices_of_categories(&events),
        "q5" => windows::hot_items(bids),
        "q6" => auctions::prices_of_sellers(&events),
        "q7" => windows::highest_bids(bids),
        "q8" => windows::new_sellers(&events),
        "q9" => auctions::winning_bids(&events),
        "q10" => each(&|b| {
            let row = with(bid(b), "dt", &json!(date(b.date_time)));
            Some(with(row, "hm", &json!(hour_minute(b.date_time))))
        }),
        "q11" => windows::sessions(bids),
        "q13" => each(&|b| Some(joins::beside_a_list(b))),
        "q14" => each(&middling),
        "q15" => tables::per_day(bids, |_| String::new(), None),
        "q16" => tables::per_day(bids, |b| b.channel.clone(), Some("channel")),
        "q17" => tables::prices(bids),
        "q18" => tables::bids_of_each_bidder(bids),
        "q19" => tables::highest_of_each_auction(bids),
        "q20" => joins::bids_with_their_auctions(&events),
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

/// What most queries have of a bid.
fn bid(b: &Bid) -> Row {
    row(json!({
        "auction": b.auction, "bidder": b.bidder, "price": b.price, "dateTime": b.date_time, "extra": b.extra,
    }))
}

/// All columns of a bid.
fn all_of_bid(b: &Bid) -> Row {
    let row = with(bid(b), "channel", &json!(b.channel));
    with(row, "url", &json!(b.url))
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

fn channel_id(b: &Bid) -> Option<Row> {
    let known = ["apple", "google", "facebook", "baidu"];
    let channel = b.channel.to_lowercase();
    let id = match known.iter().position(|name| *name == channel) {
        Some(id) => id.to_string(),
        None => {
            let at_first = b.url.strip_prefix("channel_id=");
            let rest = at_first.or_else(|| Some(b.url.split_once("&channel_id=")?.1))?;
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

//! What is decoded: types, and records made for them, of which some are written otherwise than the type asks.

use millstream::prelude::*;
use serde::{Deserialize, Serialize};

/// So many that they stay in the cache, as those of a chunk do that was just read.
pub(super) const N_EVENTS: u64 = 5_000;

/// Three fields of a page view, in the envelope or without it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct View {
    user_id: String,
    session_id: String,
    url: String,
}

/// A page view without an envelope: ten fields in 260 bytes.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FlatView {
    event_id: String,
    at: u64,
    user_id: String,
    session_id: String,
    url: String,
    referrer: Option<String>,
    country: String,
    device: String,
    agent: String,
    duration_ms: u32,
}

/// What happens at an auction, as Nexmark has it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Nexmark {
    Person {
        id: u64,
        name: String,
        email: String,
        city: String,
        state: String,
        at: u64,
    },
    Auction {
        id: u64,
        item: String,
        seller: u64,
        category: u64,
        initial_bid: u64,
        expires: u64,
        at: u64,
    },
    Bid {
        auction: u64,
        bidder: u64,
        price: u64,
        channel: String,
        url: String,
        at: u64,
    },
}

/// What happens in a shop, told apart by a field; only the parser can read that.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Tagged {
    Viewed {
        user: u64,
        url: String,
    },
    Added {
        user: u64,
        item: String,
        price: u64,
    },
    Paid {
        user: u64,
        order: String,
        total: u64,
        at: u64,
    },
}

/// Three fields that all kinds of event have, of ten kinds that have others besides.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct OfAnyKind {
    kind: String,
    id: u64,
    at: u64,
}

/// Of ten fields mostly two or three are there.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Sparse {
    age: Option<u32>,
    clicks: Option<u32>,
    depth: Option<u32>,
    duration: Option<u32>,
    price: Option<u32>,
    campaign: Option<String>,
    city: Option<String>,
    email: Option<String>,
    query: Option<String>,
    referrer: Option<String>,
}

fn written<T: Serialize>(event: impl Fn(u64) -> T) -> Vec<Vec<u8>> {
    (0..N_EVENTS)
        .map(|n| serde_json::to_vec(&event(n)).expect("serialisable"))
        .collect()
}

pub(super) fn page_views() -> Vec<Vec<u8>> {
    let generator = Clickstream::new().rate(Rate::Max).seed(7);
    let start = EventTime::from_millis(1_700_000_000_000);
    written(|n| generator.event(n, start))
}

pub(super) fn flat_views() -> Vec<Vec<u8>> {
    let generator = Clickstream::new().rate(Rate::Max).seed(7);
    let start = EventTime::from_millis(1_700_000_000_000);
    let flat = |n| {
        let Event {
            event_id,
            timestamp,
            data,
            ..
        } = generator.event(n, start);
        FlatView {
            event_id: event_id.unwrap_or_default(),
            at: timestamp.micros().unsigned_abs(),
            user_id: data.user_id,
            session_id: data.session_id,
            url: data.url,
            referrer: data.referrer,
            country: data.country,
            device: data.device,
            agent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0)".into(),
            duration_ms: data.duration_ms,
        }
    };
    written(flat)
}

/// 1 person, 3 auctions and 46 bids in each 50.
pub(super) fn nexmark() -> Vec<Vec<u8>> {
    let at = |n: u64| 1_700_000_000_000 + n / 10;
    let event = |n: u64| match n % 50 {
        0 => Nexmark::Person {
            id: n,
            name: format!("person {n}"),
            email: format!("p{n}@example.com"),
            city: "Portland".into(),
            state: "OR".into(),
            at: at(n),
        },
        1..=3 => Nexmark::Auction {
            id: n,
            item: format!("item {n}"),
            seller: n * 7 % 1000,
            category: n % 5,
            initial_bid: n * 31 % 10_000,
            expires: at(n) + 60_000,
            at: at(n),
        },
        _ => Nexmark::Bid {
            auction: n * 13 % 1000,
            bidder: n * 17 % 100_000,
            price: n * 7919 % 1_000_000,
            channel: ["Google", "Facebook", "Baidu", "Apple"][n as usize % 4].into(),
            url: format!(
                "https://www.nexmark.com/googl/item.htm?query=1&channel_id={}",
                n * 97
            ),
            at: at(n),
        },
    };
    written(event)
}

/// Numbers without a pattern that could be foreseen, the same each time.
fn mixed(n: u64) -> u64 {
    let n = (n ^ n >> 31).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (n ^ n >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 20
}

pub(super) fn tagged() -> Vec<Vec<u8>> {
    let event = |n: u64| match mixed(n) % 3 {
        0 => Tagged::Viewed {
            user: n,
            url: format!("/products/{n}"),
        },
        1 => Tagged::Added {
            user: n,
            item: format!("item {n}"),
            price: n * 31,
        },
        _ => Tagged::Paid {
            user: n,
            order: format!("order {n}"),
            total: n * 310,
            at: 1_700_000_000_000 + n,
        },
    };
    written(event)
}

pub(super) fn of_ten_kinds() -> Vec<Vec<u8>> {
    let event = |n: u64| {
        let kind = mixed(n) % 10;
        let others = (0..6).map(|other| format!(r#","detail_{kind}_{other}":"value {n}""#));
        let others: String = others.collect();
        format!(r#"{{"kind":"kind {kind}","id":{n}{others},"at":{n}}}"#).into_bytes()
    };
    (0..N_EVENTS).map(event).collect()
}

pub(super) fn sparse() -> Vec<Vec<u8>> {
    let event = |n: u64| {
        let bits = mixed(n) & mixed(n + N_EVENTS);
        let is_there = |field: u32| bits >> field & 1 == 1;
        let number = |field| is_there(field).then_some(n as u32);
        let text = |field| is_there(field).then(|| format!("text {n}"));
        Sparse {
            age: number(0),
            clicks: number(1),
            depth: number(2),
            duration: number(3),
            price: number(4),
            campaign: text(5),
            city: text(6),
            email: text(7),
            query: text(8),
            referrer: text(9),
        }
    };
    let without_nulls = |n| {
        let mut event = serde_json::to_value(event(n)).expect("serialisable");
        if let Some(fields) = event.as_object_mut() {
            fields.retain(|_, value| !value.is_null());
        }
        event
    };
    written(without_nulls)
}

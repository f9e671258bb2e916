//! What the queries on Renoir ask of a single bid.

use crate::nexmark::event::Bid;

/// q14: auction, bidder, price in thousandths, time of day, time, extra, and how often it has a `c`.
type Q14 = (u64, u64, u64, &'static str, i64, String, u64);

pub(crate) fn q14(bid: Bid) -> Option<Q14> {
    let price = bid.price * 908;
    if !(1_000_000_001..50_000_000_000).contains(&price) {
        return None;
    }
    let kind = match bid.date_time / 3_600_000 % 24 {
        8..=18 => "dayTime",
        0..=6 | 20.. => "nightTime",
        _ => "otherTime",
    };
    let n = bid.extra.bytes().filter(|byte| *byte == b'c').count() as u64;
    Some((
        bid.auction,
        bid.bidder,
        price,
        kind,
        bid.date_time,
        bid.extra,
        n,
    ))
}

/// q21: auction, bidder, price, channel, and the channel's id.
pub(crate) fn q21(bid: Bid) -> Option<(u64, u64, u64, String, String)> {
    let known = ["apple", "google", "facebook", "baidu"];
    let id = match known
        .iter()
        .position(|known| known.eq_ignore_ascii_case(&bid.channel))
    {
        Some(id) => id.to_string(),
        None => {
            let (_, id) = bid.url.split_once("channel_id=")?;
            id.split('&').next()?.to_owned()
        }
    };
    Some((bid.auction, bid.bidder, bid.price, bid.channel, id))
}

/// q22: auction, bidder, price, channel, and three parts of the URL.
pub(crate) fn q22(bid: Bid) -> (u64, u64, u64, String, [String; 3]) {
    let mut parts = bid.url.split('/').skip(3);
    let parts = [(); 3].map(|()| parts.next().unwrap_or_default().to_owned());
    (bid.auction, bid.bidder, bid.price, bid.channel, parts)
}

/// q17: what is known of the prices of an auction on a day.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Prices {
    n: [u64; 4],
    min: Option<u64>,
    max: u64,
    sum: u64,
}

impl Prices {
    pub(crate) fn add(&mut self, price: u64) {
        let rank = match price {
            ..10_000 => 1,
            10_000..1_000_000 => 2,
            _ => 3,
        };
        self.n[0] += 1;
        self.n[rank] += 1;
        self.min = Some(self.min.map_or(price, |min| min.min(price)));
        self.max = self.max.max(price);
        self.sum += price;
    }
    pub(crate) fn merge(&mut self, others: Self) {
        for (n, others) in self.n.iter_mut().zip(others.n) {
            *n += others;
        }
        self.min = match (self.min, others.min) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        self.max = self.max.max(others.max);
        self.sum += others.sum;
    }
}

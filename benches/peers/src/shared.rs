//! What queries ask of bids, on whichever engine.

use std::cmp::Reverse;

use crate::auctions::{About, Offer, Sale};
use crate::nexmark::event::{Auction, Bid, Event};

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

/// q13: what is listed for each number below ten thousand.
pub(crate) fn list() -> Vec<String> {
    (0..10_000).map(|n: u64| n.to_string()).collect()
}

/// q18: keeps the later of two bids; of those of one moment the higher.
pub(crate) fn keep_later(kept: &mut Bid, bid: Bid) {
    if (kept.date_time, kept.price) < (bid.date_time, bid.price) {
        *kept = bid;
    }
}

/// q19: so many bids of an auction have a rank.
const RANKED: usize = 10;

/// q19: puts a bid where it belongs among the highest.
pub(crate) fn rank(highest: &mut Vec<Bid>, bid: Bid) {
    let order = |bid: &Bid| (Reverse(bid.price), bid.date_time, bid.bidder);
    let at = highest.partition_point(|kept| order(kept) <= order(&bid));
    if at < RANKED {
        highest.truncate(RANKED - 1);
        highest.insert(at, bid);
    }
}

/// q19: the rows of an auction: each bid with its rank.
pub(crate) fn ranked(highest: Vec<Bid>) -> impl Iterator<Item = (Bid, u64)> {
    highest.into_iter().zip(1..)
}

/// q3: whether people of that state are asked for.
pub(crate) fn is_wanted_state(state: &str) -> bool {
    ["OR", "ID", "CA"].contains(&state)
}

/// q3, q20: whether auctions of that category are asked for.
pub(crate) fn is_wanted_category(category: u64) -> bool {
    category == 10
}

/// q4: of an auction its category, of a bid its price.
pub(crate) fn price_in_category(event: Event) -> Option<About<u64, ()>> {
    about(event, |auction| auction.category, |_| ())
}

/// q9: all of an auction, and of a bid what belongs into a row.
pub(crate) fn whole_auction(event: Event) -> Option<About<Box<Auction>, String>> {
    about(event, |auction| auction, |bid| bid.extra)
}

fn about<A, B>(
    event: Event,
    of_auction: fn(Box<Auction>) -> A,
    of_bid: fn(Bid) -> B,
) -> Option<About<A, B>> {
    match event {
        Event::Person(_) => None,
        Event::Auction(auction) => Some(About::Sale(Sale {
            id: auction.id,
            begins: auction.date_time,
            expires: auction.expires,
            wanted: of_auction(auction),
        })),
        Event::Bid(bid) => Some(About::Offer(
            bid.auction,
            Offer {
                price: bid.price,
                time: bid.date_time,
                bidder: bid.bidder,
                wanted: of_bid(bid),
            },
        )),
    }
}

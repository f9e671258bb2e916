//! The world that clicks come from: its pages, users, countries and devices, and how popular they are.

use std::sync::LazyLock;

use super::draw::Weighted;

/// How many pages there are.
pub(super) const N_PAGES: usize = 1_000;

/// How many users there are.
pub(super) const N_USERS: usize = 50_000;

/// How many sessions go on at a time.
pub(super) const N_SLOTS: u64 = 2_000;

const COUNTRIES: [(&str, u64); 20] = [
    ("US", 260),
    ("IN", 130),
    ("DE", 90),
    ("GB", 80),
    ("BR", 70),
    ("FR", 60),
    ("JP", 55),
    ("CA", 40),
    ("ES", 35),
    ("IT", 30),
    ("MX", 25),
    ("NL", 25),
    ("PL", 20),
    ("AU", 20),
    ("SE", 15),
    ("CH", 12),
    ("AT", 10),
    ("NG", 10),
    ("ZA", 8),
    ("NZ", 5),
];

const DEVICES: [(&str, u64); 3] = [("mobile", 55), ("desktop", 38), ("tablet", 7)];

/// Most visitors do not say where they come from.
const REFERRERS: [(Option<&str>, u64); 8] = [
    (None, 60),
    (Some("https://search.example.com/"), 20),
    (Some("https://social.example.net/feed"), 7),
    (Some("https://news.example.org/"), 4),
    (Some("https://mail.example.com/"), 3),
    (Some("https://video.example.net/watch"), 3),
    (Some("https://partner.example.org/offers"), 2),
    (Some("https://forum.example.net/"), 1),
];

const ENTRANCES: [&str; 10] = [
    "/",
    "/search",
    "/cart",
    "/login",
    "/account",
    "/checkout",
    "/categories",
    "/sale",
    "/help",
    "/contact",
];

/// Things that are chosen by weight.
pub(super) struct Choice<T> {
    things: Vec<T>,
    weighted: Weighted,
}

impl<T> Choice<T> {
    fn new(weighted: impl IntoIterator<Item = (T, u64)>) -> Self {
        let (things, weights): (Vec<T>, Vec<u64>) = weighted.into_iter().unzip();
        Choice {
            things,
            weighted: Weighted::new(&weights),
        }
    }

    #[inline]
    pub(super) fn choose(&self, bits: u64) -> &T {
        &self.things[self.weighted.choose(bits)]
    }
}

/// All of it.
pub(super) struct World {
    pub(super) pages: Choice<String>,
    pub(super) users: Choice<u64>,
    pub(super) countries: Choice<&'static str>,
    pub(super) devices: Choice<&'static str>,
    pub(super) referrers: Choice<Option<&'static str>>,
}

/// The one world there is: it does not depend on the seed.
pub(super) static WORLD: LazyLock<World> = LazyLock::new(|| World {
    pages: Choice::new((0..N_PAGES).map(|rank| (url(rank), popularity(rank, 1)))),
    users: Choice::new((0..N_USERS).map(|rank| (rank as u64, popularity(rank, 20)))),
    countries: Choice::new(COUNTRIES),
    devices: Choice::new(DEVICES),
    referrers: Choice::new(REFERRERS),
});

/// The weight of the thing of rank `rank` by Zipf's law, which Mandelbrot flattened at its head by `flat`.
fn popularity(rank: usize, flat: u64) -> u64 {
    (1 << 36) / (rank as u64 + flat)
}

fn url(rank: usize) -> String {
    match ENTRANCES.get(rank) {
        Some(entrance) => (*entrance).to_owned(),
        None if rank.is_multiple_of(10) => format!("/categories/{}", rank / 10),
        None if rank % 4 == 3 => format!("/blog/{rank}"),
        None => format!("/products/{rank}"),
    }
}

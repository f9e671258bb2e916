//! Channels: where bids come from. Four large ones take half of them, ten thousand small ones share the rest.

use super::texts::word;
use crate::nexmark::random::Random;

const LARGE: [&str; 4] = ["Google", "Facebook", "Baidu", "Apple"];
const N_SMALL: u32 = 10_000;

/// All channels.
pub(super) struct Channels {
    large: Vec<Channel>,
    small: Vec<Channel>,
}

/// A channel, and the page on which all bids through it are made.
pub(super) struct Channel {
    pub(super) name: String,
    pub(super) url: String,
}

impl Channels {
    pub(super) fn new(random: &mut Random) -> Self {
        let large = LARGE.map(|name| Channel {
            name: name.into(),
            url: page(random),
        });
        let small = (0..N_SMALL).map(|number| Channel {
            name: format!("channel-{number}"),
            url: small_page(number, random),
        });
        Channels {
            small: small.collect(),
            large: large.into(),
        }
    }

    pub(super) fn draw(&self, random: &mut Random) -> &Channel {
        let is_large = random.below(2) > 0;
        random.one_of(if is_large { &self.large } else { &self.small })
    }
}

fn page(random: &mut Random) -> String {
    let [a, b, c] = [(); 3].map(|()| word(random, 3, 4));
    format!("https://www.nexmark.com/{a}/{b}/{c}/item.htm?query=1")
}

/// The page of a small channel; nine in ten have their number in it, in disguise.
fn small_page(number: u32, random: &mut Random) -> String {
    let mut page = page(random);
    if random.below(10) > 0 {
        let id = number.reverse_bits().cast_signed().unsigned_abs();
        page.push_str(&format!("&channel_id={id}"));
    }
    page
}

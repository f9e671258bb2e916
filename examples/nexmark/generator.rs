//! The generator: every event of an auction house, as many as one likes, each a function of the seed and its own number.
//!
//! ```text
//!  n ─▶ n % 50:  0 person · 1–3 auctions · 4–49 bids             in this order, in every fifty
//!  │
//!  ├──▶ happens at base + n / rate
//!  └──▶ (seed, n) alone decide all the rest
//! ```
//!
//! So the events can be made from any number on, and by several workers at once. What takes time is copying texts: they are
//! cut from one long text, or from lists, that were made beforehand.

mod auction;
mod bid;
mod channels;
mod ids;
mod person;
mod price;
mod texts;

use std::sync::Arc;

use super::event::Event;
use super::random::Random;

use channels::Channels;
use texts::Texts;

/// When the first event happens, in milliseconds since 1970: 2015-07-15T00:00:00Z.
pub(crate) const BASE_MS: i64 = 1_436_918_400_000;

/// Makes events.
#[derive(Clone)]
pub(crate) struct Generator {
    seed: u64,
    /// Events per second of event time.
    rate: u64,
    world: Arc<World>,
}

/// What is made once for all events.
struct World {
    texts: Texts,
    channels: Channels,
}

/// An event that is being made.
struct Making<'a> {
    n: u64,
    /// In milliseconds since 1970.
    time: i64,
    random: Random,
    generator: &'a Generator,
}

impl Generator {
    /// The events of `seed`, of which `rate` happen in a second of event time; `rate` is at least one.
    pub(crate) fn new(seed: u64, rate: u64) -> Self {
        assert!(rate > 0, "time stands still at no events a second");
        // No event has this number, so none shares its sequence.
        let mut random = Random::of(seed, u64::MAX);
        let texts = Texts::new(&mut random);
        let channels = Channels::new(&mut random);
        Generator {
            seed,
            rate,
            world: Arc::new(World { texts, channels }),
        }
    }

    /// Event `n`, counted from 0.
    pub(crate) fn event(&self, n: u64) -> Event {
        let making = Making {
            n,
            time: self.time(n),
            random: Random::of(self.seed, n),
            generator: self,
        };
        match n % ids::ROUND {
            0 => Event::Person(Box::new(making.person())),
            1..=3 => Event::Auction(Box::new(making.auction())),
            _ => Event::Bid(making.bid()),
        }
    }

    /// What tells these events from those of another generator.
    pub(crate) fn identity(&self) -> String {
        format!("seed {}, {} events a second", self.seed, self.rate)
    }

    /// When event `n` happens, in milliseconds since 1970.
    fn time(&self, n: u64) -> i64 {
        let (second, rest) = (n / self.rate, n % self.rate);
        BASE_MS + (second * 1000 + rest * 1000 / self.rate) as i64
    }
}

impl Making<'_> {
    /// What fills an event of which `n_bytes` are there up to about `average` bytes: a fifth more or less, by chance.
    fn extra(&mut self, n_bytes: usize, average: usize) -> String {
        let wanted = average.saturating_sub(n_bytes);
        let spread = (wanted + 2) / 5;
        let more = if spread == 0 {
            0
        } else {
            self.random.index(2 * spread)
        };
        self.text(wanted - spread + more)
    }

    /// A text of `len` letters and blanks.
    fn text(&mut self, len: usize) -> String {
        self.generator.world.texts.cut(&mut self.random, len).into()
    }
}

#[cfg(test)]
mod tests;

//! Random input for windows: event times that wander, some behind the bound and some behind any lateness.
#![allow(dead_code, reason = "not every test needs all of it")]

use millstream::prelude::*;
use millstream::testing::{Act, Script};
use serde::{Deserialize, Serialize};

use crate::random::Random;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Hit {
    pub(crate) key: String,
    pub(crate) user: u32,
    pub(crate) ms: i64,
}

pub(crate) type Partitions = Vec<Vec<(EventTime, Hit)>>;

/// How far the watermark of a partition is behind its newest record.
pub(crate) const BOUND_MS: i64 = 3_000;

/// The first seed: the one that was asked for, or always the same.
pub(crate) fn first_seed() -> u64 {
    let asked = std::env::var("MILLSTREAM_SEED").ok();
    asked.map_or(20_261_123, |seed| seed.parse().expect("a number"))
}

/// Partitions whose event times wander: mostly in order, some behind the bound, some behind the lateness.
pub(crate) fn random_input(rng: &mut Random) -> Partitions {
    let n_partitions = 1 + rng.next_u32() % 5;
    (0..n_partitions).map(|_| partition(rng)).collect()
}

fn partition(rng: &mut Random) -> Vec<(EventTime, Hit)> {
    let mut now = i64::from(rng.next_u32() % 5_000);
    let n = rng.next_u32() % 400;
    let hit = |_| {
        now += i64::from(rng.next_u32() % 200);
        let back = match rng.next_u32() % 20 {
            0 => i64::from(rng.next_u32() % 30_000),
            1..=5 => i64::from(rng.next_u32() % 3_000),
            _ => 0,
        };
        let key = format!("k{}", rng.next_u32() % 7);
        let (user, ms) = (rng.next_u32() % 50, i64::from(rng.next_u32() % 1_000) - 100);
        (EventTime::from_millis(now - back), Hit { key, user, ms })
    };
    (0..n).map(hit).collect()
}

/// A source that hands over the partitions.
pub(crate) fn script(input: &Partitions) -> Script<Hit> {
    let acts = |partition: &Vec<(EventTime, Hit)>| {
        let acts = partition.iter();
        acts.map(|(time, hit)| Act::Emit(*time, hit.clone()))
            .collect()
    };
    Script::new(input.iter().map(acts).collect())
}

/// The watermark in milliseconds that a partition has before each of its records; `None` before the first.
pub(crate) fn watermarks_before(
    partition: &[(EventTime, Hit)],
) -> impl Iterator<Item = Option<i64>> {
    let mut newest: Option<i64> = None;
    partition.iter().map(move |(time, _)| {
        let before = newest.map(|newest| newest - BOUND_MS);
        newest = newest.max(Some(time.micros() / 1000));
        before
    })
}

//! Random changelogs of three tables, and everything that can be made of them, in a pipeline and naively.
#![allow(dead_code, reason = "not every test needs all of it")]

use std::collections::{BTreeMap, BTreeSet};

use millstream::prelude::*;
use millstream::testing::{Act, Script};
use serde::{Deserialize, Serialize};

use crate::random::Random;

/// A change of one of the three tables; `None` and `false` delete.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Said {
    /// Of an item: its group, and a number that no other change has.
    Item(i64, Option<(i64, i64)>),
    /// Of a place, whose key is a group of items.
    Place(i64, Option<i64>),
    /// Of a link between two small numbers.
    Link(i64, i64, bool),
}

pub(crate) type Partitions = Vec<Vec<(EventTime, Said)>>;

/// The first seed: the one that was asked for, or always the same.
pub(crate) fn first_seed() -> u64 {
    let asked = std::env::var("MILLSTREAM_SEED").ok();
    asked.map_or(20_261_129, |seed| seed.parse().expect("a number"))
}

/// Changes in a random order of time, no two of one moment.
pub(crate) fn random_input(rng: &mut Random, n: usize) -> Partitions {
    let mut below = |n: u32| rng.next_u32() % n;
    let n_partitions = 1 + below(4) as usize;
    let mut partitions = vec![Vec::new(); n_partitions];
    let mut times: Vec<i64> = (1..=n as i64).collect();
    for i in (1..times.len()).rev() {
        // Near to where it was, so that there is an order to be wrong about.
        let j = i - below(8).min(i as u32) as usize;
        times.swap(i, j);
    }
    for (unique, time) in times.into_iter().enumerate() {
        let unique = unique as i64;
        let said = match below(10) {
            0..=4 => {
                let row = (below(4) > 0).then(|| (i64::from(below(6)), unique));
                Said::Item(i64::from(below(14)), row)
            }
            5..=6 => Said::Place(i64::from(below(6)), (below(3) > 0).then_some(unique)),
            _ => Said::Link(below(7).into(), below(7).into(), below(5) > 1),
        };
        let partition = below(n_partitions as u32) as usize;
        partitions[partition].push((EventTime::from_millis(time), said));
    }
    partitions
}

/// Sources that hand over the partitions: one for items and links, one for places.
pub(crate) fn scripts(input: &Partitions) -> [Script<Said>; 2] {
    let of = |places: bool| {
        let acts = |partition: &Vec<(EventTime, Said)>| {
            let mine = partition.iter();
            let mine = mine.filter(|(_, said)| matches!(said, Said::Place(..)) == places);
            mine.map(|(time, said)| Act::Emit(*time, said.clone()))
                .collect()
        };
        Script::new(input.iter().map(acts).collect())
    };
    [of(false), of(true)]
}

/// The three tables as they are at some moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Tables {
    pub(crate) items: BTreeMap<i64, (i64, i64)>,
    pub(crate) places: BTreeMap<i64, i64>,
    pub(crate) links: BTreeSet<(i64, i64)>,
    /// How often something was said of each item.
    pub(crate) said: BTreeMap<i64, i64>,
}

impl Tables {
    /// What they are after all changes.
    pub(crate) fn after(input: &Partitions) -> Tables {
        let mut all: Vec<_> = input.iter().flatten().collect();
        all.sort_by_key(|(time, _)| *time);
        let mut tables = Tables::default();
        for (_, said) in all {
            if let Said::Item(key, _) = said {
                *tables.said.entry(*key).or_default() += 1;
            }
            match said {
                Said::Item(key, Some(row)) => drop(tables.items.insert(*key, *row)),
                Said::Item(key, None) => drop(tables.items.remove(key)),
                Said::Place(key, Some(n)) => drop(tables.places.insert(*key, *n)),
                Said::Place(key, None) => drop(tables.places.remove(key)),
                Said::Link(a, b, true) => drop(tables.links.insert((*a, *b))),
                Said::Link(a, b, false) => drop(tables.links.remove(&(*a, *b))),
            }
        }
        tables
    }
}

//! Scripts: what comes to sessions in each epoch, made up at random, and what happens at its end.

use proptest::collection::vec;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use crate::aggregate::{Aggregate, Of};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Visit {
    pub(super) user: String,
    pub(super) country: Option<u8>,
    page: u8,
    ms: i64,
}

fn visit() -> impl Strategy<Value = Visit> {
    (
        "[a-c]",
        proptest::option::of(0_u8..2),
        0_u8..9,
        any::<i64>(),
    )
        .prop_map(|(user, country, page, ms)| Visit {
            user,
            country,
            page,
            ms,
        })
}

impl Visit {
    pub(super) fn user(&self) -> &str {
        &self.user
    }
}

pub(super) fn aggregates() -> impl Aggregate<Visit> {
    let of = Of::<Visit>::new();
    (
        of.count("n"),
        of.count_distinct("pages", |v| &v.page),
        of.sum("ms", |v| v.ms),
        of.count_distinct_each(["low", "odd"], |v| &v.page, |v| [v.page < 5, v.ms % 2 == 1]),
        of.max("last", |v| v.country.map(|_| v.user.clone())),
    )
}

/// What comes in an epoch, and what happens at its end.
#[derive(Clone, Debug)]
pub(super) struct Turn {
    /// How many seconds each is ahead of the watermark.
    pub(super) batches: Vec<Vec<(i64, Visit)>>,
    pub(super) moves: i64,
    pub(super) publishes: bool,
    pub(super) snapshot: bool,
    /// After each batch, how much may be written of the snapshot.
    pub(super) slices: Vec<usize>,
}

fn turn() -> impl Strategy<Value = Turn> {
    (
        vec(
            vec((prop_oneof![-9_i64..25, -30_i64..0], visit()), 0..5),
            1..4,
        ),
        prop_oneof![1 => Just(0_i64), 3 => 1_i64..9, 1 => 9_i64..30],
        any::<bool>(),
        proptest::bool::weighted(0.5),
        vec(prop_oneof![1 => Just(0_usize), 3 => 0_usize..300], 4),
    )
        .prop_map(|(batches, moves, publishes, snapshot, slices)| Turn {
            batches,
            moves,
            publishes,
            snapshot,
            slices,
        })
}

/// A script whose sessions are all closed at last.
pub(super) fn script() -> impl Strategy<Value = Vec<Turn>> {
    let end = Turn {
        batches: Vec::new(),
        moves: 1000,
        publishes: true,
        snapshot: true,
        slices: Vec::new(),
    };
    vec(turn(), 1..16).prop_map(move |mut turns| {
        turns.push(end.clone());
        turns
    })
}

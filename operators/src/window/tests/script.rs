//! Scripts: what comes to windows in each epoch, made up at random, and what happens at its end.

use proptest::collection::vec;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use crate::aggregate::{Aggregate, Of};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Visit {
    pub(super) page: String,
    pub(super) country: Option<u8>,
    user: String,
    n: i64,
    x: f64,
    d: rust_decimal::Decimal,
}

fn visit() -> impl Strategy<Value = Visit> {
    (
        "[a-d]",
        proptest::option::of(0_u8..3),
        "[a-z]{0,1}",
        any::<i64>(),
        prop_oneof![8 => -1e6..1e6, 1 => any::<f64>()],
        (any::<i64>(), 0_u32..9),
    )
        .prop_map(|(page, country, user, n, x, (digits, scale))| Visit {
            page,
            country,
            user,
            n,
            x,
            d: rust_decimal::Decimal::new(digits, scale),
        })
}

impl Visit {
    pub(super) fn page(&self) -> &str {
        &self.page
    }
}

pub(super) fn aggregates() -> impl Aggregate<Visit> {
    let of = Of::<Visit>::new();
    (
        of.count("n"),
        of.count_distinct("users", |v| v.user.as_str()),
        of.approx_count_distinct("about", |v| &v.n),
        of.quantile("p90", 0.9, |v| v.x),
        of.sum("sum", |v| v.n),
        of.sum("exact", |v| v.x),
        of.max("last", |v| v.country.map(|_| v.user.clone())),
        of.mean("mean", |v| v.d),
    )
}

/// What comes in an epoch, and what happens at its end.
#[derive(Clone, Debug)]
pub(super) struct Turn {
    /// With how many seconds each is ahead of the watermark.
    pub(super) batches: Vec<Vec<(i64, Visit)>>,
    pub(super) moves: i64,
    pub(super) publishes: bool,
    pub(super) snapshot: bool,
    /// After each batch, how much may be written of the snapshot.
    pub(super) slices: Vec<usize>,
}

fn turn() -> impl Strategy<Value = Turn> {
    (
        vec(vec((-25_i64..15, visit()), 0..8), 1..4),
        prop_oneof![1 => Just(0_i64), 3 => 1_i64..9],
        any::<bool>(),
        proptest::bool::weighted(0.5),
        vec(prop_oneof![1 => Just(0_usize), 3 => 0_usize..500], 4),
    )
        .prop_map(|(batches, moves, publishes, snapshot, slices)| Turn {
            batches,
            moves,
            publishes,
            snapshot,
            slices,
        })
}

/// A script whose windows are all closed at last.
pub(super) fn script() -> impl Strategy<Value = Vec<Turn>> {
    let end = Turn {
        batches: Vec::new(),
        moves: 100,
        publishes: true,
        snapshot: true,
        slices: Vec::new(),
    };
    vec(turn(), 1..14).prop_map(move |mut turns| {
        turns.push(end.clone());
        turns
    })
}

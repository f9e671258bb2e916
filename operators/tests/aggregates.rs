//! An aggregate says the same of the same values, however they came.
//!
//! Random rows are folded one after another, and again in another order, split over several states that are written down,
//! read back and merged two by two. Both must say what a naive computation over the whole list says, to the bit.

use std::collections::BTreeSet;

use millstream_engine::{Columns, EventTime, Value};
use millstream_operators::{Aggregate, Of};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use rust_decimal::Decimal;

#[derive(Clone, Debug)]
struct Row {
    page: String,
    user: Option<String>,
    integer: i64,
    unsigned: u32,
    perhaps: Option<i32>,
    float: f64,
    decimal: Decimal,
    at: EventTime,
}

/// Floats that add up without rounding, so that a naive sum is exact too.
fn coarse_float() -> impl Strategy<Value = f64> {
    (-1_000_000_i32..1_000_000).prop_map(|n| f64::from(n) / 1024.0)
}

fn decimal() -> impl Strategy<Value = Decimal> {
    (-1_000_000_000_i64..1_000_000_000, 0_u32..9).prop_map(|(n, scale)| Decimal::new(n, scale))
}

fn row() -> impl Strategy<Value = Row> {
    (
        "[ab]{0,2}",
        proptest::option::of("[xyz]{1,2}"),
        any::<i64>(),
        any::<u32>(),
        proptest::option::weighted(0.3, any::<i32>()),
        coarse_float(),
        decimal(),
        any::<i64>().prop_map(EventTime::from_micros),
    )
        .prop_map(
            |(page, user, integer, unsigned, perhaps, float, decimal, at)| Row {
                page,
                user,
                integer,
                unsigned,
                perhaps,
                float,
                decimal,
                at,
            },
        )
}

/// Decimals of few values and several ways to write each: 1, 1.0, 1.00.
fn alike_decimal() -> impl Strategy<Value = Decimal> {
    (-1_i64..=1, 0_u32..4).prop_map(|(n, scale)| Decimal::new(n * 10_i64.pow(scale), scale))
}

/// Every float there is, and often those that are special.
fn any_float() -> impl Strategy<Value = f64> {
    let special = vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0];
    prop_oneof![8 => any::<f64>(), 8 => -1e3..1e3, 1 => proptest::sample::select(special)]
}

/// How values reach their aggregate: which state each is folded into, and which states are then merged in what order.
#[derive(Clone, Debug)]
struct Plan {
    n_states: usize,
    homes: Vec<Index>,
    merges: Vec<(Index, Index, bool)>,
}

const STATES_MAX: usize = 7;

fn plan() -> impl Strategy<Value = Plan> {
    let merge = (any::<Index>(), any::<Index>(), any::<bool>());
    (
        1..=STATES_MAX,
        vec(any::<Index>(), 1..40),
        vec(merge, STATES_MAX - 1),
    )
        .prop_map(|(n_states, homes, merges)| Plan {
            n_states,
            homes,
            merges,
        })
}

fn in_order<T, A: Aggregate<T>>(aggregate: &A, rows: &[T]) -> A::Output {
    let mut state = A::State::default();
    rows.iter().for_each(|row| aggregate.add(&mut state, row));
    aggregate.output(&state)
}

fn by_plan<T, A: Aggregate<T>>(aggregate: &A, rows: &[T], plan: &Plan) -> A::Output {
    let mut states: Vec<A::State> = Vec::new();
    states.resize_with(plan.n_states, Default::default);
    for (row, home) in rows.iter().zip(plan.homes.iter().cycle()) {
        aggregate.add(&mut states[home.index(plan.n_states)], row);
    }
    for (from, into, written) in &plan.merges {
        if states.len() == 1 {
            break;
        }
        let from = states.swap_remove(from.index(states.len()));
        let from = if *written { through_json(&from) } else { from };
        let into = into.index(states.len());
        aggregate.merge(&mut states[into], from);
    }
    let state = through_json(&states[0]);
    aggregate.output(&state)
}

fn through_json<S: serde::Serialize + serde::de::DeserializeOwned>(state: &S) -> S {
    let text = serde_json::to_string(state).expect("a state can be written");
    serde_json::from_str(&text).expect("a state that was written can be read")
}

/// What an output says, so that floats and decimals that differ in any way differ.
fn said(output: &impl Columns) -> String {
    let mut row: Vec<Value> = Vec::new();
    output.append(&mut row);
    format!("{row:?}")
}

/// The rows in their order, in another, and the plan for the other.
fn rows_and_plan<T: Clone + std::fmt::Debug + 'static>(
    rows: impl Strategy<Value = Vec<T>>,
) -> impl Strategy<Value = (Vec<T>, Vec<T>, Plan)> {
    rows.prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle(), plan()))
}

/// Asserts that `aggregate` says `expected` of `rows`, whichever way they come.
macro_rules! check {
    ($aggregate:expr, $expected:expr, $rows:expr, $shuffled:expr, $plan:expr) => {{
        let (aggregate, expected) = ($aggregate, said(&$expected));
        prop_assert_eq!(&said(&in_order(&aggregate, $rows)), &expected, "in order");
        prop_assert_eq!(
            &said(&by_plan(&aggregate, $shuffled, $plan)),
            &expected,
            "by plan"
        );
    }};
}

fn clamped(sum: i128) -> i64 {
    i64::try_from(sum).unwrap_or(if sum < 0 { i64::MIN } else { i64::MAX })
}

proptest! {
    #[test]
    fn exact_aggregates_say_what_the_whole_list_says(
        (rows, shuffled, plan) in rows_and_plan(vec(row(), 1..60))
    ) {
        let of = Of::<Row>::new();
        let n = rows.len() as f64;
        let perhaps: Vec<i32> = rows.iter().filter_map(|row| row.perhaps).collect();
        let perhaps_sum: i64 = perhaps.iter().map(|n| i64::from(*n)).sum();
        let integer_sum: i128 = rows.iter().map(|row| i128::from(row.integer)).sum();
        let float_sum: f64 = rows.iter().map(|row| row.float).sum();
        let decimal_sum: Decimal = rows.iter().map(|row| row.decimal).sum();

        check!(
            (
                of.count("count"),
                of.sum("integer", |row| row.integer),
                of.sum("unsigned", |row| row.unsigned),
                of.sum("perhaps", |row| row.perhaps),
                of.sum("float", |row| row.float),
                of.sum("decimal", |row| row.decimal),
                of.count_distinct("pages", |row| &row.page),
                of.count_distinct_some("users", |row| row.user.as_deref()),
            ),
            (
                rows.len() as u64,
                clamped(integer_sum),
                rows.iter().map(|row| i64::from(row.unsigned)).sum::<i64>(),
                (!perhaps.is_empty()).then_some(perhaps_sum),
                float_sum + 0.0,
                decimal_sum,
                rows.iter().map(|row| &row.page).collect::<BTreeSet<_>>().len() as u64,
                rows.iter().filter_map(|row| row.user.as_ref()).collect::<BTreeSet<_>>().len() as u64,
            ),
            &rows, &shuffled, &plan
        );
        check!(
            (
                of.mean("integer", |row| row.integer),
                of.mean("perhaps", |row| row.perhaps),
                of.mean("float", |row| row.float),
                of.mean("decimal", |row| row.decimal),
            ),
            (
                integer_sum as f64 / n,
                (!perhaps.is_empty()).then(|| perhaps_sum as f64 / perhaps.len() as f64),
                (float_sum + 0.0) / n,
                decimal_sum / Decimal::from(rows.len()),
            ),
            &rows, &shuffled, &plan
        );
    }

    /// Filtered counts are those of a list that was filtered before; several at once are each what it is alone.
    #[test]
    fn filtered_counts_say_what_the_filtered_list_says(
        (rows, shuffled, plan) in rows_and_plan(vec(row(), 1..60))
    ) {
        let of = Of::<Row>::new();
        let classes = |row: &Row| [row.integer > 0, row.perhaps.is_some(), row.float < 0.0, true];
        let users = |class: usize| {
            let users = rows.iter().filter(|row| classes(row)[class]).map(|row| &row.page);
            users.collect::<BTreeSet<_>>().len() as u64
        };
        check!(
            (
                of.count_if("positive", |row| row.integer > 0),
                of.count_distinct_if("pages", |row| row.page.as_str(), |row| row.integer > 0),
                of.count_distinct_each(["a", "b", "c", "d"], |row| row.page.as_str(), classes),
            ),
            (
                rows.iter().filter(|row| row.integer > 0).count() as u64,
                users(0),
                [0, 1, 2, 3].map(users),
            ),
            &rows, &shuffled, &plan
        );
        let each = of.count_distinct_each(["a", "b"], |row| &row.unsigned, |row| {
            [row.integer > 0, row.user.is_some()]
        });
        let alone = (
            of.count_distinct_some("a", |row| (row.integer > 0).then_some(&row.unsigned)),
            of.count_distinct_some("b", |row| row.user.as_ref().map(|_| &row.unsigned)),
        );
        let expected = in_order(&alone, &rows);
        check!(each, expected, &rows, &shuffled, &plan);
    }

    #[test]
    fn the_least_and_the_greatest_are_those_of_the_sorted_list(
        (rows, shuffled, plan) in rows_and_plan(vec(row(), 1..60))
    ) {
        let of = Of::<Row>::new();
        let mut floats: Vec<f64> = rows.iter().map(|row| row.float).collect();
        floats.sort_by(f64::total_cmp);
        let mut decimals: Vec<Decimal> = rows.iter().map(|row| row.decimal).collect();
        decimals.sort_by_key(|decimal| (*decimal, decimal.scale()));

        check!(
            (
                of.min("page", |row| row.page.clone()),
                of.min("user", |row| row.user.clone()),
                of.min("perhaps", |row| row.perhaps),
                of.min("float", |row| row.float),
                of.min("decimal", |row| row.decimal),
                of.min("at", |row| row.at),
            ),
            (
                rows.iter().map(|row| row.page.clone()).min().expect("there is a row"),
                rows.iter().filter_map(|row| row.user.clone()).min(),
                rows.iter().filter_map(|row| row.perhaps).min(),
                floats[0],
                decimals[0],
                rows.iter().map(|row| row.at).min().expect("there is a row"),
            ),
            &rows, &shuffled, &plan
        );
        check!(
            (
                of.max("page", |row| row.page.clone()),
                of.max("user", |row| row.user.clone()),
                of.max("perhaps", |row| row.perhaps),
                of.max("float", |row| row.float),
                of.max("decimal", |row| row.decimal),
                of.max("at", |row| row.at),
            ),
            (
                rows.iter().map(|row| row.page.clone()).max().expect("there is a row"),
                rows.iter().filter_map(|row| row.user.clone()).max(),
                rows.iter().filter_map(|row| row.perhaps).max(),
                floats[floats.len() - 1],
                decimals[decimals.len() - 1],
                rows.iter().map(|row| row.at).max().expect("there is a row"),
            ),
            &rows, &shuffled, &plan
        );
    }

    /// Whatever floats there are: subnormal, infinite, not a number.
    #[test]
    fn any_floats_in_any_order_say_the_same(
        (rows, shuffled, plan) in rows_and_plan(vec(any_float(), 1..60))
    ) {
        let of = Of::<f64>::new();
        let aggregate = (
            of.sum("sum", |n| *n),
            of.mean("mean", |n| *n),
            of.min("min", |n| *n),
            of.max("max", |n| *n),
            of.quantile("p0", 0.0, |n| *n),
            of.quantile("p50", 0.5, |n| *n),
            of.quantile("p95", 0.95, |n| *n),
            of.sum("some", |n| (*n > 0.0).then_some(*n)),
        );
        let expected = in_order(&aggregate, &rows);
        check!(aggregate, expected, &rows, &shuffled, &plan);
    }

    #[test]
    fn of_equal_decimals_the_way_of_writing_does_not_depend_on_order(
        (rows, shuffled, plan) in rows_and_plan(vec(alike_decimal(), 1..10))
    ) {
        let of = Of::<Decimal>::new();
        let least = rows.iter().copied().min_by_key(|n| (*n, n.scale())).expect("there is a row");
        let greatest = rows.iter().copied().max_by_key(|n| (*n, n.scale())).expect("there is a row");
        let digits = rows.iter().map(Decimal::scale).max().expect("there is a row");
        let mut sum: Decimal = rows.iter().sum();
        sum.rescale(digits);
        check!(
            (of.min("min", |n| *n), of.max("max", |n| *n), of.sum("sum", |n| *n)),
            (least, greatest, sum),
            &rows, &shuffled, &plan
        );
    }

    #[test]
    fn a_quantile_is_within_half_a_percent_of_the_nearest_rank(
        (rows, shuffled, plan) in rows_and_plan(vec(prop_oneof![-1e12..1e12, -10.0..10.0, Just(0.0)], 1..200)),
        per_mille in 0_u32..=1000,
    ) {
        let q = f64::from(per_mille) / 1000.0;
        let mut sorted: Vec<f64> = rows.clone();
        sorted.sort_by(f64::total_cmp);
        // In whole numbers, so that the place is that of exact arithmetic.
        let place = (per_mille as usize * rows.len()).div_ceil(1000).max(1);
        let exact = sorted[place - 1];

        let aggregate = Of::<f64>::new().quantile("q", q, |n| *n);
        let found = in_order(&aggregate, &rows);
        prop_assert!((found - exact).abs() <= exact.abs() * 0.005, "{} is not {}", found, exact);
        check!(aggregate, found, &rows, &shuffled, &plan);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Sizes on both sides of where the sketch changes its form: at 8 and at 1,537 different values.
    #[test]
    fn an_approximate_count_depends_on_the_set_alone(
        (rows, shuffled, plan) in rows_and_plan(
            (prop_oneof![1..20_usize, 1_450..1_650_usize, 1..5_000_usize], any::<u32>())
                .prop_map(|(n, first)| (0..n).map(|i| first.wrapping_add((i % (n * 9 / 10 + 1)) as u32)).collect())
        ),
    ) {
        let aggregate = Of::<u32>::new().approx_count_distinct("distinct", |n| n);
        let found = in_order(&aggregate, &rows);
        let exact = rows.iter().collect::<BTreeSet<_>>().len() as f64;
        prop_assert!((found as f64 - exact).abs() <= exact * 0.03, "{} is not {}", found, exact);
        check!(aggregate, found, &rows, &shuffled, &plan);
    }
}

#[test]
fn an_approximate_count_is_within_3_percent_at_any_size() {
    let aggregate = Of::<String>::new().approx_count_distinct("distinct", |name| name.as_str());
    let sizes = [
        0, 1, 7, 8, 9, 1_000, 1_536, 1_537, 10_000, 16_384, 40_000, 52_000, 100_000, 300_000,
        1_000_000,
    ];
    let mut state = Default::default();
    let mut added = 0;
    for size in sizes {
        while added < size {
            aggregate.add(&mut state, &format!("user-{added}"));
            added += 1;
        }
        let found = aggregate.output(&state) as f64;
        let exact = f64::from(size);
        assert!((found - exact).abs() <= exact * 0.03, "{found} for {exact}");
        if size <= 1_536 {
            assert_eq!(found, exact, "few values are counted as they are");
        }
    }
    assert!(aggregate.heap_bytes(&state) <= 16 << 10);
}

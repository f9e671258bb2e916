//! The state of every aggregate is what it was after it was saved and loaded, whole or piece by piece.

use std::fmt::Debug;

use millstream_engine::raw::{Kind, Log, Replayed, Shard, hash_key};
use millstream_engine::{EventTime, LoadError};
use millstream_operators::{Aggregate, Of};
use proptest::collection::vec;
use proptest::prelude::*;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Writes a state as the value of a key, as a step does: what was saved before is added to if it grows.
fn save<T, A: Aggregate<T>>(aggregate: &A, state: &mut A::State, again: bool) -> Log {
    let mut log = Log::default();
    let shard = Shard::of_hash(hash_key(&()));
    if again && aggregate.grows() {
        log.add(shard, None, &(), |to| aggregate.save(state, to));
    } else {
        log.put(shard, None, &(), |to| aggregate.save(state, to));
    }
    log
}

/// Reads what was written into a state.
fn load<T, A: Aggregate<T>>(
    aggregate: &A,
    state: &mut A::State,
    log: &Log,
) -> Result<(), LoadError> {
    log.replay(|replayed| {
        let Replayed::Entry(_, entry) = replayed else {
            panic!("there is no window");
        };
        entry.key::<()>()?;
        if entry.kind == Kind::Put {
            *state = A::State::default();
        }
        aggregate.load(state, &mut entry.value())
    })
}

/// Folds each piece of `rows`, saving after it; some pieces come as a state of their own that is merged. What is loaded
/// must say what the original says after every piece, and after it has been added to itself.
fn check<T, A: Aggregate<T>>(aggregate: &A, pieces: &[(bool, Vec<T>)]) -> Result<(), TestCaseError>
where
    A::Output: Debug,
{
    let mut state = A::State::default();
    let mut logs = Vec::new();
    for (merged, rows) in pieces {
        let mut other = A::State::default();
        let folded = if *merged { &mut other } else { &mut state };
        rows.iter().for_each(|row| aggregate.add(folded, row));
        aggregate.merge(&mut state, other);
        logs.push(save(aggregate, &mut state, !logs.is_empty()));

        let mut loaded = A::State::default();
        for log in &logs {
            let read = load(aggregate, &mut loaded, log);
            prop_assert_eq!(read, Ok(()), "{}", aggregate.kind());
        }
        let said = |state: &A::State| format!("{:?}", aggregate.output(state));
        prop_assert_eq!(said(&loaded), said(&state), "{}", aggregate.kind());
        let mut more = state.clone();
        for row in rows {
            aggregate.add(&mut loaded, row);
            aggregate.add(&mut more, row);
        }
        prop_assert_eq!(said(&loaded), said(&more), "{} goes on", aggregate.kind());
    }
    Ok(())
}

fn pieces<T: Debug>(row: impl Strategy<Value = T>) -> impl Strategy<Value = Vec<(bool, Vec<T>)>> {
    vec((any::<bool>(), vec(row, 1..20)), 1..6)
}

fn decimal() -> impl Strategy<Value = Decimal> {
    (any::<i128>(), 0_u32..=28)
        .prop_map(|(digits, scale)| Decimal::from_i128_with_scale(digits >> 32, scale))
}

proptest! {
    #[test]
    fn of_integers(pieces in pieces((any::<i64>(), any::<u64>(), any::<Option<i8>>()))) {
        let of = Of::new();
        check(&of.count("n"), &pieces)?;
        check(&of.sum("sum", |row: &(i64, u64, _)| row.0), &pieces)?;
        check(&of.mean("mean", |row: &(_, u64, _)| row.1), &pieces)?;
        check(&of.min("min", |row: &(i64, u64, _)| row.0), &pieces)?;
        check(&of.max("max", |row: &(i64, u64, _)| row.1), &pieces)?;
        check(&of.min("min", |row: &(i64, u64, Option<i8>)| row.2), &pieces)?;
        check(&of.max("last", |row: &(i64, u64, _)| EventTime::from_micros(row.0)), &pieces)?;
        check(&of.count_distinct("n", |row: &(i64, u64, Option<i8>)| &row.2), &pieces)?;
        check(&of.approx_count_distinct("n", |row: &(i64, u64, _)| &row.1), &pieces)?;
        check(&of.count_if("n", |row: &(i64, u64, _)| row.0 > 0), &pieces)?;
    }

    #[test]
    fn of_floats(pieces in pieces((any::<f64>(), any::<f32>(), any::<Option<u16>>()))) {
        let of = Of::new();
        check(&of.sum("sum", |row: &(f64, f32, _)| row.0), &pieces)?;
        check(&of.mean("mean", |row: &(f64, f32, _)| row.1), &pieces)?;
        check(&of.min("min", |row: &(f64, f32, _)| row.0), &pieces)?;
        check(&of.max("max", |row: &(f64, f32, _)| row.1), &pieces)?;
        check(&of.quantile("p9", 0.9, |row: &(f64, f32, _)| row.0), &pieces)?;
        check(&of.quantile("p5", 0.5, |row: &(f64, f32, Option<u16>)| row.2), &pieces)?;
    }

    #[test]
    fn of_decimals(pieces in pieces(decimal())) {
        let of = Of::<Decimal>::new();
        check(&of.sum("sum", |n| *n), &pieces)?;
        check(&of.mean("mean", |n| *n), &pieces)?;
        check(&of.min("min", |n| *n), &pieces)?;
        check(&of.max("max", |n| Some(*n)), &pieces)?;
        check(&of.count_distinct("n", |n| n), &pieces)?;
    }

    #[test]
    fn of_texts(pieces in pieces(proptest::option::of("[a-cé]{0,2}"))) {
        let of = Of::<Option<String>>::new();
        check(&of.max("max", Clone::clone), &pieces)?;
        check(&of.count_distinct("n", |text| text), &pieces)?;
        check(&of.count_distinct_some("n", |text| text.as_deref()), &pieces)?;
    }

    #[test]
    fn of_classes(pieces in pieces((0_u8..9, "[a-dé]{0,1}", any::<[bool; 3]>()))) {
        let of = Of::<(u8, String, [bool; 3])>::new();
        check(&of.count_distinct_if("n", |row| row.1.as_str(), |row| row.2[0]), &pieces)?;
        check(&of.count_distinct_each(["a", "b", "c"], |row| &row.0, |row| row.2), &pieces)?;
        check(&of.count_distinct_each(["a", "b", "c"], |row| row.1.as_str(), |row| row.2), &pieces)?;
    }

    #[test]
    fn of_several_at_once(pieces in pieces((any::<i64>(), any::<u8>(), -1e9..1e9))) {
        let of = Of::<(i64, u8, f64)>::new();
        let aggregates = (
            of.count("n"),
            of.count_distinct("different", |row| &row.1),
            of.sum("sum", |row| row.2),
            of.approx_count_distinct("about", |row| &row.0),
            Pairs,
            of.count_distinct("more", |row| &row.0),
            of.count_distinct_each(["low", "high"], |row| &row.1, |row| [row.0 < 0, row.0 > 0]),
        );
        check(&aggregates, &pieces)?;
    }
}

#[test]
fn of_many_different_values() {
    let of = Of::<u64>::new();
    // The sketch is a list, then a table, then registers.
    for ends in [[5, 20], [100, 1_000], [900, 4_000], [20_000, 70_000]] {
        let pieces = [
            (false, (0..ends[0]).collect()),
            (true, (3..ends[1]).collect()),
        ];
        check(&of.approx_count_distinct("about", |n| n), &pieces).expect("it is the same");
        check(&of.count_distinct("n", |n| n), &pieces).expect("it is the same");
        check(&of.quantile("p9", 0.9, |n| *n), &pieces).expect("it is the same");
    }
}

#[test]
fn different_values_are_written_once() {
    let distinct = Of::<u64>::new().count_distinct("n", |n| n);
    let mut state = Default::default();
    (0..10_000).for_each(|n| distinct.add(&mut state, &n));
    save(&distinct, &mut state, false);
    let none = save(&distinct, &mut state, true).n_bytes();
    (9_990..10_010).for_each(|n| distinct.add(&mut state, &n));
    let mut other = Default::default();
    (0..10_030).for_each(|n| distinct.add(&mut other, &n));
    distinct.merge(&mut state, other);
    let thirty = save(&distinct, &mut state, true).n_bytes();
    assert_eq!(
        thirty - none,
        30 * 3 + 2,
        "three bytes for each number, two for how many"
    );
    assert_eq!(save(&distinct, &mut state, true).n_bytes(), none);

    let mut other = Default::default();
    (0..30).for_each(|n| distinct.add(&mut other, &n));
    let log = save(&distinct, &mut other, false);
    let mut loaded = Default::default();
    load(&distinct, &mut loaded, &log).expect("it was written so");
    assert_eq!(
        save(&distinct, &mut loaded, true).n_bytes(),
        none,
        "nor what was loaded"
    );
}

#[test]
fn a_value_is_written_again_where_it_came_to_a_new_class() {
    let of = Of::<u64>::new();
    let classes = of.count_distinct_each(["all", "odd"], |n| n, |n| [true, n % 2 == 1]);
    let mut state = Default::default();
    (0..10_000).for_each(|n| classes.add(&mut state, &n));
    save(&classes, &mut state, false);
    let none = save(&classes, &mut state, true).n_bytes();
    (9_990..10_010).for_each(|n| classes.add(&mut state, &n));
    let ten = save(&classes, &mut state, true).n_bytes();
    assert_eq!(
        ten - none,
        10 * 5,
        "a pair, three bytes for the number and one for its classes"
    );

    let low = of.count_distinct_each(["all", "low"], |n| n, |n| [true, *n < 5_003]);
    let mut other = Default::default();
    (5_000..5_010).for_each(|n| low.add(&mut other, &n));
    classes.merge(&mut state, other);
    let log = save(&classes, &mut state, true);
    assert_eq!(log.n_bytes() - none, 2 * 5, "5,001 was odd before");
    assert_eq!(classes.output(&state), [10_010, 5_007]);
}

/// Counts pairs, in a state of its own that has a field more than it once had.
struct Pairs;

#[derive(Clone, Default, Serialize, Deserialize)]
struct PairState {
    n: u64,
    #[serde(default)]
    last: Option<(i64, String)>,
}

/// What `Pairs` kept before.
#[derive(Clone, Default, Serialize, Deserialize)]
struct OldPairState {
    n: u64,
}

impl<T> Aggregate<T> for Pairs {
    type State = PairState;
    type Output = u64;

    fn names(&self) -> Vec<String> {
        vec!["pairs".into()]
    }
    fn add(&self, state: &mut PairState, _: &T) {
        state.n += 1;
        state.last = Some((-1, format!("number {}", state.n)));
    }
    fn merge(&self, state: &mut PairState, other: PairState) {
        state.n += other.n;
        state.last = state.last.take().max(other.last);
    }
    fn output(&self, state: &PairState) -> u64 {
        state.n / 2
    }
    fn heap_bytes(&self, _: &PairState) -> usize {
        0
    }
}

#[test]
fn a_state_that_has_a_field_more_loads_what_was_saved_without() {
    let mut log = Log::default();
    let shard = Shard::of_hash(hash_key(&()));
    log.put(shard, None, &(), |to| to.put(&OldPairState { n: 6 }));
    let mut loaded = PairState::default();
    load::<(), _>(&Pairs, &mut loaded, &log).expect("the field has a default");
    assert_eq!((loaded.n, loaded.last), (6, None));
    assert_eq!(Aggregate::<()>::kind(&Pairs), "custom");
}

#[test]
fn what_another_saved_is_refused() {
    let of = Of::<i64>::new();
    let (text, numbers) = (of.max("t", |n| n.to_string()), of.sum("s", |n| *n));
    let log = save(&text, &mut Some("seven".into()), false);
    let error = load(&numbers, &mut Default::default(), &log).expect_err("a text is no sum");
    assert!(matches!(error, LoadError::Mismatch { .. }), "{error}");
    let (one, two) = (of.count("n"), (of.count("n"), of.count("m")));
    let log = save::<i64, _>(&one, &mut 7, false);
    load::<i64, _>(&two, &mut (0, 0), &log).expect_err("it is one");
}

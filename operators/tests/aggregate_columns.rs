//! What an aggregate asks of its closure, and what columns, errors and sizes follow from it.

use millstream_engine::{Column, Columns, Value};
use millstream_operators::{Aggregate, ApproxCountDistinct, Of};
use rust_decimal::Decimal;

fn fold<T, A: Aggregate<T>>(aggregate: &A, rows: &[T]) -> A::Output {
    let mut state = A::State::default();
    rows.iter().for_each(|row| aggregate.add(&mut state, row));
    aggregate.output(&state)
}

fn said(output: &impl Columns) -> String {
    let mut row: Vec<Value> = Vec::new();
    output.append(&mut row);
    format!("{row:?}")
}

#[test]
fn a_damaged_sketch_is_refused() {
    type Sketch = <ApproxCountDistinct<u32, fn(&u32) -> Option<&u32>> as Aggregate<u32>>::State;
    for (text, reason) in [
        ("[]", "preamble_ints"),
        ("[2,1,7]", "lg_config_k"),
        (
            "[2,1,7,12,3,12,0,8]",
            "the sketch has 2^12 registers, not 2^14",
        ),
        ("7", "the bytes of a HyperLogLog sketch"),
    ] {
        let error = serde_json::from_str::<Sketch>(text)
            .expect_err(text)
            .to_string();
        assert!(error.contains(reason), "{text}: {error}");
    }
}

#[test]
fn columns_are_nullable_where_the_closure_says_so() {
    struct Row {
        perhaps: Option<i32>,
        integer: i64,
        unsigned: u32,
        decimal: Decimal,
    }
    fn columns<A: Aggregate<Row>>(aggregate: &A) -> Vec<Column> {
        let kinds = A::Output::kinds();
        let named = aggregate.names().into_iter().zip(kinds);
        named
            .map(|(name, (kind, nullable))| Column {
                name,
                kind,
                nullable,
            })
            .collect()
    }
    let of = Of::<Row>::new();
    let found = columns(&(
        of.sum("sum", |row| row.perhaps),
        of.max("max", |row| row.integer),
        of.mean("mean", |row| Some(row.decimal)),
        of.quantile("median", 0.5, |row| row.unsigned),
        of.count("count"),
    ));
    let found: Vec<_> = found
        .iter()
        .map(|column| format!("{} {:?} {}", column.name, column.kind, column.nullable))
        .collect();
    assert_eq!(
        found,
        [
            "sum Int64 true",
            "max Int64 false",
            "mean Decimal true",
            "median Float64 false",
            "count Int64 false"
        ]
    );
}

#[test]
fn a_single_aggregate_is_a_row_of_one_column() {
    let views = Of::<u8>::new().count("views");
    assert_eq!(Aggregate::<u8>::names(&views), ["views"]);
    assert_eq!(said(&fold(&views, &[1_u8, 2])), "[Int(2)]");
}

#[test]
fn a_count_of_classes_is_a_column_for_each_also_among_others() {
    let of = Of::<u8>::new();
    let aggregates = (
        of.count("n"),
        of.count_distinct_each(["small", "large"], |n| n, |n| [*n < 10, *n > 99]),
        of.count_if("odd", |n| n % 2 == 1),
    );
    assert_eq!(aggregates.names(), ["n", "small", "large", "odd"]);
    assert_eq!(
        said(&fold(&aggregates, &[1, 2, 200, 1, 50])),
        "[Int(5), Int(2), Int(1), Int(2)]"
    );
    fn columns<A: Aggregate<u8>>(_: &A) -> usize {
        A::Output::kinds().len()
    }
    assert_eq!(columns(&aggregates), 4);
    let all = std::array::from_fn::<_, 32, _>(|_| "class");
    let most = of.count_distinct_each(
        all,
        |n| n,
        |n| std::array::from_fn(|class| class == usize::from(*n)),
    );
    assert_eq!(fold(&most, &[31])[31], 1);
}

#[test]
fn where_nothing_counts_a_float_is_not_a_number_and_an_option_is_null() {
    let of = Of::<f64>::new();
    let aggregate = (
        of.sum("sum", |n| *n),
        of.max("max", |n| *n),
        of.quantile("median", 0.5, |n| *n),
        of.mean("mean", |n| Some(*n)),
        of.min("min", |n| Some(*n)),
    );
    assert_eq!(
        said(&fold(&aggregate, &[f64::NAN])),
        "[Float(NaN), Float(NaN), Float(NaN), Null, Null]"
    );
}

#[test]
#[should_panic(expected = r#"quantile "p95" is to be between 0 and 1, not 95"#)]
fn a_quantile_beyond_one_is_refused_where_it_is_made() {
    let _ = Of::<f64>::new().quantile("p95", 95.0, |n| *n);
}

#[test]
fn state_on_the_heap_is_reported() {
    let of = Of::<String>::new();
    let aggregate = (
        of.count_distinct("names", |name| name.as_str()),
        of.max("last", |name| name.clone()),
    );
    let mut state = Default::default();
    let empty = aggregate.heap_bytes(&state);
    for n in 0..1_000 {
        aggregate.add(&mut state, &format!("{n:0100}"));
    }
    assert_eq!(empty, 0);
    let bytes = aggregate.heap_bytes(&state);
    assert!((100_000..200_000).contains(&bytes), "{bytes}");
}

#[test]
fn closures_need_no_types_where_a_pipeline_makes_aggregates() {
    struct Event<T> {
        data: T,
    }
    struct View {
        user_id: String,
        duration_ms: u32,
    }
    fn aggregate<T, A: Aggregate<T>>(make: impl FnOnce(&Of<T>) -> A, rows: &[T]) -> A::Output {
        fold(&make(&Of::new()), rows)
    }
    let event = |user: &str, duration_ms| Event {
        data: View {
            user_id: user.into(),
            duration_ms,
        },
    };
    let found = aggregate(
        |of| {
            (
                of.count("views"),
                of.count_distinct("visitors", |e| &e.data.user_id),
                of.approx_count_distinct("about", |e| e.data.user_id.as_str()),
                of.quantile("p95_duration_ms", 0.95, |e| f64::from(e.data.duration_ms)),
                of.max("longest_ms", |e| e.data.duration_ms),
            )
        },
        &[event("ada", 3), event("bob", 9), event("ada", 4)],
    );
    assert_eq!(found, (3, 2, 2, 9.0, 9));
}

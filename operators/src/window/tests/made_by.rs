//! How state was made is said in words that change when it would mean something else, and only then.

use millstream_engine::{millis, minutes};

use super::super::{Hopping, Tumbling, WindowKind, made_by};
use crate::aggregate::{Aggregate, Of};

fn words(kind: &impl WindowKind<(String, f64)>) -> String {
    kind.in_words()
}

#[test]
fn windows_keys_and_aggregates_are_named() {
    let of = Of::<(String, f64)>::new();
    let aggregates = (
        of.count("n"),
        of.count_distinct("names", |row| &row.0),
        of.quantile("p95", 0.95, |row| row.1),
    );
    let kinds = aggregates.kind();
    assert_eq!(
        made_by(
            &words(&Tumbling::of(minutes(1))),
            &["url".into(), "country".into()],
            &kinds
        ),
        r#"tumbling(60s) by ["url", "country"]: count, count_distinct, quantile"#
    );
    assert_eq!(
        made_by(&words(&Tumbling::of(millis(1500))), &[], "count"),
        "tumbling(1.5s): count"
    );
    let hopping = Hopping::of(minutes(1)).every(millis(1500));
    assert_eq!(words(&hopping), "hopping(60s every 1.5s)");
    assert_eq!(
        words(&hopping.lateness(minutes(1))),
        words(&hopping),
        "the lateness may change"
    );
}

#[test]
fn aggregates_of_one_kind_can_read_one_anothers_state() {
    let of = Of::<(i64, f64)>::new();
    let kinds = [
        of.sum("a", |row| row.0).kind(),
        of.mean("b", |row| row.0 as u8).kind(),
        of.sum("c", |row| row.1).kind(),
        of.min("d", |row| row.1).kind(),
        of.min("e", |row| row.1 as f32).kind(),
        of.max("f", |row| Some(row.0)).kind(),
        of.max("g", |row| row.0 as u32).kind(),
        of.approx_count_distinct("h", |row| &row.0).kind(),
        of.count_distinct_if("i", |row| &row.0, |row| row.1 > 0.0)
            .kind(),
        of.count_if("j", |row| row.1 > 0.0).kind(),
        of.count_distinct_each(["k", "l"], |row| &row.0, |_| [true, true])
            .kind(),
    ];
    let expected = [
        "sum(integer)",
        "sum(integer)",
        "sum(float)",
        "min(f64)",
        "min(f32)",
        "max(integer)",
        "max(integer)",
        "approx_count_distinct",
        "count_distinct",
        "count_if",
        "count_distinct_each(2)",
    ];
    assert_eq!(kinds, expected);
}

//! A session has ended once the watermark has passed its end, and may have its end ahead again.

use millstream_engine::raw::NoKey;
use millstream_engine::{Record, Stage, Window};

use super::workers::Workers;
use super::{Made, at, demand, seconds_at};
use crate::aggregate::Of;

/// What is told, without keys: a row that is there, with its count, or one that was removed.
type Said = (Window, Option<(Stage, i64)>);

/// The session from one second to another, with the gap after it.
fn window(first: i64, last: i64) -> Window {
    Window {
        start: seconds_at(first),
        end: seconds_at(last + 10),
    }
}

fn is(first: i64, last: i64, stage: Stage, n: i64) -> Said {
    (window(first, last), Some((stage, n)))
}

fn gone(first: i64, last: i64) -> Said {
    (window(first, last), None)
}

/// Steps of one session or two; each turn is what comes, where the watermark is then, and what is told, all that changed
/// being shown at its end.
fn check(turns: &[(&[i64], i64, &[Said])]) {
    let made = Made::new(NoKey, Of::<()>::new().count("n"), demand(true, true, false));
    for exchange in [false, true] {
        let mut workers = Workers::new(&made, 1, exchange);
        let mut watermark = seconds_at(0);
        for (number, (times, moves_to, expected)) in turns.iter().enumerate() {
            let before = at(number, watermark);
            watermark = seconds_at(*moves_to);
            let records: Vec<_> = times
                .iter()
                .map(|time| Record::new((), seconds_at(*time)))
                .collect();
            workers.batch(&records, before);
            workers.end(before, at(number, watermark), true);
            let said = |n: &Vec<_>| match n[..] {
                [millstream_engine::Value::Int(n)] => n,
                _ => panic!("{n:?}"),
            };
            let told = workers.take_told().into_iter();
            let told: Vec<Said> = told
                .map(|(window, _, stage, values)| (window, values.map(|n| (stage, said(&n)))))
                .collect();
            assert_eq!(told, *expected, "in turn {number}");
        }
    }
}

#[test]
fn a_row_that_reaches_further_is_another_row() {
    check(&[
        (&[5], 6, &[is(5, 5, Stage::Open, 1)]),
        (&[5], 7, &[is(5, 5, Stage::Open, 2)]),
        (&[12], 8, &[gone(5, 5), is(5, 12, Stage::Open, 3)]),
        (&[], 22, &[]),
        (&[], 23, &[is(5, 12, Stage::Ended, 3)]),
        (&[], 27, &[]),
        (&[], 28, &[is(5, 12, Stage::Final, 3)]),
    ]);
}

#[test]
fn its_end_belongs_to_a_session_and_so_it_ends_and_closes_just_after_it() {
    check(&[
        (&[5], 15, &[is(5, 5, Stage::Open, 1)]),
        (&[15], 16, &[gone(5, 5), is(5, 15, Stage::Open, 2)]),
        (&[], 25, &[]),
        (&[], 26, &[is(5, 15, Stage::Ended, 2)]),
        // It ends at 25 and may be corrected until the watermark is more than 5 past that.
        (&[25], 30, &[gone(5, 15), is(5, 25, Stage::Open, 3)]),
        (&[], 40, &[is(5, 25, Stage::Ended, 3)]),
        (&[], 41, &[is(5, 25, Stage::Final, 3)]),
    ]);
}

#[test]
fn one_that_ended_is_corrected_and_may_end_again() {
    check(&[
        (
            &[5],
            17,
            &[is(5, 5, Stage::Open, 1), is(5, 5, Stage::Ended, 1)],
        ),
        // Within the lateness, in the session: its row is corrected.
        (&[12], 17, &[gone(5, 5), is(5, 12, Stage::Open, 2)]),
        (&[], 23, &[is(5, 12, Stage::Ended, 2)]),
        (&[], 24, &[]),
        (&[19], 24, &[gone(5, 12), is(5, 19, Stage::Open, 3)]),
        (
            &[],
            60,
            &[is(5, 19, Stage::Ended, 3), is(5, 19, Stage::Final, 3)],
        ),
    ]);
}

#[test]
fn what_comes_between_two_joins_them_and_neither_is_left() {
    check(&[
        (
            &[20, 36],
            24,
            &[is(20, 20, Stage::Open, 1), is(36, 36, Stage::Open, 1)],
        ),
        (&[], 31, &[is(20, 20, Stage::Ended, 1)]),
        // 28 is within the lateness, and in reach of both.
        (
            &[28],
            31,
            &[gone(20, 20), gone(36, 36), is(20, 36, Stage::Open, 3)],
        ),
        (&[], 47, &[is(20, 36, Stage::Ended, 3)]),
        (&[], 52, &[is(20, 36, Stage::Final, 3)]),
    ]);
}

#[test]
fn one_that_is_not_shown_yet_leaves_nothing_to_remove() {
    check(&[
        (&[5, 12, 30, 21], 6, &[is(5, 30, Stage::Open, 4)]),
        (
            &[33, 40],
            100,
            &[
                gone(5, 30),
                is(5, 40, Stage::Ended, 6),
                is(5, 40, Stage::Final, 6),
            ],
        ),
    ]);
}

//! Golden `views`: two views of one source; the one by user keeps rows for a minute only. The other goes to a sink, too.
//!
//! Besides the last rows, every snapshot on the way is looked at, also the one that a run begins with that goes on from
//! earlier state: what the view by user has of a window is together what the view of all has.
//!
//! Which rows have left a view is known for sure only while its watermark stands still: each partition ends with as many
//! records of one moment as fill three epochs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use millstream::engine::{Snapshot, Value, VirtualClock};
use millstream::prelude::*;
use millstream::testing::{Act, FaultStore, Script};

use crate::harness::{Answer, check, counts_of, expected, rows_of, rows_of_view};
use crate::last_views::LastViews;

/// When, who, and how long it took in milliseconds.
type Visit = (i64, u64, i64);

const N_LAST: usize = 30;
const LAST_MS: i64 = 240_000;

/// Three partitions, a record every two seconds in each, every other one 800 ms before its turn.
fn input() -> Vec<Vec<Visit>> {
    let partition = |p: i64| {
        let wandering = (0..110).map(move |n| {
            let ms = n * 2_000 + p * 300 + 800 * ((n + 1) % 2);
            (ms, (n * 7 + p).unsigned_abs() % 5, (n * 37 + p * 11) % 90)
        });
        let last = (0..N_LAST as i64).map(move |n| (LAST_MS, n.unsigned_abs() % 5, p * 10 + n % 3));
        wandering.chain(last).collect()
    };
    (0..3).map(partition).collect()
}

fn pipeline(flow: &mut Flow<'_>, script: &Script<(u64, i64)>, rows: &Memory) -> Result<()> {
    let visits = flow
        .source("visits", script.clone())
        .event_time(|(time, _)| *time, Watermarks::bounded(seconds(1)));
    let ten = Tumbling::of(seconds(10)).lateness(seconds(5));
    visits
        .key_with("user", |(_, (user, _))| *user)
        .window(ten)
        .aggregate("by_user", |of| {
            (
                of.count("n"),
                of.count_distinct("times", |(_, (_, took))| took),
                of.sum("took", |(_, (_, took))| *took),
            )
        })
        .view_with("by_user", ViewSettings::default().keep(minutes(1)))?;
    let all = visits.window(ten).aggregate("all", |of| {
        (
            of.count("n"),
            of.count_distinct("users", |(_, (user, _))| user),
            of.approx_count_distinct("times", |(_, (_, took))| took),
        )
    });
    all.view("all")?;
    all.closed().sink("rows", rows.clone())
}

/// How many visits a view has by window; `column` counts them.
fn visits_by_window(snapshot: &Snapshot, view: &str, column: usize) -> BTreeMap<Window, i64> {
    let mut windows = BTreeMap::new();
    for (key, values) in snapshot.views[view].rows() {
        let Value::Int(n) = values[column] else {
            panic!("{values:?}")
        };
        *windows
            .entry(key.window.expect("it is windowed"))
            .or_default() += n;
    }
    windows
}

fn agree(snapshot: &Snapshot) {
    let all = visits_by_window(snapshot, "all", 2);
    for (window, n) in visits_by_window(snapshot, "by_user", 3) {
        assert_eq!(
            all.get(&window),
            Some(&n),
            "{window:?} at {}",
            snapshot.epoch
        );
    }
}

#[test]
fn two_views() -> anyhow::Result<()> {
    let act = |(ms, user, took): Visit| Act::Emit(EventTime::from_millis(ms), (user, took));
    let partitions = input().into_iter();
    let partitions = partitions.map(|visits| visits.into_iter().map(act).collect());
    let script = Script::new(partitions.collect());
    check("views", &[1, 2, 4], |way| {
        let (store, last, rows) = (FaultStore::new(), LastViews::default(), Memory::new());
        let ran = way.run("views", |app| {
            let (script, rows) = (script.clone(), rows.clone());
            let app = app.watch(|run| {
                run.catalog()
                    .watch(|snapshot: &Arc<Snapshot>| agree(snapshot))
            });
            last.of(app)
                .clock(VirtualClock::starting_at(EventTime::from_millis(0)))
                .epochs(millis(0), 10)
                .state(State::in_store(store.clone()).every(millis(0)))
                .run(move |flow| pipeline(flow, &script, &rows))
        })?;
        let mut answer = Answer::from([
            ("by_user", rows_of_view(&last, "by_user")?),
            ("all", rows_of_view(&last, "all")?),
            ("rows", rows_of(&rows)?),
        ]);
        answer.extend(counts_of(&ran).map(|counts| ("counts", counts)));
        Ok((ran, answer))
    })
}

#[test]
fn two_views_are_what_a_recomputation_gives() -> anyhow::Result<()> {
    let mut by_user: BTreeMap<(i64, u64), Vec<i64>> = BTreeMap::new();
    let mut all: BTreeMap<i64, Vec<(u64, i64)>> = BTreeMap::new();
    for (ms, user, took) in input().into_iter().flatten() {
        let window = ms.div_euclid(10_000);
        by_user.entry((window, user)).or_default().push(took);
        all.entry(window).or_default().push((user, took));
    }
    // The last finite watermark is a second before the last record; what had ended a minute before that is gone.
    by_user.retain(|(window, _), _| (window + 1) * 10_000 >= LAST_MS - 1_000 - 60_000);
    let start = |window: i64| EventTime::from_millis(window * 10_000).to_string();
    let n_distinct = |values: &mut dyn Iterator<Item = i64>| values.collect::<BTreeSet<_>>().len();

    // The newest window stands first, and within it the keys in their order.
    let mut expect: Vec<_> = by_user.into_iter().collect();
    expect.sort_by_key(|((window, user), _)| (-window, *user));
    let found = expected("views", "by_user")?;
    assert_eq!(found.len(), expect.len());
    for (row, ((window, user), took)) in found.iter().zip(expect) {
        assert_eq!(
            (&row["window_start"], &row["user"]),
            (&start(window).into(), &user.into())
        );
        assert_eq!(
            (&row["n"], &row["final"]),
            (&took.len().into(), &true.into())
        );
        assert_eq!(row["times"], n_distinct(&mut took.iter().copied()));
        assert_eq!(row["took"], took.iter().sum::<i64>());
    }

    let found = expected("views", "all")?;
    assert_eq!(found.len(), all.len());
    let closed = expected("views", "rows")?;
    assert_eq!(closed.len(), all.len());
    for (row, closed) in found.iter().rev().zip(closed) {
        let mut row = row.as_object().expect("an object").clone();
        row.remove("final");
        assert_eq!(serde_json::Value::from(row), closed);
    }
    for (row, (window, visits)) in found.iter().zip(all.into_iter().rev()) {
        assert_eq!(
            (&row["window_start"], &row["final"]),
            (&start(window).into(), &true.into())
        );
        assert_eq!(row["n"], visits.len());
        let users = visits.iter().map(|(user, _)| *user as i64);
        assert_eq!(row["users"], n_distinct(&mut { users }));
        let took = visits.iter().map(|(_, took)| *took);
        assert_eq!(
            row["times"],
            n_distinct(&mut { took }),
            "exact where there are few"
        );
    }
    Ok(())
}

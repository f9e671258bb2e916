//! Golden `late`: windows of 30 s with 20 s of lateness over a file of visits, some of which come very late.
//!
//! Every window's row is right, every late visit is counted and goes to a sink of its own, and the two broken lines are
//! rejected once, though they are read again after a crash.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use millstream::engine::VirtualClock;
use millstream::prelude::*;
use millstream::testing::FaultStore;
use serde::{Deserialize, Serialize};

use crate::harness::{Answer, check, counts_of, expected, folder, rows_of};

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Visit {
    at: EventTime,
    page: String,
    user: String,
    ms: u32,
    paid: f64,
}

const WINDOW: i64 = 30_000_000;
const LATENESS: i64 = 20_000_000;
const BOUND: i64 = 5_000_000;

fn pipeline(flow: &mut Flow<'_>, rows: &Memory, late: &Memory) -> Result<()> {
    let files = NdjsonFiles::new(folder("late").join("input.ndjson").display().to_string());
    let pages = flow
        .source("visits", files.decode(Json::<Visit>::new()))
        .event_time(|visit| visit.at, Watermarks::bounded(seconds(5)))
        .key_by("page", |visit| &visit.page)
        .window(Tumbling::of(seconds(30)).lateness(seconds(20)))
        .aggregate("pages", |of| {
            (
                of.count("visits"),
                of.count_distinct("users", |visit| &visit.user),
                of.approx_count_distinct("about", |visit| &visit.user),
                of.sum("ms", |visit| visit.ms),
                of.sum("paid", |visit| visit.paid),
                of.max("longest", |visit| visit.ms),
                of.mean("mean_ms", |visit| visit.ms),
                of.quantile("median_ms", 0.5, |visit| visit.ms),
            )
        });
    pages.closed().sink("rows", rows.clone())?;
    pages
        .late()
        .columns(("at", "page", "user"), |visit| {
            (visit.at, visit.page.clone(), visit.user.clone())
        })
        .sink("late", late.clone())
}

#[test]
fn late_visits() -> anyhow::Result<()> {
    // The visits of a file must be from before the run.
    let now: EventTime = "2026-03-02T00:00:00Z".parse()?;
    check("late", &[1, 2, 4], |way| {
        let (store, rows, late) = (FaultStore::new(), Memory::new(), Memory::new());
        let ran = way.run("late", |app| {
            let (rows, late) = (rows.clone(), late.clone());
            let app = app.clock(VirtualClock::starting_at(now));
            app.epochs(millis(0), 3)
                .state(State::in_store(store.clone()).every(millis(0)))
                .run(move |flow| pipeline(flow, &rows, &late))
        })?;
        let mut answer = Answer::from([("rows", rows_of(&rows)?), ("late", rows_of(&late)?)]);
        answer.extend(counts_of(&ran).map(|counts| ("counts", counts)));
        Ok((ran, answer))
    })
}

/// The lines of the file, and with each the newest time before it.
fn read() -> anyhow::Result<(Vec<(Visit, i64)>, usize)> {
    let text = fs::read_to_string(folder("late").join("input.ndjson"))?;
    let (mut visits, mut n_broken, mut newest) = (Vec::new(), 0, i64::MIN / 2);
    for line in text.lines() {
        let Ok(visit) = serde_json::from_str::<Visit>(line) else {
            n_broken += 1;
            continue;
        };
        let at = visit.at.micros();
        visits.push((visit, newest));
        newest = newest.max(at);
    }
    Ok((visits, n_broken))
}

fn start(visit: &Visit) -> i64 {
    visit.at.micros().div_euclid(WINDOW) * WINDOW
}

#[test]
fn late_visits_are_what_a_recomputation_gives() -> anyhow::Result<()> {
    let (visits, n_broken) = read()?;
    let n_events = visits.len();
    // The watermark is 5 s behind the newest visit before; the window of a late one was final by then.
    let is_late =
        |(visit, newest): &(Visit, i64)| start(visit) + WINDOW + LATENESS <= newest - BOUND;
    let (late, on_time): (Vec<_>, Vec<_>) = visits.into_iter().partition(is_late);
    let counts = expected("late", "counts")?;
    assert_eq!(counts[0]["events"], n_events);
    assert_eq!(counts[0]["late"], late.len());
    assert_eq!(counts[0]["rejected"], n_broken);
    assert!(late.len() >= 5 && n_broken == 2, "{} late", late.len());

    let mut late: Vec<_> = late.into_iter().map(|(visit, _)| visit).collect();
    late.sort_by(|a, b| (a.at, &a.page, &a.user).cmp(&(b.at, &b.page, &b.user)));
    let found = expected("late", "late")?;
    assert_eq!(found.len(), late.len());
    for (row, visit) in found.iter().zip(&late) {
        assert_eq!(row["at"], visit.at.to_string());
        assert_eq!(
            (&row["page"], &row["user"]),
            (&visit.page.as_str().into(), &visit.user.as_str().into())
        );
    }

    let mut groups: BTreeMap<(i64, String), Vec<Visit>> = BTreeMap::new();
    for (visit, _) in on_time {
        let group = groups.entry((start(&visit), visit.page.clone()));
        group.or_default().push(visit);
    }
    let found = expected("late", "rows")?;
    assert_eq!(found.len(), groups.len());
    for (row, ((start, page), visits)) in found.iter().zip(groups) {
        assert_eq!(
            row["window_start"],
            EventTime::from_micros(start).to_string()
        );
        assert_eq!(row["page"], page);
        assert_eq!(row["visits"], visits.len());
        let users: BTreeSet<_> = visits.iter().map(|visit| &visit.user).collect();
        assert_eq!(row["users"], users.len());
        assert_eq!(row["about"], users.len(), "exact where there are few");
        let mut ms: Vec<u32> = visits.iter().map(|visit| visit.ms).collect();
        ms.sort_unstable();
        let sum: u32 = ms.iter().sum();
        assert_eq!(row["ms"], sum);
        assert_eq!(row["longest"], ms[ms.len() - 1]);
        let near = |name: &str, exact: f64, by: f64| {
            let found = row[name].as_f64().expect("a number");
            assert!(
                (found - exact).abs() <= by,
                "{name} {found}, exactly {exact}"
            );
        };
        near("mean_ms", f64::from(sum) / ms.len() as f64, 1e-9);
        near("paid", visits.iter().map(|visit| visit.paid).sum(), 1e-9);
        let median = f64::from(ms[ms.len().div_ceil(2) - 1]);
        near("median_ms", median, median * 0.005);
    }
    Ok(())
}

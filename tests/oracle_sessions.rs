//! Sessions against a naive recomputation over the whole input: late records and records that join what was apart, any cut
//! into epochs, 1 to 3 workers, broken off and gone on with in every way.
//!
//! A failure prints the seed; `MILLSTREAM_SEED=<seed>` repeats it.

#[path = "support/random.rs"]
mod random;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use anyhow::{Context, ensure};
use millstream::engine::{Snapshot, Value, ViewSnapshot, hours};
use millstream::prelude::*;
use millstream::testing::{Act, FaultStore, Script, ways};
use random::Random;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Click {
    user: String,
    page: u32,
    ms: i64,
}

type Partitions = Vec<Vec<(i64, Click)>>;

const BOUND_MS: i64 = 1_000;
const GAP_MS: i64 = 1_500;
const LATENESS_MS: i64 = 2_000;
const OVER_MS: i64 = 10_000;
const KEEP_MS: i64 = 4_000;

/// Partitions whose event times wander, with pauses longer than the gap; some records come behind the bound, and of these
/// some within the lateness, where they join sessions that were apart, and some beyond.
fn random_input(random: &mut Random) -> Partitions {
    let mut below = |n: u32| i64::from(random.next_u32() % n);
    let n_partitions = 1 + below(4);
    let partition = |_| {
        let mut now = below(5_000);
        let n = below(300);
        let click = |_| {
            now += if below(30) == 0 { 4_000 } else { below(250) };
            let back = match below(12) {
                0 => below(8_000),
                1..=3 => below(3_000),
                _ => 0,
            };
            let user = format!("u{}", below(6));
            let (page, ms) = (below(20) as u32, below(1_000) - 100);
            // Often exactly a gap after another.
            let time = (now - back) / 250 * 250;
            (time, Click { user, page, ms })
        };
        (0..n).map(click).collect()
    };
    (0..n_partitions).map(partition).collect()
}

/// First and end of a session, user, clicks, pages, sum.
type Row = (i64, i64, String, i64, i64, i64);

/// What should come out: sessions, how many clicks were late, and of the windows over them the number and the clicks.
#[derive(Debug, PartialEq)]
struct Answer {
    sessions: Vec<Row>,
    late: usize,
    over: Vec<(i64, i64, i64)>,
}

fn recompute(input: &Partitions) -> Answer {
    let mut by_user: BTreeMap<&str, Vec<(i64, &Click)>> = BTreeMap::new();
    let mut late = 0;
    for partition in input {
        let mut newest = i64::MIN / 2;
        for (time, click) in partition {
            if time + LATENESS_MS < newest - BOUND_MS {
                late += 1;
            } else {
                by_user.entry(&click.user).or_default().push((*time, click));
            }
            newest = newest.max(*time);
        }
    }
    let mut sessions = Vec::new();
    for (user, mut clicks) in by_user {
        clicks.sort_by_key(|(time, _)| *time);
        for session in clicks.chunk_by(|a, b| b.0 - a.0 <= GAP_MS) {
            let pages: BTreeSet<_> = session.iter().map(|(_, click)| click.page).collect();
            let end = session[session.len() - 1].0 + GAP_MS;
            let sum = session.iter().map(|(_, click)| click.ms).sum();
            let (n, pages) = (session.len() as i64, pages.len() as i64);
            sessions.push((session[0].0, end, user.to_owned(), n, pages, sum));
        }
    }
    sessions.sort();
    let mut over: BTreeMap<i64, (i64, i64)> = BTreeMap::new();
    for (_, end, _, n, ..) in &sessions {
        // A row happens in the last microsecond of its window.
        let start = (end * 1000 - 1).div_euclid(OVER_MS * 1000) * OVER_MS;
        let of_window = over.entry(start).or_default();
        *of_window = (of_window.0 + 1, of_window.1 + n);
    }
    let over = over
        .into_iter()
        .map(|(start, (n, clicks))| (start, n, clicks));
    Answer {
        over: over.collect(),
        sessions,
        late,
    }
}

fn int(value: &Value) -> i64 {
    match value {
        Value::Int(n) => *n,
        Value::Time(time) => time.micros() / 1000,
        _ => panic!("{value:?} is no number"),
    }
}

fn row(values: &[Value]) -> Row {
    let Value::Text(user) = &values[2] else {
        panic!("{values:?}")
    };
    let n = |column: usize| int(&values[column]);
    (n(0), n(1), user.clone(), n(3), n(4), n(5))
}

/// A pipeline with what came out of it.
struct Job {
    script: Script<Click>,
    closed: Memory,
    ended: Memory,
    late: Memory,
    over: Memory,
    views: Arc<Mutex<Arc<Snapshot>>>,
}

impl Job {
    fn new(input: &Partitions) -> Self {
        let act =
            |(ms, click): &(i64, Click)| Act::Emit(EventTime::from_millis(*ms), click.clone());
        let acts = |partition: &Vec<(i64, Click)>| partition.iter().map(act).collect();
        Job {
            script: Script::new(input.iter().map(acts).collect()),
            closed: Memory::new(),
            ended: Memory::new(),
            late: Memory::new(),
            over: Memory::new(),
            views: Arc::default(),
        }
    }

    /// Builds the pipeline and follows its views.
    fn run(&self, app: App) -> Result<Report> {
        let (script, closed, ended) =
            (self.script.clone(), self.closed.clone(), self.ended.clone());
        let (late, over, views) = (
            self.late.clone(),
            self.over.clone(),
            Arc::clone(&self.views),
        );
        let app = app.watch(move |run| {
            run.catalog().watch(move |snapshot| {
                *views.lock().expect("nobody panics with it") = Arc::clone(snapshot);
            })
        });
        app.run(move |flow| {
            let ms = |ms: i64| millis(ms as u64);
            let policy = Watermarks::bounded(ms(BOUND_MS)).idle_after(hours(1));
            let sessions = flow
                .source("clicks", script.clone())
                .event_time(|(time, _)| *time, policy)
                .map(|(_, click)| click)
                .key_by("user", |click| &click.user)
                .window(Session::gap(ms(GAP_MS)).lateness(ms(LATENESS_MS)))
                .aggregate("sessions", |of| {
                    (
                        of.count("clicks"),
                        of.count_distinct("pages", |click| &click.page),
                        of.sum("ms", |click| click.ms),
                    )
                });
            sessions.view_with("all", ViewSettings::default().keep(hours(1)))?;
            sessions.view_with("recent", ViewSettings::default().keep(ms(KEEP_MS)))?;
            sessions.closed().sink("closed", closed.clone())?;
            sessions.on_close().sink("ended", ended.clone())?;
            let late_clicks = sessions.late().columns("ms", |click| click.ms);
            late_clicks.sink("late", late.clone())?;
            let over_them = sessions
                .closed()
                .window(Tumbling::of(ms(OVER_MS)))
                .aggregate("over", |of| {
                    (of.count("n"), of.sum("clicks", |row| row.values.0))
                });
            over_them.late().inspect(|row| panic!("{row:?} is late"));
            over_them.closed().sink("over", over.clone())
        })
    }

    fn answer(&self) -> Answer {
        let mut sessions: Vec<Row> = self
            .closed
            .rows()
            .iter()
            .map(|values| row(values))
            .collect();
        sessions.sort();
        let over = self.over.rows();
        let over = over
            .iter()
            .map(|row| (int(&row[0]), int(&row[2]), int(&row[3])));
        let mut over: Vec<_> = over.collect();
        over.sort();
        Answer {
            sessions,
            late: self.late.rows().len(),
            over,
        }
    }

    /// Compares all that came out with what should have.
    fn check(&self, expected: &Answer) -> anyhow::Result<()> {
        let found = self.answer();
        ensure!(found == *expected, "{found:?}\nshould be\n{expected:?}");
        let last = self.views.lock().expect("nobody panics with it");
        let shown = |view: &ViewSnapshot| -> Vec<Row> {
            let mut rows: Vec<Row> = view.rows().map(|(_, values)| row(values)).collect();
            rows.sort();
            rows
        };
        let all = shown(&last.views["all"]);
        ensure!(
            all == expected.sessions,
            "{all:?}\nis shown, and not\n{expected:?}"
        );
        let recent = &last.views["recent"];
        let from = recent.retained_from.map_or(i64::MIN, |from| from.micros());
        let kept = expected.sessions.iter().filter(|row| row.1 * 1000 >= from);
        let (kept, shown): (Vec<_>, _) = (kept.cloned().collect(), shown(recent));
        ensure!(
            shown == kept,
            "{shown:?}\nis kept from {from}, and not\n{kept:?}"
        );

        // Of all that ended the last word is right, and each row ends once.
        let (mut ends, mut last_word) = (BTreeSet::new(), BTreeMap::new());
        for values in self.ended.rows() {
            let said = row(&values);
            let key = (said.0, said.1, said.2.clone());
            if values[6] == Value::Bool(false) {
                ensure!(ends.insert(key.clone()), "{key:?} ends twice");
            }
            last_word.insert(key, said);
        }
        for row in &expected.sessions {
            let said = last_word.get(&(row.0, row.1, row.2.clone()));
            ensure!(said == Some(row), "{said:?} is the last word on {row:?}");
        }
        Ok(())
    }
}

/// The seeds to try.
fn seeds(n: u64) -> anyhow::Result<std::ops::Range<u64>> {
    Ok(match std::env::var("MILLSTREAM_SEED") {
        Ok(seed) => {
            let seed = seed.parse()?;
            seed..seed + 1
        }
        Err(_) => 20_261_123..20_261_123 + n,
    })
}

#[test]
fn sessions_are_what_a_recomputation_gives() -> anyhow::Result<()> {
    for seed in seeds(30)? {
        let mut random = Random::new(seed);
        let input = random_input(&mut random);
        let expected = recompute(&input);
        for workers in 1..=3 {
            let records = [1 + random.next_u32() as usize % 50, 65_536];
            let records = records[random.next_u32() as usize % 2];
            let job = Job::new(&input);
            let report = job.run(
                App::new("oracle")
                    .workers(workers)
                    .epochs(millis(0), records),
            )?;
            let told = format!("MILLSTREAM_SEED={seed}, {workers} workers, {records} an epoch");
            job.check(&expected).context(told.clone())?;
            ensure!(report.late as usize == expected.late, "{told}: {report:?}");
        }
    }
    Ok(())
}

#[test]
fn however_they_are_broken_off_they_go_on_as_if_nothing_had_happened() -> anyhow::Result<()> {
    let mut n_runs = 0;
    for seed in seeds(3)? {
        let mut random = Random::new(seed);
        let input = random_input(&mut random);
        let expected = recompute(&input);
        for way in ways(&[2]) {
            let (job, store) = (Job::new(&input), FaultStore::new());
            let records = 1 + random.next_u32() as usize % 60;
            let told = format!("MILLSTREAM_SEED={seed}, {way}, {records} an epoch");
            let ran = way.run("sessions", |app| {
                let state = State::in_store(store.clone()).every(millis(0));
                job.run(app.epochs(millis(0), records).state(state))
            });
            n_runs += ran.context(told.clone())?.runs;
            job.check(&expected).context(told)?;
        }
    }
    ensure!(
        n_runs > 60 || std::env::var("MILLSTREAM_SEED").is_ok(),
        "only {n_runs} runs"
    );
    Ok(())
}

//! The main job over a file gives, row for row, what a recomputation from scratch gives, with any number of workers.

#[path = "support/files.rs"]
mod files;
#[path = "support/job.rs"]
mod job;
#[path = "support/letter_log.rs"]
mod letter_log;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use files::{files_below, rows_below};
use job::{clickstream, of_summary};
use letter_log::letters_beside;
use millstream::prelude::*;

const N_EVENTS: u64 = 60_000;
const MINUTE: i64 = 60_000_000;

/// Page views out of order by less than the job allows, with one line in a hundred broken, blank lines and both line ends.
fn write_input(path: &Path) -> anyhow::Result<u64> {
    let start: EventTime = "2026-01-15T10:30:17.5Z".parse()?;
    let generator = Clickstream::new().rate(Rate::PerSecond(200)).seed(11);
    let mut events: Vec<(u64, Event<PageView>)> = (0..N_EVENTS)
        .map(|n| (n, generator.event(n, start)))
        .collect();
    // Shuffled by up to 4.5 s, the same way each time: the bound is 5 s.
    events.sort_by_key(|(n, _)| n * 5_000 + (n * 7_919) % 4_500_000);
    let mut text = String::from("\u{feff}");
    let mut n_broken = 0;
    for (n, event) in &events {
        write!(text, "{}", serde_json::to_string(event)?)?;
        text.push_str(if n % 3 == 0 { "\r\n" } else { "\n" });
        if n % 100 == 0 {
            n_broken += 1;
            text.push_str(
                ["{\"eventId\":\n", "not json at all\n", "[]\n", "{}\n"][(n / 100 % 4) as usize],
            );
        }
        if n % 1_000 == 0 {
            text.push_str("\n  \r\n");
        }
    }
    std::fs::write(path, text.trim_end())?;
    Ok(n_broken)
}

#[derive(Default)]
struct Group {
    views: u64,
    users: BTreeSet<String>,
    sessions: BTreeSet<String>,
    durations: Vec<u64>,
}

/// Every table from scratch, with nothing of Millstream but the file: (minute, key) → what came.
fn recompute(
    path: &Path,
    key: impl Fn(&serde_json::Value) -> String,
) -> BTreeMap<(i64, String), Group> {
    let mut groups: BTreeMap<(i64, String), Group> = BTreeMap::new();
    let text = std::fs::read_to_string(path).expect("the input");
    for line in text.trim_start_matches('\u{feff}').lines() {
        let Ok(event) = serde_json::from_str::<serde_json::Value>(line) else {
            continue;
        };
        let (Some(time), Some(url)) = (event["timestamp"].as_str(), event["data"]["url"].as_str())
        else {
            continue;
        };
        assert!(!url.is_empty());
        let micros = jiff::Timestamp::as_microsecond(time.parse().expect("a time"));
        let text_of = |name: &str| event["data"][name].as_str().expect("text").to_owned();
        let group = groups
            .entry((micros.div_euclid(MINUTE) * MINUTE, key(&event["data"])))
            .or_default();
        group.views += 1;
        group.users.insert(text_of("userId"));
        group.sessions.insert(text_of("sessionId"));
        group
            .durations
            .push(event["data"]["durationMs"].as_u64().expect("a number"));
    }
    groups
}

fn row(&(minute, _): &(i64, String), rest: &[String]) -> Vec<String> {
    [minute.to_string(), (minute + MINUTE).to_string()]
        .into_iter()
        .chain(rest.iter().cloned())
        .collect()
}

fn check_exact(out: &Path, input: &Path) {
    let expected: Vec<_> = recompute(input, |_| String::new())
        .iter()
        .map(|(key, g)| {
            row(
                key,
                &[
                    g.views.to_string(),
                    g.users.len().to_string(),
                    g.sessions.len().to_string(),
                ],
            )
        })
        .collect();
    assert_eq!(rows_below(&out.join("traffic_per_minute")), expected);

    let pages = recompute(input, |data| data["url"].as_str().expect("text").into());
    let rows = rows_below(&out.join("pages_per_minute"));
    assert_eq!(rows.len(), pages.len());
    for (row, ((minute, url), mut group)) in rows.into_iter().zip(pages) {
        assert_eq!(
            row[..3],
            [minute.to_string(), (minute + MINUTE).to_string(), url]
        );
        assert_eq!(
            row[3..5],
            [group.views.to_string(), group.users.len().to_string()],
            "{:?}",
            &row[..3]
        );
        group.durations.sort_unstable();
        let nearest_rank = (group.durations.len() * 95).div_ceil(100) - 1;
        let (p95, exact) = (
            row[5].parse::<f64>().expect("a float"),
            group.durations[nearest_rank] as f64,
        );
        assert!(
            (p95 - exact).abs() <= exact * 0.01,
            "p95 of {:?} is {p95}, not {exact}",
            &row[..3]
        );
    }
}

fn check_approximate(out: &Path, input: &Path) {
    let countries = recompute(input, |data| data["country"].as_str().expect("text").into());
    let rows = rows_below(&out.join("countries_per_minute"));
    assert_eq!(rows.len(), countries.len());
    for (row, ((minute, country), group)) in rows.into_iter().zip(countries) {
        assert_eq!(
            row[..4],
            [
                minute.to_string(),
                (minute + MINUTE).to_string(),
                country,
                group.views.to_string()
            ]
        );
        let (approx, exact) = (
            row[4].parse::<f64>().expect("a count"),
            group.users.len() as f64,
        );
        assert!(
            (approx - exact).abs() <= (exact * 0.03).max(0.5),
            "{:?}: {approx}, not {exact}",
            &row[..3]
        );
    }
}

#[test]
fn row_for_row_what_a_recomputation_gives() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let input = folder.path().join("page_views.ndjson");
    let n_broken = write_input(&input)?;
    assert!(
        std::fs::metadata(&input)?.len() > 3 * 4 * 1024 * 1024,
        "several lanes have something to do"
    );
    let mut first: Option<[Vec<Vec<String>>; 3]> = None;
    for workers in ["1", "2", "3"] {
        let out = folder.path().join(workers);
        let ran = clickstream()
            .args(["--no-http", "--workers", workers, "--input"])
            .arg(&input)
            .arg("--out")
            .arg(&out)
            .output()?;
        assert!(
            ran.status.success(),
            "{}",
            String::from_utf8_lossy(&ran.stderr)
        );
        assert_eq!(of_summary(&ran.stdout, "events"), N_EVENTS as f64);
        assert_eq!(of_summary(&ran.stdout, "rejected"), n_broken as f64);
        assert_eq!(of_summary(&ran.stdout, "late"), 0.0);
        check_exact(&out, &input);
        check_approximate(&out, &input);
        assert_eq!(letters_beside(&out.join(".state")).len() as u64, n_broken);
        let hidden = files_below(&out)
            .into_iter()
            .filter(|f| f.components().any(|c| c.as_os_str() == ".staging"));
        assert_eq!(hidden.count(), 0, "nothing is left behind");
        let tables = [
            "pages_per_minute",
            "countries_per_minute",
            "traffic_per_minute",
        ];
        let rows = tables.map(|table| rows_below(&out.join(table)));
        assert!(
            first.get_or_insert_with(|| rows.clone()) == &rows,
            "bit for bit the same with {workers} workers"
        );
    }
    Ok(())
}

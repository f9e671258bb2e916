//! Every query of Nexmark gives what a recomputation from scratch gives: over events that are made up as it goes, made up
//! beforehand, or read from a file whose lines are out of order and not all events; on one worker or on two.

#[path = "../examples/nexmark"]
#[allow(dead_code, reason = "the example uses all of it")]
mod nexmark {
    // Their own tests run here: those of examples do not.
    pub(crate) mod euros;
    pub(crate) mod event;
    pub(crate) mod generator;
    pub(crate) mod pace;
    pub(crate) mod random;
}
#[path = "support/files.rs"]
mod files;
#[path = "support/naive.rs"]
mod naive;
#[path = "support/nexmark.rs"]
mod process;

use std::path::Path;

use files::{files_below, rows_below};
use naive::rows_of;
use nexmark::event::Event;
use nexmark::generator::Generator;
use process::{QUERIES, check_rows, nexmark, ran, rows, sorted};

const SEED: u64 = 11;

/// The first `n` events, of which `rate` happen in a second.
fn events(n: u64, rate: u64) -> Vec<Event> {
    let generator = Generator::new(SEED, rate);
    (0..n).map(|n| generator.event(n)).collect()
}

/// Checks `query` over the first `n` made-up events; gives what the run said.
fn check_made_up(query: &str, [n, rate]: [u64; 2], flags: &[&str], output: &Path) {
    let events = events(n, rate);
    let mut command = nexmark(query);
    command.args(["--events", &n.to_string(), "--seed", &SEED.to_string()]);
    command.args(["--rate-of-event-time", &rate.to_string()]);
    command.args(flags).arg("--output").arg(output);
    let (summary, _) = ran(&mut command);
    let expected = sorted(rows_of(query, &events));
    let context = format!("{query} {flags:?}");
    check_rows(&context, &rows(output), &expected);
    assert_eq!(summary["query"], query, "{context}");
    assert_eq!(summary["events"], n, "{context}");
    assert_eq!(summary["rows"], expected.len(), "{context}");
    assert_eq!(summary["event_time_rate"], rate, "{context}");
    assert!(!expected.is_empty(), "{context}");
}

/// All but the one that depends on when it runs.
fn queries() -> impl Iterator<Item = &'static str> {
    QUERIES.into_iter().filter(|query| *query != "q12")
}

#[test]
fn over_events_that_are_made_up() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let output = folder.path().join("rows.ndjson");
    for query in queries() {
        check_made_up(query, [10_000, 100], &["--workers", "1"], &output);
        let beforehand = ["--workers", "2", "--made-beforehand"];
        check_made_up(query, [10_000, 100], &beforehand, &output);
    }
    assert_eq!(
        files_below(folder.path()),
        [output],
        "and leaves nothing else"
    );
    Ok(())
}

#[test]
fn over_more_than_a_day() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let output = folder.path().join("rows.ndjson");
    for query in ["q14", "q15", "q16", "q17"] {
        check_made_up(query, [90_000, 1], &["--workers", "2"], &output);
    }
    Ok(())
}

#[test]
fn over_moments_at_which_much_happens() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let output = folder.path().join("rows.ndjson");
    // Five events a millisecond, so what comes first is often for other columns to say; and auctions often end as bids come.
    for query in ["q3", "q4", "q6", "q8", "q9", "q13", "q18", "q19", "q20"] {
        check_made_up(query, [20_000, 5_000], &["--workers", "2"], &output);
    }
    Ok(())
}

/// Events out of order by up to four seconds, with broken lines among them.
fn write_file(path: &Path, events: &[Event]) -> anyhow::Result<u64> {
    let mut order: Vec<usize> = (0..events.len()).collect();
    // At a hundred a second: the same way each time.
    order.sort_by_key(|n| n + n * 7_919 % 400);
    let mut text = String::new();
    let mut n_broken = 0;
    for (i, n) in order.into_iter().enumerate() {
        text.push_str(&serde_json::to_string(&events[n])?);
        text.push('\n');
        if i % 1_000 == 0 {
            let broken = [
                "{\"Bid\":{\"auction\":1}}",
                "{\"Bid\":",
                "oops",
                "{\"Offer\":{}}",
            ];
            text.push_str(broken[n_broken % 4]);
            text.push('\n');
            n_broken += 1;
        }
    }
    std::fs::write(path, text)?;
    Ok(n_broken as u64)
}

#[test]
fn over_a_file() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (input, output) = (
        folder.path().join("in.ndjson"),
        folder.path().join("rows.ndjson"),
    );
    let events = events(10_000, 100);
    let n_broken = write_file(&input, &events)?;
    for query in queries() {
        let expected = sorted(rows_of(query, &events));
        for flags in [
            &["--workers", "1"][..],
            &["--workers", "2", "--out-of-orderness-ms", "4000"],
        ] {
            let mut command = nexmark(query);
            command
                .args(flags)
                .arg("--input")
                .arg(&input)
                .arg("--output")
                .arg(&output);
            let (summary, told) = ran(&mut command);
            let context = format!("{query} {flags:?}");
            check_rows(&context, &rows(&output), &expected);
            assert_eq!(summary["events"], events.len(), "{context}");
            assert!(summary["event_time_rate"].is_null());
            assert!(told.contains(&format!("no events: {n_broken}\n")), "{told}");
        }
    }
    Ok(())
}

#[test]
fn rows_that_are_written_down_are_right() -> anyhow::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/nexmark");
    let events = std::fs::read_to_string(folder.join("events.ndjson"))?;
    let events = events.lines().map(serde_json::from_str::<Event>);
    let events: Vec<Event> = events.filter_map(Result::ok).collect();
    for query in queries() {
        let written = rows(&folder.join(query).with_extension("ndjson"));
        check_rows(query, &written, &sorted(rows_of(query, &events)));
    }
    Ok(())
}

#[test]
fn by_the_clock_every_bid_counts_once() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let output = folder.path().join("rows.ndjson");
    let mut command = nexmark("q12");
    command
        .args(["--events", "20000", "--workers", "2", "--output"])
        .arg(&output);
    let (summary, _) = ran(&mut command);
    let rows = rows(&output);
    assert_eq!(summary["rows"], rows.len());
    let mut n_bids = 0;
    for row in rows {
        let number = |name: &str| row[name].parse::<i64>();
        let (start, end) = (number("starttime")?, number("endtime")?);
        assert_eq!((end - start, start % 10_000), (10_000, 0), "{row:?}");
        assert!(number("bidder")? >= 1_000, "{row:?}");
        n_bids += number("bid_count")?;
    }
    assert_eq!(n_bids, 20_000 / 50 * 46);
    Ok(())
}

#[test]
fn bids_lie_in_the_folder_of_their_minute() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut command = nexmark("q10");
    command
        .args([
            "--events",
            "20000",
            "--rate-of-event-time",
            "100",
            "--files",
        ])
        .arg(folder.path());
    ran(&mut command);
    let manifests = files_below(folder.path());
    let manifests = manifests
        .iter()
        .filter(|path| path.ends_with("_manifest.json"));
    assert_eq!(manifests.count(), 4, "two hundred seconds");
    for (minute, expected) in (0..4).zip([6_000, 6_000, 6_000, 2_000]) {
        let below = format!("date=2015-07-15/hour=00/minute={minute:02}");
        let rows = rows_below(&folder.path().join(below));
        assert_eq!(rows.len(), expected / 50 * 46);
        let of_minute = ["2015-07-15".to_owned(), format!("00:{minute:02}")];
        assert!(
            rows.iter().all(|row| row[5..] == of_minute),
            "{:?}",
            rows[0]
        );
    }
    Ok(())
}

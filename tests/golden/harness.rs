//! Runs a golden pipeline in all ways and compares each answer with the expected files.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use millstream::connectors::write_ndjson;
use millstream::engine::{Column, Value};
use millstream::prelude::*;
use millstream::testing::{Ran, Way, ways};

use crate::last_views::LastViews;

/// Tables of rows, one JSON object a line, by name.
pub(crate) type Answer = BTreeMap<&'static str, String>;

/// The folder of golden `name`.
pub(crate) fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name)
}

/// Runs golden `name` in all ways, with crashes at each step of the `nth` commits; `run` gives what came of one way.
#[expect(
    clippy::print_stdout,
    reason = "how much was tried is part of the result"
)]
pub(crate) fn check(
    name: &str,
    nth: &[u64],
    mut run: impl FnMut(&Way) -> anyhow::Result<(Ran, Answer)>,
) -> anyhow::Result<()> {
    let updates = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut n_runs = 0;
    let mut n_crashed = BTreeMap::new();
    for (n, way) in ways(nth).into_iter().enumerate() {
        let (ran, answer) = run(&way).with_context(|| format!("golden {name}, {way}"))?;
        for (table, rows) in answer {
            let path = folder(name).join(format!("expected.{table}.ndjson"));
            if updates && n == 0 {
                fs::create_dir_all(folder(name))?;
                fs::write(&path, &rows)?;
            }
            let expected = fs::read_to_string(&path);
            let expected = expected.with_context(|| path.display().to_string())?;
            compare(&rows, &expected)
                .with_context(|| format!("golden {name}, {way}: table {table}"))?;
        }
        n_runs += ran.runs;
        // "…, crash at Committed:2, …": whether it came to that.
        let way = way.to_string();
        if let Some((_, point)) = way.split_once("crash at ") {
            let step = point.split(':').next().unwrap_or_default().to_owned();
            *n_crashed.entry(step).or_insert(0) += usize::from(ran.runs > 1);
        }
    }
    println!("golden {name}: {n_runs} runs; ways that crashed, by step: {n_crashed:?}");
    // Every run commits at least once, so it always comes to these.
    for step in ["Staged", "Written", "Voted", "Committed", "Published"] {
        ensure!(n_crashed[step] > 0, "no way has crashed at {step}");
    }
    Ok(())
}

/// Says where two tables differ first.
fn compare(found: &str, expected: &str) -> anyhow::Result<()> {
    if found == expected {
        return Ok(());
    }
    let (found, expected): (Vec<_>, Vec<_>) = (found.lines().collect(), expected.lines().collect());
    let n_same = found.iter().zip(&expected).take_while(|(a, b)| a == b);
    let n = n_same.count();
    anyhow::bail!(
        "{} rows, {} expected; row {n} is {:?}, and should be {:?}",
        found.len(),
        expected.len(),
        found.get(n),
        expected.get(n),
    )
}

/// What a golden expects of `table`, row by row.
pub(crate) fn expected(name: &str, table: &str) -> anyhow::Result<Vec<serde_json::Value>> {
    let text = fs::read_to_string(folder(name).join(format!("expected.{table}.ndjson")))?;
    let rows = text.lines().map(serde_json::from_str);
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The rows that a sink was given.
pub(crate) fn rows_of(memory: &Memory) -> anyhow::Result<String> {
    ndjson(&memory.columns(), memory.rows())
}

fn ndjson<R: AsRef<[Value]>>(
    columns: &[Column],
    rows: impl IntoIterator<Item = R>,
) -> anyhow::Result<String> {
    let mut text = Vec::new();
    write_ndjson(columns, rows, &mut text)?;
    Ok(String::from_utf8(text)?)
}

/// What was counted, as a table; a run that found nothing left to do has counted nothing.
pub(crate) fn counts_of(ran: &Ran) -> Option<String> {
    let Report {
        events,
        rejected,
        late,
        ..
    } = &ran.report;
    let counts = serde_json::json!({ "events": events, "late": late, "rejected": rejected });
    (ran.report != Report::default()).then(|| format!("{counts}\n"))
}

/// The rows of view `name` as they were last shown.
pub(crate) fn rows_of_view(last: &LastViews, name: &str) -> anyhow::Result<String> {
    ndjson(&last.columns(name), last.rows(name))
}

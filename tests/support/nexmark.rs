//! The example `nexmark` as a process, and what it wrote.
#![allow(dead_code, reason = "not every test needs all of it")]

#[path = "example.rs"]
mod example;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::Path;
use std::process::Command;

use example::example;
use serde_json::Value;
use serde_json::value::RawValue;

/// All queries.
pub(crate) const QUERIES: [&str; 23] = [
    "q0", "q1", "q2", "q3", "q4", "q5", "q6", "q7", "q8", "q9", "q10", "q11", "q12", "q13", "q14",
    "q15", "q16", "q17", "q18", "q19", "q20", "q21", "q22",
];

/// Query `query`.
pub(crate) fn nexmark(query: &str) -> Command {
    let mut command = example("nexmark");
    command.args(["--query", query]);
    command
}

/// What a run that went well said on standard output, and on standard error.
pub(crate) fn ran(command: &mut Command) -> (Value, String) {
    let ran = command.output().expect("it runs");
    let told = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(ran.status.success(), "{command:?}: {told}");
    let summary = serde_json::from_slice(&ran.stdout).expect("a line of JSON");
    (summary, told)
}

/// The lines of a file, sorted: rows come in no order.
pub(crate) fn lines(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).expect("the rows");
    let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
    lines.sort_unstable();
    lines
}

/// A row: its values as JSON, by the names of its columns.
pub(crate) type Row = BTreeMap<String, String>;

/// The rows in a file, sorted.
pub(crate) fn rows(path: &Path) -> Vec<Row> {
    let parse = |line: &String| {
        // As the text that it is: a number that is parsed may be another.
        let row: BTreeMap<String, Box<RawValue>> = serde_json::from_str(line).expect("a row");
        let columns = row.into_iter();
        columns
            .map(|(name, value)| (name, value.get().to_owned()))
            .collect()
    };
    sorted(lines(path).iter().map(parse))
}

/// Rows as [`rows`] gives them.
pub(crate) fn sorted(rows: impl IntoIterator<Item = Row>) -> Vec<Row> {
    let mut rows: Vec<_> = rows.into_iter().collect();
    rows.sort_unstable();
    rows
}

/// Fails unless both are the same, and says where they are not.
pub(crate) fn check_rows<R: PartialEq + Debug>(context: &str, rows: &[R], expected: &[R]) {
    let mut pairs = rows.iter().zip(expected);
    if let Some((row, wanted)) = pairs.find(|(row, wanted)| row != wanted) {
        panic!("{context}: the first row that differs is {row:?}, not {wanted:?}");
    }
    assert_eq!(rows.len(), expected.len(), "{context}");
}

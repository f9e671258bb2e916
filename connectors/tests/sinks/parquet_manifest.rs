//! A partition that the watermark has left on every worker is declared final, by a manifest of what is in it.

use std::fs;

use millstream_engine::EventTime;
use serde_json::json;

use crate::kit::{all_files, manifest, row, start_parquet, time};

const DAY: &str = "date=2026-11-23";
const NEXT_DAY: &str = "2026-11-24T00:00:05Z";

#[test]
fn written_by_the_last_worker_to_leave() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = start_parquet(folder.path(), "r1", 2);
    run.write(
        0,
        [
            row("2026-11-23T10:00:00Z", "/a", 1),
            row("2026-11-23T10:01:00Z", "/a", 1),
        ],
    );
    run.write(1, [row("2026-11-23T10:00:00Z", "/b", 1)]);
    assert_eq!(run.commit(0, NEXT_DAY), [2]);
    assert_eq!(
        manifest(folder.path(), DAY),
        None,
        "worker 1 may still have rows"
    );
    let staged = run.stage(1, "2026-11-24T00:00:02Z");
    assert_eq!(
        manifest(folder.path(), DAY),
        None,
        "worker 1 has a file to publish"
    );
    run.publish(1, &staged);
    assert_eq!(
        manifest(folder.path(), DAY).unwrap(),
        json!({
            "final": true,
            "rows": 3,
            "files": [
                { "name": "part-r1-1.2-0-0.parquet", "rows": 2 },
                { "name": "part-r1-1.2-1-0.parquet", "rows": 1 },
            ],
            "watermark": "2026-11-24T00:00:02Z",
            "late_corrections": 0,
        })
    );
}

#[test]
fn written_by_a_worker_that_had_no_rows() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = start_parquet(folder.path(), "r1", 2);
    run.write(0, [row("2026-11-23T10:00:00Z", "/a", 1)]);
    assert_eq!(run.commit(0, NEXT_DAY), [1]);
    assert_eq!(manifest(folder.path(), DAY), None);
    assert_eq!(run.commit(1, NEXT_DAY), [0; 0]);
    assert_eq!(manifest(folder.path(), DAY).unwrap()["rows"], 1);
}

#[test]
fn not_written_for_a_partition_that_the_run_ends_in() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = start_parquet(folder.path(), "r1", 1);
    run.write(
        0,
        [
            row("2026-11-23T10:00:00Z", "/a", 1),
            row("2026-11-24T10:00:00Z", "/a", 1),
        ],
    );
    assert_eq!(run.finish(0, time("2026-11-24T10:01:00Z")), [1, 1]);
    assert_eq!(
        all_files(folder.path()),
        [
            "date=2026-11-23/_manifest.json",
            "date=2026-11-23/part-r1-1.1-0-0.parquet",
            "date=2026-11-24/part-r1-1.1-0-1.parquet",
        ]
    );
}

#[test]
fn counts_what_came_after_it_as_late_corrections() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = start_parquet(folder.path(), "r1", 1);
    run.write(0, [row("2026-11-23T10:00:00Z", "/a", 1)]);
    run.commit(0, NEXT_DAY);
    run.write(
        0,
        [
            row("2026-11-23T10:00:00Z", "/b", 1),
            row("2026-11-23T10:00:00Z", "/c", 1),
        ],
    );
    assert_eq!(run.finish(0, EventTime::MAX), [2]);
    let after = manifest(folder.path(), DAY).unwrap();
    assert_eq!(
        (&after["rows"], &after["late_corrections"]),
        (&json!(3), &json!(2))
    );
    assert_eq!(after["watermark"], json!(null), "the input had ended");

    // And so does another run.
    let mut run = start_parquet(folder.path(), "r2", 1);
    run.write(0, [row("2026-11-23T10:00:00Z", "/d", 1)]);
    assert_eq!(run.finish(0, EventTime::MAX), [1]);
    let after = manifest(folder.path(), DAY).unwrap();
    assert_eq!(
        (&after["rows"], &after["late_corrections"]),
        (&json!(4), &json!(3))
    );
    assert_eq!(after["files"].as_array().unwrap().len(), 3);
}

#[test]
fn lists_files_of_earlier_runs_that_ended_in_the_partition() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = start_parquet(folder.path(), "r1", 1);
    run.write(0, [row("2026-11-23T10:00:00Z", "/a", 1)]);
    run.finish(0, time("2026-11-23T10:01:00Z"));
    let mut run = start_parquet(folder.path(), "r2", 1);
    run.write(0, [row("2026-11-23T11:00:00Z", "/a", 1)]);
    run.finish(0, EventTime::MAX);
    let both = manifest(folder.path(), DAY).unwrap();
    assert_eq!(
        both["files"],
        json!([
            { "name": "part-r1-1.1-0-0.parquet", "rows": 1 },
            { "name": "part-r2-1.1-0-0.parquet", "rows": 1 },
        ])
    );
    assert_eq!(
        (&both["rows"], &both["late_corrections"]),
        (&json!(2), &json!(0))
    );
}

#[test]
fn what_others_left_in_the_folder_does_not_stop_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let day = folder.path().join(DAY);
    fs::create_dir_all(&day).unwrap();
    fs::write(day.join("broken.parquet"), "not parquet").unwrap();
    fs::write(day.join("_manifest.json"), "not JSON").unwrap();
    let mut run = start_parquet(folder.path(), "r1", 1);
    run.write(0, [row("2026-11-23T10:00:00Z", "/a", 1)]);
    run.finish(0, EventTime::MAX);
    let manifest = manifest(folder.path(), DAY).unwrap();
    assert_eq!(manifest["files"].as_array().unwrap().len(), 1);
}

#[test]
fn written_when_another_process_publishes_what_one_had_staged() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = start_parquet(folder.path(), "r1", 1);
    run.write(0, [row("2026-11-23T10:00:00Z", "/a", 1)]);
    let staged = run.stage(0, NEXT_DAY);
    // A neighbour is at work in the folder, so nothing staged is cleared when the first one dies.
    let mut other = start_parquet(folder.path(), "r2", 1);
    drop(run);
    assert_eq!(other.publish(0, &staged).len(), 1);
    assert_eq!(manifest(folder.path(), DAY), None);
    other.stage(0, NEXT_DAY);
    assert_eq!(manifest(folder.path(), DAY).unwrap()["rows"], 1);
}

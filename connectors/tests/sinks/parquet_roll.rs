//! When a file is due: rows, bytes, age, the watermark, the end; and into which folders rows go.

use millstream_connectors::{ParquetFiles, SinkError};
use millstream_engine::{EventTime, Sink, SinkContext, minutes, seconds};

use crate::kit::{Run, all_files, context, row, start_parquet, visible_files};

const EARLY: &str = "2026-11-23T10:00:00Z";

#[test]
fn by_rows() {
    let folder = tempfile::tempdir().unwrap();
    let sink = ParquetFiles::new(folder.path()).roll_rows(3);
    let mut run = Run::start(&sink, "r1", 1).unwrap();
    run.write(0, [row(EARLY, "/a", 1), row(EARLY, "/b", 1)]);
    assert_eq!(run.commit(0, EARLY), [0; 0], "two rows wait");
    run.write(
        0,
        [row(EARLY, "/c", 1), row("2026-11-24T10:00:00Z", "/a", 1)],
    );
    assert_eq!(
        run.commit(0, EARLY),
        [3],
        "three are enough; those of the next day are not"
    );
    assert_eq!(
        visible_files(folder.path()),
        ["date=2026-11-23/part-r1-1.2-0-0.parquet"]
    );
    run.write(0, [row(EARLY, "/d", 1)]);
    assert_eq!(run.commit(0, EARLY), [0; 0], "and counting begins anew");
}

#[test]
fn by_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let sink = ParquetFiles::new(folder.path()).roll_bytes(10_000);
    let mut run = Run::start(&sink, "r1", 1).unwrap();
    run.write(0, [row(EARLY, &"/".repeat(4_000), 1)]);
    assert_eq!(run.commit(0, EARLY), [0; 0]);
    run.write(0, [row(EARLY, &"/".repeat(6_000), 1)]);
    assert_eq!(run.commit(0, EARLY), [2]);
}

#[test]
fn by_age_of_the_partitions_first_row() {
    let folder = tempfile::tempdir().unwrap();
    let sink = ParquetFiles::new(folder.path()).roll_after(seconds(30));
    let mut run = Run::start(&sink, "r1", 1).unwrap();
    run.write(0, [row(EARLY, "/a", 1)]);
    assert_eq!(run.commit(0, EARLY), [0; 0]);
    run.now = run.now.plus(seconds(29));
    run.write(
        0,
        [row(EARLY, "/b", 1), row("2026-11-24T10:00:00Z", "/a", 1)],
    );
    assert_eq!(run.commit(0, EARLY), [0; 0]);
    run.now = run.now.plus(seconds(1));
    assert_eq!(
        run.commit(0, EARLY),
        [2],
        "the other day's row is a second old"
    );
    run.now = run.now.plus(seconds(29));
    assert_eq!(run.commit(0, EARLY), [1]);
}

#[test]
fn by_age_of_a_minute_unless_told_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = start_parquet(folder.path(), "r1", 1);
    run.write(0, [row(EARLY, "/a", 1)]);
    assert_eq!(run.commit(0, EARLY), [0; 0]);
    run.now = run.now.plus(minutes(1));
    assert_eq!(run.commit(0, EARLY), [1]);
}

#[test]
fn by_the_watermark_leaving_the_partition() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = start_parquet(folder.path(), "r1", 1);
    run.write(
        0,
        [
            row("2026-11-23T23:59:00Z", "/a", 1),
            row("2026-11-24T00:00:00Z", "/a", 1),
        ],
    );
    assert_eq!(run.commit(0, "2026-11-23T23:59:59.999999Z"), [0; 0]);
    assert_eq!(run.commit(0, "2026-11-24T00:00:00Z"), [1]);
    assert_eq!(
        run.finish(0, "2026-11-24T00:01:00Z".parse().unwrap()),
        [1],
        "the end takes all"
    );
    assert_eq!(
        visible_files(folder.path()),
        [
            "date=2026-11-23/part-r1-1.1-0-0.parquet",
            "date=2026-11-24/part-r1-1.1-0-1.parquet"
        ]
    );
}

#[test]
fn late_corrections_do_not_make_a_file_each() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = start_parquet(folder.path(), "r1", 1);
    run.write(0, [row(EARLY, "/a", 1)]);
    assert_eq!(run.commit(0, "2026-11-24T00:00:00Z"), [1]);
    for n in 0..10 {
        run.write(0, [row(EARLY, "/late", n)]);
        assert_eq!(run.commit(0, "2026-11-24T00:00:05Z"), [0; 0]);
    }
    run.now = run.now.plus(minutes(1));
    assert_eq!(run.commit(0, "2026-11-24T00:00:05Z"), [10]);
}

#[test]
fn hours_stand_below_days_and_nothing_is_left_after_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let sink = ParquetFiles::new(folder.path().join("not/yet/there")).partition_by_hour();
    let mut run = Run::start(&sink, "r1", 1).unwrap();
    run.write(
        0,
        [
            row("2026-11-23T10:59:00Z", "/a", 1),
            row("2026-11-23T11:00:00Z", "/a", 1),
        ],
    );
    assert_eq!(run.commit(0, "2026-11-23T11:00:00Z"), [1]);
    assert_eq!(run.finish(0, EventTime::MAX), [1]);
    let root = folder.path().join("not/yet/there");
    assert_eq!(
        all_files(&root),
        [
            "date=2026-11-23/hour=10/_manifest.json",
            "date=2026-11-23/hour=10/part-r1-1.1-0-0.parquet",
            "date=2026-11-23/hour=11/_manifest.json",
            "date=2026-11-23/hour=11/part-r1-1.1-0-1.parquet",
        ]
    );
    assert!(!root.join(".staging").exists());
}

#[test]
fn minutes_stand_below_hours_and_are_final_when_they_are_said_to_be() {
    let folder = tempfile::tempdir().unwrap();
    let sink = ParquetFiles::new(folder.path())
        .partition_by_minute()
        .final_after(minutes(1));
    let mut run = Run::start(&sink, "r1", 1).unwrap();
    run.write(0, [row("2026-11-23T10:59:59Z", "/a", 1)]);
    assert_eq!(run.commit(0, "2026-11-23T11:00:59.999999Z"), [0; 0]);
    run.write(0, [row("2026-11-23T10:59:00Z", "/late", 1)]);
    assert_eq!(run.commit(0, "2026-11-23T11:01:00Z"), [2], "with the late");
    let minute = "date=2026-11-23/hour=10/minute=59";
    assert_eq!(
        all_files(folder.path()),
        [
            format!("{minute}/_manifest.json"),
            format!("{minute}/part-r1-1.2-0-0.parquet")
        ]
    );
    assert_eq!(run.finish(0, EventTime::MAX), [0; 0]);
}

#[test]
fn a_run_without_rows_leaves_an_empty_folder() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = start_parquet(folder.path(), "r1", 2);
    assert_eq!(run.finish(0, EventTime::MAX), [0; 0]);
    assert_eq!(run.finish(1, EventTime::MAX), [0; 0]);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_folder_that_cannot_be_used_is_found_by_check() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "not a folder").unwrap();
    let sink = ParquetFiles::new(file.join("pages"));
    let error = sink.check(&context("r1", 0, 1)).unwrap_err().to_string();
    assert!(
        error.contains("file/pages") && error.contains("another folder"),
        "{error}"
    );
    ParquetFiles::new(folder.path().join("new"))
        .check(&context("r1", 0, 1))
        .unwrap();
    assert_eq!(
        std::fs::read_dir(folder.path().join("new"))
            .unwrap()
            .count(),
        0
    );
}

#[test]
fn two_sinks_cannot_share_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let (sink, first) = (ParquetFiles::new(folder.path()), context("r1", 0, 1));
    let second = SinkContext {
        name: "other".into(),
        ..first.clone()
    };
    sink.check(&first).unwrap();
    sink.check(&first).unwrap();
    let error = sink
        .check(&second)
        .unwrap_err()
        .downcast::<SinkError>()
        .unwrap();
    assert!(matches!(*error, SinkError::SharedFolder { .. }), "{error}");
    sink.open(&first).unwrap();
    assert!(sink.open(&second).is_err());
}

//! A process may die between any two calls: no half file becomes visible, and no row twice.

use std::fs;

use millstream_connectors::SinkError;
use millstream_engine::{EventTime, Staged};

use crate::kit::{Run, all_files, manifest, row, start_parquet, visible_files};

const DAY: &str = "date=2026-11-23";

fn one_row(run: &mut Run) {
    run.write(0, [row("2026-11-23T10:00:00Z", "/a", 1)]);
}

#[test]
fn between_stage_and_publish() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = start_parquet(folder.path(), "r1", 1);
    one_row(&mut run);
    run.stage_last(0, EventTime::MAX);
    assert_eq!(
        all_files(folder.path()),
        [".staging/part-r1-1.1-0-0.parquet.staged"]
    );
    drop(run);

    let mut run = start_parquet(folder.path(), "r2", 1);
    assert_eq!(
        all_files(folder.path()),
        [""; 0],
        "what nobody published is cleared"
    );
    one_row(&mut run);
    assert_eq!(run.finish(0, EventTime::MAX), [1]);
    assert_eq!(
        visible_files(folder.path()),
        [format!("{DAY}/part-r2-1.1-0-0.parquet")]
    );
    assert!(!folder.path().join(".staging").exists());
}

#[test]
fn between_two_renames_of_one_publish() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = start_parquet(folder.path(), "r1", 1);
    run.write(
        0,
        [
            row("2026-11-23T10:00:00Z", "/a", 1),
            row("2026-11-24T10:00:00Z", "/a", 1),
        ],
    );
    let staged = run.stage_last(0, EventTime::MAX);
    assert_eq!(run.publish(0, &staged[..1]).len(), 1);
    let published = run.publish(0, &staged);
    assert_eq!(published.len(), 1, "only what was not there yet");
    assert!(
        published[0]
            .name
            .ends_with("date=2026-11-24/part-r1-1.1-0-1.parquet")
    );
    assert_eq!(visible_files(folder.path()).len(), 2);
    assert_eq!(run.publish(0, &staged), []);
}

#[test]
fn between_publish_and_manifest() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = start_parquet(folder.path(), "r1", 1);
    one_row(&mut run);
    let staged = run.stage_last(0, EventTime::MAX);
    run.publish(0, &staged);
    fs::remove_file(folder.path().join(DAY).join("_manifest.json")).unwrap();
    run.publish(0, &staged);
    assert_eq!(manifest(folder.path(), DAY).unwrap()["late_corrections"], 0);
}

#[test]
fn a_second_process_does_not_clear_what_the_first_is_about_to_publish() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = start_parquet(folder.path(), "r1", 1);
    one_row(&mut first);
    let staged = first.stage_last(0, EventTime::MAX);
    let mut second = start_parquet(folder.path(), "r2", 1);
    one_row(&mut second);
    assert_eq!(second.finish(0, EventTime::MAX), [1]);
    assert_eq!(first.publish(0, &staged).len(), 1);
    assert_eq!(visible_files(folder.path()).len(), 2);
    assert_eq!(manifest(folder.path(), DAY).unwrap()["rows"], 2);
}

#[test]
fn what_cannot_be_published_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = start_parquet(folder.path(), "r1", 1);
    one_row(&mut run);
    let staged = run.stage_last(0, EventTime::MAX);
    let mut error_of = |staged: &[Staged]| {
        *run.parts[0]
            .publish(staged)
            .unwrap_err()
            .downcast::<SinkError>()
            .unwrap()
    };

    let foreign = Staged("1 2 ../elsewhere/x.parquet".into());
    assert!(matches!(error_of(&[foreign]), SinkError::NotStaged { .. }));

    fs::create_dir_all(folder.path().join(DAY)).unwrap();
    let taken = folder.path().join(DAY).join("part-r1-1.1-0-0.parquet");
    fs::write(&taken, "someone else's").unwrap();
    let error = error_of(&staged);
    assert!(
        matches!(&error, SinkError::Occupied { path } if *path == taken),
        "{error}"
    );
    assert_eq!(fs::read(&taken).unwrap(), b"someone else's");

    fs::remove_file(&taken).unwrap();
    fs::remove_dir_all(folder.path().join(".staging")).unwrap();
    assert!(matches!(error_of(&staged), SinkError::Lost { .. }));
}

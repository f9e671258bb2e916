//! What goes and what stays when a run goes on from a commit.

use millstream_engine::StatePlace;

use super::*;

/// The part of worker 0 of one, after recovery from `committed`.
fn recovered(sink: &ParquetFiles, committed: &str, staged: &[Staged], notes: &[String]) -> Part {
    let cx = sink_context(0, 1, &Arc::default());
    sink.check(&cx).unwrap();
    sink.recover(&cx, committed.parse().unwrap(), staged)
        .unwrap();
    let mut part = sink.part(&cx).unwrap();
    for note in notes {
        part.restore_note(note).unwrap();
    }
    part.publish(staged).unwrap();
    part
}

fn fresh(sink: &ParquetFiles) -> Part {
    sink.part(&sink_context(0, 1, &Arc::default())).unwrap()
}

/// Writes `n` and stages it.
fn stage(part: &mut Part, at: StageAt, time: EventTime, n: i64) -> Vec<Staged> {
    part.write(at.epoch, &mut vec![row(time, n)]).unwrap();
    part.stage(at).unwrap()
}

/// Writes `n` and publishes it.
fn publish(part: &mut Part, at: StageAt, time: EventTime, n: i64) {
    let staged = stage(part, at, time, n);
    assert_eq!(part.publish(&staged).unwrap().len(), 1);
}

/// A sink that stages what it is given at once.
fn eager(root: &Path) -> ParquetFiles {
    ParquetFiles::new(root).roll_rows(1)
}

const DAY: &str = "date=2026-11-23";

#[test]
fn what_was_staged_or_published_after_the_commit_goes_and_all_else_stays() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    let sink = eager(root);
    let mut part = fresh(&sink);
    publish(&mut part, at("1.1", noon()), noon(), 1);
    let named = stage(&mut part, at("1.2", noon()), noon(), 2);
    publish(&mut part, at("1.3", noon()), noon(), 3);
    stage(&mut part, at("1.4", noon()), noon(), 4);
    drop(part);
    let put = |path: &str| fs::write(root.join(path), "").unwrap();
    put(".staging/part-r-9.1-0-0.parquet.staged");
    put(".staging/part-r-1-1-9.1-0-0.parquet.staged");
    put(".staging/date=2026-11-23-_manifest.json.staged");
    put(".staging/probe-17");
    put("date=2026-11-23/part-other-9.1-0-0.parquet");
    put("date=2026-11-23/part-r-1-9.1.parquet");
    put("date=2026-11-23/notes.txt");
    put("part-r-1-9.1-0-0.parquet");

    let expected = [
        ".staging/part-r-1-1-9.1-0-0.parquet.staged",
        ".staging/part-r-9.1-0-0.parquet.staged",
        "date=2026-11-23/notes.txt",
        "date=2026-11-23/part-other-9.1-0-0.parquet",
        "date=2026-11-23/part-r-1-1.1-0-0.parquet",
        "date=2026-11-23/part-r-1-1.2-0-1.parquet",
        "date=2026-11-23/part-r-1-9.1.parquet",
    ];
    for _ in 0..2 {
        drop(recovered(&sink, "1.2", &named, &[]));
        assert_eq!(files(root), expected, "however often it goes on");
    }
    let name = "date=2026-11-23/part-r-1-1.2-0-1.parquet";
    assert_eq!(numbers(&root.join(name)), [2]);
}

#[test]
fn what_was_published_before_the_crash_is_quietly_there() {
    let dir = tempfile::tempdir().unwrap();
    let sink = eager(dir.path());
    let staged = stage(&mut fresh(&sink), at("1.1", noon()), noon(), 1);
    let mut part = recovered(&sink, "1.1", &staged, &[]);
    assert_eq!(visible(dir.path()).len(), 1);
    assert_eq!(part.publish(&staged).unwrap(), []);
    drop(part);
    let mut part = recovered(&sink, "1.1", &staged, &[]);
    fs::remove_file(&visible(dir.path())[0]).unwrap();
    let error = part.publish(&staged).unwrap_err().downcast().unwrap();
    assert!(matches!(*error, SinkError::Lost { .. }), "{error}");
    assert_eq!(sink.delivery(), Delivery::Transactional);
}

#[test]
fn only_a_run_without_snapshots_clears_what_others_staged() {
    let dir = tempfile::tempdir().unwrap();
    let sink = eager(dir.path());
    drop(stage(&mut fresh(&sink), at("1.1", noon()), noon(), 1));
    let staged = [".staging/part-r-1-1.1-0-0.parquet.staged"];
    let cx = sink_context(0, 1, &Arc::default());
    sink.check(&cx).unwrap();
    assert_eq!(files(dir.path()), staged);
    drop(sink.open(&cx).unwrap());
    assert_eq!(files(dir.path()), staged);
    drop(cx);
    let cx = SinkContext {
        place: StatePlace::none(),
        ..sink_context(0, 1, &Arc::default())
    };
    sink.check(&cx).unwrap();
    assert_eq!(files(dir.path()), [""; 0]);
}

#[test]
fn an_open_partition_is_declared_final_by_the_run_in_which_the_watermark_leaves_it() {
    let dir = tempfile::tempdir().unwrap();
    let sink = eager(dir.path());
    let registry = Arc::default();
    let mut parts = [0, 1].map(|worker| sink.part(&sink_context(worker, 2, &registry)).unwrap());
    publish(&mut parts[1], at("1.1", noon()), noon(), 1);
    let staged = stage(&mut parts[0], at("1.2", noon()), noon(), 2);
    // Worker 1 has nothing to stage then.
    parts[1].stage(at("1.2", noon())).unwrap();
    let notes = parts.each_mut().map(|part| part.note().unwrap());
    drop((parts, registry));

    let day = dir.path().join(DAY);
    let midnight = noon().plus(hours(12));
    let mut part = recovered(&sink, "1.2", &staged, &notes);
    part.stage(at("2.1", midnight.minus(seconds(1)))).unwrap();
    assert_eq!(manifest(&day), None, "the watermark is in it");
    let again = [part.note().unwrap()];
    drop(part);
    // And by the run after that, which is told by the one that published nothing.
    let mut part = recovered(&sink, "2.1", &[], &again);
    part.stage(at("3.1", midnight)).unwrap();
    let manifest = manifest(&day).unwrap();
    assert_eq!(
        (&manifest["rows"], &manifest["late_corrections"]),
        (&json!(2), &json!(0))
    );
    assert_eq!(part.stage(last("3.2", midnight)).unwrap(), []);
    assert!(!dir.path().join(".staging").exists());
}

#[test]
fn a_partition_is_not_final_while_another_worker_is_still_to_publish() {
    let dir = tempfile::tempdir().unwrap();
    let sink = eager(dir.path());
    let registry = Arc::default();
    let midnight = noon().plus(hours(12));
    let mut staged = Vec::new();
    let mut notes = Vec::new();
    for worker in 0..2 {
        let mut part = sink.part(&sink_context(worker, 2, &registry)).unwrap();
        staged.push(stage(
            &mut part,
            at("1.1", midnight),
            noon(),
            1 + worker as i64,
        ));
        notes.push(part.note().unwrap());
    }
    drop(registry);
    let registry = Arc::default();
    let cx = |worker| sink_context(worker, 2, &registry);
    let committed = "1.1".parse().unwrap();
    sink.recover(&cx(0), committed, &staged.concat()).unwrap();
    let mut parts = [0, 1].map(|worker| sink.part(&cx(worker)).unwrap());
    for part in &mut parts {
        notes
            .iter()
            .for_each(|note| part.restore_note(note).unwrap());
    }
    let day = dir.path().join(DAY);
    parts[0].publish(&staged[0]).unwrap();
    assert_eq!(manifest(&day), None, "worker 1 has a file to publish");
    parts[1].publish(&staged[1]).unwrap();
    let manifest = manifest(&day).unwrap();
    assert_eq!(
        (&manifest["rows"], &manifest["late_corrections"]),
        (&json!(2), &json!(0))
    );
}

/// A manifest after two files, and one or two late ones, each of one row and in an epoch of its own.
fn four_files(root: &Path) -> ParquetFiles {
    let sink = eager(root);
    let mut part = fresh(&sink);
    let midnight = noon().plus(hours(12));
    publish(&mut part, at("1.1", noon()), noon(), 1);
    publish(&mut part, at("1.2", midnight), noon(), 2);
    publish(&mut part, at("1.3", midnight), noon(), 3);
    publish(&mut part, at("1.4", midnight), noon(), 4);
    sink
}

#[test]
fn a_manifest_is_mended_when_files_that_it_lists_go() {
    for (committed, rows_and_late) in [
        ("1.4", Some((4, 2))),
        ("1.3", Some((3, 1))),
        ("1.2", Some((2, 0))),
        ("1.1", None),
        ("1.0", None),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let sink = four_files(dir.path());
        drop(recovered(&sink, committed, &[], &[]));
        let manifest = manifest(&dir.path().join(DAY));
        let shown = manifest.as_ref().map(|manifest| {
            let number = |field| manifest[field].as_u64().unwrap();
            assert_eq!(
                manifest["files"].as_array().unwrap().len() as u64,
                number("rows")
            );
            (number("rows"), number("late_corrections"))
        });
        assert_eq!(shown, rows_and_late, "going on from {committed}");
        assert!(
            !files(dir.path())
                .iter()
                .any(|path| path.contains(".staging"))
        );
    }
}

#[test]
fn what_no_such_sink_staged_or_noted_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let sink = eager(dir.path());
    let cx = sink_context(0, 1, &Arc::default());
    let foreign = [Staged("elsewhere".into())];
    let error = sink.recover(&cx, Epoch::default(), &foreign).unwrap_err();
    let error = error.downcast().unwrap();
    assert!(matches!(*error, SinkError::NotStaged { .. }), "{error}");
    let error = fresh(&sink).restore_note("?").unwrap_err();
    let error = error.downcast().unwrap();
    assert!(matches!(*error, SinkError::NotANote { .. }), "{error}");
}

//! What a snapshot gets of the rows that wait, and what comes of them when they are given back.

use super::*;

fn open(sink: &ParquetFiles) -> Part {
    sink.part(&sink_context(0, 1, &Arc::default())).unwrap()
}

fn write(part: &mut Part, epoch: &str, rows: impl IntoIterator<Item = SinkRow>) {
    let mut rows = rows.into_iter().collect();
    part.write(epoch.parse().unwrap(), &mut rows).unwrap();
}

#[test]
fn rows_are_handed_over_once_and_the_bucket_is_emptied_when_a_file_is_staged() {
    let dir = tempfile::tempdir().unwrap();
    let mut part = open(&sink(dir.path()).roll_rows(3));
    assert!(!part.holds_rows());
    let mut buckets = Buckets::default();
    write(
        &mut part,
        "1.1",
        [row(noon(), 1), row(noon().plus(hours(12)), 2)],
    );
    assert_eq!(part.stage(at("1.1", noon())).unwrap(), []);
    part.hand_over(&mut buckets);
    assert!(part.holds_rows());
    assert_eq!(buckets.names(), ["date=2026-11-23", "date=2026-11-24"]);
    part.hand_over(&mut buckets);
    assert_eq!(buckets.n_rows(), 2, "nothing came since");
    write(&mut part, "1.2", [row(noon(), 3)]);
    part.stage(at("1.2", noon())).unwrap();
    part.hand_over(&mut buckets);
    assert_eq!(buckets.n_rows(), 3);
    write(&mut part, "1.3", [row(noon(), 4)]);
    let staged = part.stage(at("1.3", noon())).unwrap();
    assert_eq!(staged.len(), 1);
    part.hand_over(&mut buckets);
    assert_eq!(buckets.names(), ["date=2026-11-24"]);
    // What was never handed over leaves no bucket behind: the list of the test would not have it.
    write(&mut part, "1.4", (0..3).map(|n| row(noon(), n)));
    assert_eq!(part.stage(at("1.4", noon())).unwrap().len(), 1);
    part.hand_over(&mut buckets);
    assert_eq!(buckets.n_rows(), 1);
}

#[test]
fn rows_that_are_given_back_wait_on_and_are_not_handed_over_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut part = open(&sink(dir.path()));
    let mut buckets = Buckets::default();
    buckets.rows("date=2026-11-23".into(), vec![row(noon(), 1)]);
    // Those of two old workers.
    for n in 1..3 {
        part.restore("date=2026-11-23", vec![row(noon(), n)])
            .unwrap();
    }
    assert!(part.holds_rows());
    assert_eq!(part.stage(at("2.1", noon())).unwrap(), []);
    part.hand_over(&mut buckets);
    assert_eq!(buckets.n_rows(), 1);
    let staged = part.stage(last("2.2", noon())).unwrap();
    part.hand_over(&mut buckets);
    assert_eq!(buckets.names(), [""; 0]);
    part.publish(&staged).unwrap();
    assert_eq!(numbers(&visible(dir.path())[0]), [1, 2]);
    assert!(!part.holds_rows());
}

#[test]
fn rows_move_to_other_buckets_where_partitions_are_others_now() {
    let dir = tempfile::tempdir().unwrap();
    let mut part = open(&sink(dir.path()).partition_by_hour());
    let rows = vec![row(noon(), 1), row(noon().plus(hours(1)), 2)];
    let mut buckets = Buckets::default();
    buckets.rows("date=2026-11-23".into(), rows.clone());
    part.restore("date=2026-11-23", rows).unwrap();
    part.stage(at("2.1", noon())).unwrap();
    part.hand_over(&mut buckets);
    let hours = ["date=2026-11-23/hour=12", "date=2026-11-23/hour=13"];
    assert_eq!(buckets.names(), hours);
    assert_eq!(buckets.n_rows(), 2);
}

#[test]
fn rows_for_a_partition_that_was_left_in_an_earlier_run_do_not_make_a_file_each() {
    let dir = tempfile::tempdir().unwrap();
    let sink = sink(dir.path());
    let next_day = noon().plus(hours(12));
    let note_at = |watermark| {
        let mut part = open(&sink);
        part.stage(at("1.1", watermark)).unwrap();
        // The input ends then. The next run may be given more of it.
        part.stage(at("1.2", EventTime::MAX)).unwrap();
        part.note().unwrap()
    };
    let n_staged = |notes: &[String]| {
        let mut part = open(&sink);
        notes
            .iter()
            .for_each(|note| part.restore_note(note).unwrap());
        write(&mut part, "2.1", [row(noon(), 1)]);
        part.stage(at("2.1", next_day)).unwrap().len()
    };
    assert_eq!(n_staged(&[note_at(next_day)]), 0, "it was left");
    assert_eq!(n_staged(&[note_at(noon())]), 1, "it is left now");
    for mut notes in [[next_day, noon()], [noon(), next_day]] {
        let both = notes.each_mut().map(|time| note_at(*time));
        assert_eq!(n_staged(&both), 1, "one worker had not left it");
    }
    assert_eq!(
        n_staged(&[note_at(EventTime::MAX)]),
        1,
        "none was left before the end"
    );
}

#[test]
fn a_restart_does_not_make_rows_younger() {
    let dir = tempfile::tempdir().unwrap();
    let sink = sink(dir.path()).roll_after(minutes(1));
    let mut part = open(&sink);
    write(&mut part, "1.1", [row(noon(), 1)]);
    part.stage(at("1.1", noon())).unwrap();
    let (note, mut buckets) = (part.note().unwrap(), Buckets::default());
    part.hand_over(&mut buckets);
    let mut part = open(&sink);
    part.restore("date=2026-11-23", vec![row(noon(), 1)])
        .unwrap();
    part.restore_note(&note).unwrap();
    let later = |second| StageAt {
        now: noon().plus(seconds(second)),
        ..at("2.1", noon())
    };
    assert_eq!(part.stage(later(59)).unwrap(), []);
    assert_eq!(part.stage(later(60)).unwrap().len(), 1);
}

//! Windows that overlap, against a model that keeps them one by one.

use std::time::Duration;

use millstream_engine::raw::{ByRef, Log, NoKey, Replayed};
use millstream_engine::{Change, EventTime, Record, Stage, Window, Windowed, hours, seconds};
use proptest::collection::vec;
use proptest::prelude::*;

use super::model::{Item, LONG_AGO, Model, Row};
use super::{Made, at, demand, seconds_at, tumbling};
use crate::aggregate::Of;
use crate::window::hopping::Hopping;
use crate::window::open_windows::OpenWindows;

/// What comes in an epoch: seconds ahead of the watermark, how far behind, key and number; then whether it is published,
/// and by how many seconds the watermark moves.
type Turn = (Vec<(i64, Option<i64>, Item)>, bool, i64);

fn turn() -> impl Strategy<Value = Turn> {
    let behind = prop_oneof![3 => Just(None), 1 => (0_i64..40).prop_map(Some)];
    let item = (-30_i64..20, behind, (0_u8..3, 0_u8..4));
    let moves = prop_oneof![2 => Just(0), 6 => 1_i64..8, 1 => 20_i64..200];
    (vec(item, 0..8), any::<bool>(), moves)
}

fn sorted<T: Ord>(mut all: Vec<T>) -> Vec<T> {
    all.sort();
    all
}

fn told(out: Vec<Change<Windowed<u8>, (u64, u64)>>) -> Vec<Row> {
    let row = |change: Change<Windowed<u8>, (u64, u64)>| {
        let Windowed { window, key } = change.key;
        (
            window,
            key,
            change.stage,
            change.value.expect("there is one"),
        )
    };
    out.into_iter().map(row).collect()
}

fn key() -> ByRef<u8, fn(&Item) -> &u8> {
    ByRef::new(|item| &item.0)
}

/// Drives windows of `size` every `hop` and the model side by side.
fn check(
    (size, hop, lateness): (u64, u64, u64),
    (shows, ends, snapshots): (bool, bool, bool),
    turns: &[Turn],
) -> Result<(), TestCaseError> {
    let demand = demand(snapshots);
    demand.partial.set(shows || ends);
    demand.ended.set(ends);
    let cut = Hopping::of(seconds(size))
        .every(seconds(hop))
        .lateness(seconds(lateness));
    let of = Of::<Item>::new();
    let aggregate = (
        of.count("n"),
        of.count_distinct("different", |item| &item.1),
    );
    let made = Made::cut(cut, key(), aggregate, demand);
    let mut windows: OpenWindows<Item, _, _, _> = made.windows();
    let mut model = Model::new((size, hop, lateness), shows, ends);
    windows.pass(seconds_at(LONG_AGO), &mut Vec::new());
    let mut so_far = 0;
    for (number, (records, publishes, moves)) in turns.iter().enumerate() {
        let now = at(number, seconds_at(model.watermark));
        let record = |(ahead, behind, item): &(i64, Option<i64>, Item)| Record {
            value: *item,
            time: seconds_at(so_far + ahead),
            behind: behind.map_or(EventTime::MIN, |by| seconds_at(so_far + ahead + by)),
        };
        let batch: Vec<_> = records.iter().map(record).collect();
        let (mut late, mut out) = (Vec::new(), Vec::new());
        windows.fold(&batch, now, &mut late);
        batch.iter().for_each(|record| model.add(record));
        so_far += moves;
        windows.pass(seconds_at(so_far), &mut out);
        model.pass(so_far);
        if *publishes {
            windows.publish(&mut out);
            model.show();
        }
        if snapshots && number % 3 == 0 {
            windows.publish(&mut out);
            model.show();
            while !windows.save(&mut Default::default(), 50) {}
            windows.freeze();
        }
        let expected = std::mem::take(&mut model.told);
        prop_assert_eq!(sorted(told(out)), sorted(expected), "turn {}", number);
        let late = late.into_iter().map(|late| late.value).collect();
        let expected = std::mem::take(&mut model.late);
        prop_assert_eq!(sorted(late), sorted(expected), "late in turn {}", number);
        let size = windows.size();
        let open = (size.open_windows, size.next_close);
        prop_assert_eq!(open, model.open(), "open after turn {}", number);
    }
    windows.pass(EventTime::MAX, &mut Vec::new());
    prop_assert!(windows.pieces.is_empty(), "nothing is left");
    Ok(())
}

proptest! {
    #[test]
    fn rows_are_those_of_windows_kept_one_by_one(
        lengths in prop_oneof![
            Just((10_u64, 2_u64)), Just((10, 3)), Just((10, 10)), Just((7, 4)), Just((6, 1)), Just((9, 6)),
        ],
        lateness in prop_oneof![Just(0_u64), Just(5), Just(12)],
        shows in any::<(bool, bool, bool)>(),
        turns in vec(turn(), 1..12),
    ) {
        check((lengths.0, lengths.1, lateness), shows, &turns)?;
    }

    #[test]
    fn windows_that_only_touch_are_tumbling(
        ends in any::<bool>(),
        turns in vec(turn(), 1..12),
    ) {
        let demand = demand(false);
        demand.partial.set(ends);
        demand.ended.set(ends);
        let count = || Of::<Item>::new().count("n");
        let tumbling = Made::cut(tumbling(), key(), count(), demand.clone());
        let hopping = Hopping::of(seconds(10)).every(seconds(10)).lateness(seconds(10));
        let hopping = Made::cut(hopping, key(), count(), demand);
        let (mut tumbling, mut hopping) = (tumbling.windows::<Item>(), hopping.windows::<Item>());
        let mut so_far = 0;
        for (number, (records, _, moves)) in turns.iter().enumerate() {
            let before = at(number, if number == 0 { EventTime::MIN } else { seconds_at(so_far) });
            let batch: Vec<_> = records
                .iter()
                .map(|(ahead, _, item)| Record::new(*item, seconds_at(so_far + ahead)))
                .collect();
            let mut late = [Vec::new(), Vec::new()];
            tumbling.fold(&batch, before, &mut late[0]);
            hopping.fold(&batch, before, &mut late[1]);
            prop_assert_eq!(&late[0], &late[1]);
            so_far += moves;
            let mut out = [Vec::new(), Vec::new()];
            tumbling.pass(seconds_at(so_far), &mut out[0]);
            hopping.pass(seconds_at(so_far), &mut out[1]);
            let [tumbling, hopping] = out.map(|out| {
                let settled = out.into_iter().filter(|row| matches!(row.stage, Stage::Ended | Stage::Final));
                let mut rows: Vec<_> = settled.map(|row| (row.key, row.stage, row.value)).collect();
                rows.sort();
                rows
            });
            prop_assert_eq!(tumbling, hopping);
        }
    }
}

/// Counts in windows of `size` every `hop`.
fn counting(size: Duration, hop: Duration, times: &[EventTime]) -> Vec<(Window, u64)> {
    let cut = Hopping::of(size).every(hop);
    let made = Made::cut(cut, NoKey, Of::<()>::new().count("n"), demand(false));
    let mut windows = made.windows();
    let (mut late, mut out) = (Vec::new(), Vec::new());
    for time in times {
        windows.fold(&[Record::new((), *time)], at(0, EventTime::MIN), &mut late);
    }
    windows.pass(EventTime::MAX, &mut out);
    assert_eq!(late.len(), 0);
    let row =
        |change: Change<Windowed<()>, u64>| (change.key.window, change.value.expect("a count"));
    out.into_iter().map(row).collect()
}

#[test]
fn a_leap_of_ages_costs_no_more_than_a_step() {
    let ages = EventTime::from_micros(i64::MAX / 2);
    let rows = counting(seconds(3), seconds(1), &[EventTime::from_micros(0), ages]);
    assert_eq!(rows.len(), 6, "{rows:?}");
    assert!(rows.iter().all(|(_, n)| *n == 1));
}

#[test]
fn windows_at_the_ends_of_time_are_cut_off_and_close_there() {
    let ends = [i64::MIN + 1, i64::MAX - 1].map(EventTime::from_micros);
    let rows = counting(hours(2), hours(1), &ends);
    let cut_off: Vec<_> = rows
        .iter()
        .map(|(window, n)| (window.start, window.end, *n))
        .collect();
    assert_eq!(cut_off.len(), 4, "{cut_off:?}");
    assert!(
        cut_off[..2]
            .iter()
            .all(|(start, _, n)| (*start, *n) == (EventTime::MIN, 1))
    );
    assert!(
        cut_off[2..]
            .iter()
            .all(|(_, end, n)| (*end, *n) == (EventTime::MAX, 1))
    );
}

#[test]
fn a_record_that_is_late_for_some_windows_counts_in_the_others() {
    let cut = Hopping::of(seconds(10)).every(seconds(5));
    let made = Made::cut(cut, NoKey, Of::<()>::new().count("n"), demand(false));
    let mut windows = made.windows();
    let mut late = Vec::new();
    let behind = |seconds: i64, behind: i64| Record {
        value: (),
        time: seconds_at(seconds),
        behind: seconds_at(behind),
    };
    // Of windows [0, 10) and [5, 15): in time for both, for the second, for none.
    let batch = [behind(7, 9), behind(7, 10), behind(7, 14), behind(7, 15)];
    windows.fold(&batch, at(0, EventTime::MIN), &mut late);
    assert_eq!(late, [behind(7, 15)]);
    let mut out = Vec::new();
    windows.pass(seconds_at(100), &mut out);
    let rows: Vec<_> = out
        .into_iter()
        .map(|row| (row.key.window.start, row.value))
        .collect();
    assert_eq!(rows, [(seconds_at(0), Some(1)), (seconds_at(5), Some(3))]);
}

#[test]
fn what_was_closed_stays_closed_with_another_lateness_and_the_rest_is_closed_once() {
    let made = |lateness| {
        let cut = Hopping::of(seconds(10))
            .every(seconds(5))
            .lateness(seconds(lateness));
        Made::cut(cut, NoKey, Of::<()>::new().count("n"), demand(true))
    };
    let records = |times: &[i64]| -> Vec<_> {
        let times = times.iter().map(|time| seconds_at(*time));
        times.map(|time| Record::new((), time)).collect()
    };
    let starts = |out: Vec<Change<Windowed<()>, u64>>| -> Vec<i64> {
        let starts = out.iter().map(|row| row.key.window.start.micros());
        starts.map(|start| start / 1_000_000).collect()
    };
    let (mut log, mut out) = (Log::default(), Vec::new());
    let mut before = made(30).windows::<()>();
    before.fold(
        &records(&[5, 18, 35]),
        at(0, EventTime::MIN),
        &mut Vec::new(),
    );
    before.pass(seconds_at(50), &mut out);
    assert_eq!(starts(out), [0, 5, 10], "what ends by 20 is closed");
    before.freeze();
    assert!(before.save(&mut log, 1 << 20));
    let note = before.note().expect("some are closed");
    for (lateness, watermark, n_open) in [(0, 51, 4), (100, 146, 5)] {
        let mut after = made(lateness).windows::<()>();
        let restored = log.replay(|replayed| match replayed {
            Replayed::Entry(_, entry) => after.restore(&entry),
            Replayed::Forgotten(window) => {
                after.forget(window);
                Ok(())
            }
        });
        assert_eq!(restored, Ok(()));
        after.restore_note(&note).expect("it was noted so");
        after.resume(at(1, seconds_at(50)));
        let (mut late, mut out) = (Vec::new(), Vec::new());
        after.fold(&records(&[12, 48]), at(2, seconds_at(50)), &mut late);
        assert_eq!(
            late.len(),
            1,
            "windows [5, 15) and [10, 20) are closed for good"
        );
        assert_eq!(
            after.size().open_windows,
            n_open,
            "with {lateness} s of lateness"
        );
        after.pass(seconds_at(watermark), &mut out);
        assert_eq!(starts(out), [15, 30, 35], "with {lateness} s of lateness");
    }
}

#[test]
#[should_panic(expected = "have gaps that records fall into: let them begin every 10s at most")]
fn windows_with_gaps_are_refused() {
    let _ = Hopping::of(seconds(10)).every(seconds(11));
}

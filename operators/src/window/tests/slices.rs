//! A snapshot is written in slices, as of the freeze, whatever happens in between; and where none is taken, nothing is kept
//! for it.

use millstream_engine::raw::{At, ByRef, Kind, Log, Replayed};
use millstream_engine::{EventTime, Record, Window};

use super::workers::Workers;
use super::{Made, at, demand};
use crate::aggregate::{Aggregate, Of};
use crate::window::open_windows::OpenWindows;

const SLICE: usize = 64 << 10;

fn start() -> At {
    at(0, EventTime::MIN)
}

fn passed(seconds: i64) -> At {
    at(1, EventTime::from_millis(seconds * 1000))
}

/// Numbers that are their own keys, one in each millisecond.
fn numbers(numbers: impl Iterator<Item = u64>) -> Vec<Record<u64>> {
    numbers
        .map(|n| Record::new(n, EventTime::from_millis((n % 10_000) as i64)))
        .collect()
}

/// Counts numbers.
fn counting(
    snapshots: bool,
) -> Made<ByRef<u64, fn(&u64) -> &u64>, impl Aggregate<u64, Output = u64>> {
    Made::new(
        ByRef::new((|n| n) as fn(&u64) -> &u64),
        Of::<u64>::new().count("n"),
        demand(snapshots),
    )
}

/// What a log says: windows that are forgotten; keys, with what is said of them and their counts.
fn said(log: &Log) -> (Vec<Window>, Vec<(u64, Kind, u64)>) {
    let (mut forgotten, mut entries) = (Vec::new(), Vec::new());
    log.replay(|replayed| {
        match replayed {
            Replayed::Forgotten(window) => forgotten.push(window),
            Replayed::Entry(_, entry) => {
                entries.push((entry.key()?, entry.kind, entry.value().take()?));
            }
        }
        Ok(())
    })
    .expect("it was written so");
    entries.sort_by_key(|(key, ..)| *key);
    (forgotten, entries)
}

#[test]
fn a_million_panes_are_written_a_slice_at_a_time() {
    const N: u64 = 1_000_000;
    let made = counting(true);
    let mut windows: OpenWindows<u64, _, _, _> = made.windows();
    windows.fold(&numbers(0..N), start(), &mut Vec::new());
    windows.freeze();
    let (mut entries, mut n_slices) = (0, 0);
    loop {
        let mut log = Log::default();
        // A thousand change in between, of which some were written and some were not.
        let changing = n_slices * 7919 % N;
        let batch = numbers((changing..N).take(1000));
        windows.fold(&batch, start(), &mut Vec::new());
        let saved = windows.save(&mut log, SLICE);
        assert!(log.n_bytes() <= 2 * SLICE, "{} bytes", log.n_bytes());
        let of_slice = said(&log).1;
        entries += of_slice.len();
        n_slices += 1;
        assert!(
            of_slice
                .iter()
                .all(|(_, kind, n)| (*kind, *n) == (Kind::Put, 1))
        );
        if saved {
            break;
        }
    }
    assert_eq!(entries as u64, N, "each is written once");
    assert!(n_slices > 100, "{n_slices} slices");
}

#[test]
fn panes_that_were_written_early_count_and_are_not_looked_at_all_at_once() {
    const N: u64 = 100_000;
    let made = counting(true);
    let mut windows: OpenWindows<u64, _, _, _> = made.windows();
    windows.fold(&numbers(0..N), start(), &mut Vec::new());
    windows.freeze();
    windows.fold(&numbers(0..N / 2), start(), &mut Vec::new());
    let mut log = Log::default();
    assert!(!windows.save(&mut log, SLICE));
    assert_eq!(
        said(&log).1.len() as u64,
        N / 2,
        "that was more than enough"
    );
    windows.fold(&numbers(N / 2..N), start(), &mut Vec::new());
    assert!(!windows.save(&mut log, SLICE));
    let all = log.n_bytes();
    let mut n_slices = 0;
    while !windows.save(&mut log, SLICE) {
        n_slices += 1;
    }
    assert_eq!(log.n_bytes(), all);
    assert!(n_slices > 20, "{n_slices} slices");
}

#[test]
fn a_state_that_grows_is_put_once_and_then_added_to() {
    let key = ByRef::new((|n| n) as fn(&u64) -> &u64);
    let distinct = Of::<u64>::new().count_distinct("n", |n| n);
    let made = Made::new(key, distinct, demand(true));
    let mut windows: OpenWindows<u64, _, _, _> = made.windows();
    let kind = |windows: &mut OpenWindows<u64, _, _, _>| {
        windows.fold(&numbers(7..8), start(), &mut Vec::new());
        windows.freeze();
        let mut log = Log::default();
        assert!(windows.save(&mut log, SLICE));
        let mut kinds = Vec::new();
        let read = log.replay(|replayed| {
            if let Replayed::Entry(_, entry) = replayed {
                kinds.push((entry.kind, entry.value().take::<Vec<u64>>()?));
            }
            Ok(())
        });
        assert_eq!(read, Ok(()));
        (log, kinds)
    };
    let (log, kinds) = kind(&mut windows);
    assert_eq!(kinds, [(Kind::Put, vec![7])]);
    assert_eq!(kind(&mut windows).1, [(Kind::Add, vec![])]);

    let mut windows: OpenWindows<u64, _, _, _> = made.windows();
    let restored = log.replay(|replayed| match replayed {
        Replayed::Entry(_, entry) => windows.restore(&entry),
        Replayed::Forgotten(window) => panic!("{window:?} is forgotten"),
    });
    assert_eq!(restored, Ok(()));
    assert_eq!(
        kind(&mut windows).1,
        [(Kind::Add, vec![])],
        "also when it was restored"
    );
}

#[test]
fn a_window_that_closes_while_it_is_written_is_written_whole_and_forgotten_by_the_next() {
    let made = counting(true);
    let mut windows: OpenWindows<u64, _, _, _> = made.windows();
    windows.fold(&numbers(0..100), start(), &mut Vec::new());
    windows.freeze();
    let mut log = Log::default();
    assert!(!windows.save(&mut log, 200));
    windows.fold(&numbers(0..10), start(), &mut Vec::new());
    windows.pass(passed(20).watermark, &mut Vec::new());
    assert!(windows.pieces.is_empty());
    assert!(windows.size().bytes > 0, "its panes are still kept");
    while !windows.save(&mut log, 200) {}
    let expected: Vec<_> = (0..100).map(|n| (n, Kind::Put, 1)).collect();
    assert_eq!(said(&log), (vec![], expected));
    assert_eq!(windows.size().bytes, 0);

    windows.freeze();
    let mut log = Log::default();
    assert!(windows.save(&mut log, 1));
    let (forgotten, entries) = said(&log);
    assert_eq!((forgotten.len(), entries), (1, vec![]));
    windows.freeze();
    let mut log = Log::default();
    assert!(windows.save(&mut log, 1));
    assert_eq!(said(&log), (vec![], vec![]), "it is forgotten once");
}

#[test]
fn only_what_changed_is_written_again() {
    let made = counting(true);
    let mut windows: OpenWindows<u64, _, _, _> = made.windows();
    windows.fold(&numbers(0..100), start(), &mut Vec::new());
    windows.freeze();
    while !windows.save(&mut Log::default(), SLICE) {}
    windows.fold(&numbers(7..9), start(), &mut Vec::new());
    windows.fold(&numbers(8..9), start(), &mut Vec::new());
    windows.freeze();
    let mut log = Log::default();
    assert!(windows.save(&mut log, SLICE));
    let expected = vec![(7, Kind::Put, 2), (8, Kind::Put, 3)];
    assert_eq!(said(&log).1, expected);
}

#[test]
fn where_no_snapshots_are_taken_nothing_is_kept_for_them() {
    let made = counting(false);
    let mut workers: Workers<u64, _, _, _> = Workers::new(&made, 1, false);
    for _ in 0..3 {
        workers.batch(&numbers(0..1000), start());
        workers.end(start(), start(), true);
    }
    let windows = workers.windows().next().expect("one worker");
    assert!(windows.frozen.is_none());
    for panes in windows.pieces.values() {
        assert_eq!(panes.touched.capacity() + panes.frozen.capacity(), 0);
    }
    workers.end(start(), passed(100), true);
    let mut logs = [Log::default()];
    workers.freeze();
    assert!(workers.save(&mut logs, &mut [false], 1));
    assert_eq!(said(&logs[0]), (vec![], vec![]));
}

//! A snapshot is written in slices, as of the freeze, whatever happens in between; and what sessions keep is reported right.

use millstream_engine::raw::{At, ByRef, Kind, Log, Replayed};
use millstream_engine::{EventTime, Record};

use super::super::open::OpenSessions;
use super::{Made, at, demand, seconds_at};
use crate::aggregate::{Aggregate, Of};

const SLICE: usize = 64 << 10;

type ByItself = ByRef<u64, fn(&u64) -> &u64>;

fn start() -> At {
    at(0, EventTime::MIN)
}

/// Numbers that are their own keys, all at one second.
fn numbers(second: i64, numbers: impl Iterator<Item = u64>) -> Vec<Record<u64>> {
    numbers
        .map(|n| Record::new(n, seconds_at(second)))
        .collect()
}

fn counting(snapshots: bool) -> Made<ByItself, impl Aggregate<u64, Output = u64>> {
    let key = ByRef::new((|n| n) as fn(&u64) -> &u64);
    Made::new(
        key,
        Of::<u64>::new().count("n"),
        demand(false, false, snapshots),
    )
}

/// What a log says: keys with the seconds of their names, what is said of them, the seconds they reach from and to, and
/// their counts.
type Said = Vec<(u64, i64, Kind, Option<(i64, i64, u64)>)>;

fn said(log: &Log) -> Said {
    let mut entries = Vec::new();
    let second = |time: EventTime| time.micros() / 1_000_000;
    log.replay(|replayed| {
        let Replayed::Entry(_, entry) = replayed else {
            panic!("sessions forget no windows");
        };
        let (key, name): (u64, EventTime) = entry.key()?;
        let value = if entry.kind == Kind::Remove {
            None
        } else {
            let mut value = entry.value();
            let (first, last): (EventTime, EventTime) = value.take()?;
            Some((second(first), second(last), value.take()?))
        };
        entries.push((key, second(name), entry.kind, value));
        Ok(())
    })
    .expect("it was written so");
    entries.sort_by_key(|(key, name, ..)| (*key, *name));
    entries
}

#[test]
fn many_sessions_are_written_a_slice_at_a_time() {
    const N: u64 = 200_000;
    let made = counting(true);
    let mut sessions: OpenSessions<u64, _, _> = made.sessions();
    sessions.fold(&numbers(3, 0..N), start(), &mut Vec::new());
    sessions.freeze();
    let (mut entries, mut n_slices) = (0, 0);
    loop {
        let mut log = Log::default();
        // A thousand change in between, of which some were written and some were not.
        let changing = n_slices * 7919 % N;
        let batch = numbers(5, (changing..N).take(1000));
        sessions.fold(&batch, start(), &mut Vec::new());
        let saved = sessions.save(&mut log, SLICE);
        assert!(log.n_bytes() <= 2 * SLICE, "{} bytes", log.n_bytes());
        let of_slice = said(&log);
        entries += of_slice.len();
        n_slices += 1;
        let as_frozen = |(_, _, kind, value): &(u64, i64, Kind, Option<_>)| {
            (*kind, *value) == (Kind::Put, Some((3, 3, 1)))
        };
        assert!(of_slice.iter().all(as_frozen));
        if saved {
            break;
        }
    }
    assert_eq!(entries as u64, N, "each is written once");
    assert!(n_slices > 50, "{n_slices} slices");
}

#[test]
fn one_that_closes_while_it_is_written_is_written_and_removed_by_the_next() {
    let made = counting(true);
    let mut sessions: OpenSessions<u64, _, _> = made.sessions();
    sessions.fold(&numbers(0, 0..100), start(), &mut Vec::new());
    sessions.freeze();
    let mut log = Log::default();
    assert!(!sessions.save(&mut log, 200));
    sessions.fold(&numbers(1, 0..10), start(), &mut Vec::new());
    sessions.pass(seconds_at(40), &mut Vec::new());
    assert_eq!(sessions.size().open_windows, 0);
    assert!(sessions.size().bytes > 0, "they are still kept");
    while !sessions.save(&mut log, 200) {}
    let expected: Said = (0..100)
        .map(|n| (n, 0, Kind::Put, Some((0, 0, 1))))
        .collect();
    assert_eq!(said(&log), expected);

    sessions.freeze();
    let mut log = Log::default();
    assert!(!sessions.save(&mut log, 200), "also what is removed");
    while !sessions.save(&mut log, 200) {}
    let expected: Said = (0..100).map(|n| (n, 0, Kind::Remove, None)).collect();
    assert_eq!(said(&log), expected);
    sessions.freeze();
    let mut log = Log::default();
    assert!(sessions.save(&mut log, 1));
    assert_eq!(said(&log), [], "it is removed once");
}

#[test]
fn only_what_changed_is_written_again_and_nothing_of_what_came_and_went() {
    let made = counting(true);
    let mut sessions: OpenSessions<u64, _, _> = made.sessions();
    let saved = |sessions: &mut OpenSessions<u64, _, _>| {
        sessions.freeze();
        let mut log = Log::default();
        assert!(sessions.save(&mut log, SLICE));
        said(&log)
    };
    sessions.fold(&numbers(20, 1..4), start(), &mut Vec::new());
    assert_eq!(saved(&mut sessions).len(), 3);
    sessions.fold(&numbers(14, 2..3), start(), &mut Vec::new());
    let grown = (2, 20, Kind::Put, Some((14, 20, 2)));
    assert_eq!(saved(&mut sessions), [grown], "under its name");
    assert_eq!(saved(&mut sessions), []);
    sessions.fold(&numbers(3, 7..8), start(), &mut Vec::new());
    sessions.pass(seconds_at(19), &mut Vec::new());
    assert_eq!(saved(&mut sessions), [], "7 came and went");
}

#[test]
fn of_two_that_are_joined_one_goes_on_under_its_name() {
    let made = counting(true);
    let mut sessions: OpenSessions<u64, _, _> = made.sessions();
    let saved = |sessions: &mut OpenSessions<u64, _, _>| {
        sessions.freeze();
        let mut log = Log::default();
        assert!(sessions.save(&mut log, SLICE));
        said(&log)
    };
    sessions.fold(&numbers(0, 1..50), start(), &mut Vec::new());
    sessions.fold(&numbers(18, 1..2), start(), &mut Vec::new());
    assert_eq!(saved(&mut sessions).len(), 50);
    sessions.fold(&numbers(18, 2..50), start(), &mut Vec::new());
    sessions.fold(&numbers(9, 1..50), start(), &mut Vec::new());
    assert_eq!(sessions.size().open_windows, 49);
    let written = saved(&mut sessions);
    let (put, removed): (Said, Said) = written.into_iter().partition(|e| e.2 == Kind::Put);
    let expected = (2..50).map(|n| (n, 0, Kind::Put, Some((0, 18, 3))));
    assert_eq!(
        put[1..],
        expected.collect::<Said>(),
        "the saved one goes on"
    );
    assert_eq!(
        (put[0].0, put[0].3),
        (1, Some((0, 18, 3))),
        "either of the two of 1"
    );
    assert_eq!(
        removed.len(),
        1,
        "the others were never written: {removed:?}"
    );
}

#[test]
fn a_state_that_grows_is_put_once_and_then_added_to_also_by_what_is_joined() {
    let key = ByRef::new((|_: &(u64, u64)| &()) as fn(&(u64, u64)) -> &());
    let distinct = Of::<(u64, u64)>::new().count_distinct("n", |row| &row.1);
    let made = Made::new(key, distinct, demand(false, false, true));
    let mut sessions: OpenSessions<(u64, u64), _, _> = made.sessions();
    let saved = |sessions: &mut OpenSessions<(u64, u64), _, _>, rows: &[(i64, u64)]| {
        let rows = rows
            .iter()
            .map(|(second, n)| Record::new((0, *n), seconds_at(*second)));
        sessions.fold(&rows.collect::<Vec<_>>(), start(), &mut Vec::new());
        sessions.freeze();
        let mut log = Log::default();
        assert!(sessions.save(&mut log, SLICE));
        let mut entries = Vec::new();
        log.replay(|replayed| {
            let Replayed::Entry(_, entry) = replayed else {
                panic!("sessions forget no windows");
            };
            let mut values = Vec::new();
            if entry.kind != Kind::Remove {
                let mut value = entry.value();
                value.take::<(EventTime, EventTime)>()?;
                values = value.take::<Vec<u64>>()?;
            }
            values.sort_unstable();
            entries.push((entry.kind, values));
            Ok(())
        })
        .expect("it was written so");
        entries.sort_by_key(|(kind, _)| *kind as u8);
        entries
    };
    assert_eq!(saved(&mut sessions, &[(0, 7)]), [(Kind::Put, vec![7])]);
    assert_eq!(saved(&mut sessions, &[(5, 8)]), [(Kind::Add, vec![8])]);
    assert_eq!(
        saved(&mut sessions, &[(24, 7), (25, 9)]),
        [(Kind::Put, vec![7, 9])]
    );
    let mut joined = saved(&mut sessions, &[(15, 1)]);
    joined.retain(|(kind, _)| *kind == Kind::Add);
    // Whichever of the two goes on has what the other had, and what is new.
    assert!(
        joined == [(Kind::Add, vec![1, 9])] || joined == [(Kind::Add, vec![1, 8])],
        "{joined:?}"
    );
}

#[test]
fn what_is_kept_and_when_the_first_closes_is_reported() {
    let made = counting(false);
    let mut sessions: OpenSessions<u64, _, _> = made.sessions();
    assert_eq!(sessions.size().next_close, EventTime::MAX);
    sessions.fold(&numbers(0, 0..1000), start(), &mut Vec::new());
    sessions.fold(&numbers(30, 0..1000), start(), &mut Vec::new());
    let after = |second: i64| EventTime::from_micros(second * 1_000_000 + 1);
    let size = sessions.size();
    assert_eq!((size.keys, size.open_windows), (1000, 2000));
    assert_eq!(
        size.next_close,
        after(15),
        "its end is 10, and 5 of lateness"
    );
    assert!((100_000..1_000_000).contains(&size.bytes), "{}", size.bytes);

    sessions.fold(&numbers(4, 0..1), start(), &mut Vec::new());
    assert_eq!(sessions.size().next_close, after(15));
    sessions.pass(after(15), &mut Vec::new());
    let size = sessions.size();
    assert_eq!((size.keys, size.open_windows), (1000, 1001));
    assert_eq!(size.next_close, after(19), "it was extended to 4");
    sessions.fold(&numbers(39, 1..1000), at(1, after(15)), &mut Vec::new());
    sessions.pass(after(19), &mut Vec::new());
    assert_eq!(
        sessions.size().next_close,
        after(45),
        "all but that of 0 are extended"
    );
    sessions.pass(EventTime::MAX, &mut Vec::new());
    let size = sessions.size();
    assert_eq!((size.keys, size.open_windows, size.bytes), (0, 0, 0));
}

//! Very many sessions of one key at once cost no more, each, than few: the others are not looked at.

use std::cell::Cell;

use millstream_engine::raw::{Log, NoKey, Replayed};
use millstream_engine::{Change, EventTime, Record, Stage, seconds};

use super::super::open::OpenSessions;
use super::super::sessions::{Comes, Sessions};
use super::super::span::Span;
use super::{Made, at, demand, seconds_at};
use crate::aggregate::{Aggregate, Of};

const N: i64 = 200_000;

/// Numbers below `n` in an order that has nothing to do with theirs; `n` is no multiple of 7919.
fn shuffled(n: i64) -> impl Iterator<Item = i64> {
    (0..n).map(move |i| i * 7919 % n)
}

#[test]
fn a_record_is_compared_with_its_key_once_and_not_with_each_session() {
    let n_looks = Cell::new(0);
    let mut sessions: Sessions<(), i64> = Sessions::new(seconds(1));
    let mut put = |second: i64| {
        let comes = Comes {
            hash: 7,
            is: |(): &()| {
                n_looks.set(n_looks.get() + 1);
                true
            },
            key: || (),
            span: Span::at(seconds_at(second)),
        };
        sessions.put(comes, &mut (), |n, other| *n += other, |n| *n += 1);
        (sessions.len(), sessions.n_keys())
    };
    for (n_before, i) in (0..).zip(shuffled(N)) {
        assert_eq!(put(i * 2), (n_before + 1, 1));
    }
    // Each comes between two and joins them.
    for (n_joined, i) in (0..).zip(shuffled(N - 1)) {
        assert_eq!(put(i * 2 + 1), (N as usize - n_joined - 1, 1));
    }
    assert!(n_looks.get() < 2 * N, "{} looks", n_looks.get());
    let all: Vec<_> = sessions.drain().collect();
    assert_eq!((all.len(), all[0].state), (1, 2 * N - 1));
    let reached = Span {
        first: seconds_at(0),
        last: seconds_at(2 * N - 2),
    };
    assert_eq!(all[0].span, reached);
    assert_eq!(sessions.len(), 0);
}

fn made() -> Made<NoKey, impl Aggregate<(), Output = u64>> {
    Made::new(NoKey, Of::<()>::new().count("n"), demand(true, true, true))
}

/// All of them, twenty seconds apart: twice the gap.
fn records() -> Vec<Record<()>> {
    let record = |i: i64| Record::new((), seconds_at(i * 20));
    shuffled(N).map(record).collect()
}

fn n_ended<K, V>(out: &[Change<K, V>]) -> usize {
    out.iter()
        .filter(|change| change.stage == Stage::Ended)
        .count()
}

#[test]
fn they_are_shown_saved_restored_ended_and_closed() {
    let made = made();
    let mut sessions: OpenSessions<(), _, _> = made.sessions();
    let (mut late, mut out) = (Vec::new(), Vec::new());
    sessions.fold(&records(), at(0, EventTime::MIN), &mut late);
    assert_eq!(late.len(), 0);
    sessions.publish(&mut out);
    assert_eq!(out.len() as i64, N);
    sessions.freeze();
    let mut log = Log::default();
    while !sessions.save(&mut log, 1 << 20) {}

    let mut sessions: OpenSessions<(), _, _> = made.sessions();
    log.replay(|replayed| match replayed {
        Replayed::Entry(_, entry) => sessions.restore(&entry),
        Replayed::Forgotten(window) => panic!("{window:?} is forgotten"),
    })
    .expect("it was written so");
    sessions.resume(at(0, EventTime::MIN));
    let size = sessions.size();
    assert_eq!((size.keys, size.open_windows as i64), (1, N));
    // Half of them are final, the rest go on.
    out.clear();
    sessions.pass(seconds_at(N * 10), &mut out);
    assert_eq!(n_ended(&out) as i64, N / 2);
    assert_eq!(sessions.size().open_windows as i64, N / 2);
    out.clear();
    sessions.pass(EventTime::MAX, &mut out);
    assert_eq!(n_ended(&out) as i64, N / 2);
    let size = sessions.size();
    assert_eq!((size.keys, size.open_windows), (0, 0));
}

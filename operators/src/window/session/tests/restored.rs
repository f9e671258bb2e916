//! Sessions that are restored are what they were at the freeze, and go on as if nothing had happened.
//!
//! A random script of epochs is driven through, with snapshots that are written slice by slice while it goes on. From each
//! of them, all logs so far are restored on some other number of workers; what those hold must be what was held at the
//! freeze, and what they tell of the rest of the script, taking snapshots of their own, must be what was told.

use std::rc::Rc;

use millstream_engine::raw::{ByRef, ByValue, Log, NoKey, Replayed, Shard, hash_key};
use millstream_engine::{EventTime, KeyOf, LoadError, Record, Window, seconds};
use proptest::prelude::*;

use super::super::open::OpenSessions;
use super::script::{Turn, Visit, aggregates, script};
use super::workers::{Held, Told, Workers};
use super::{Made, at, demand, seconds_at};
use crate::aggregate::{Aggregate, Of};

/// What the sessions were when they were frozen, and the logs that say so.
struct Snapshot {
    turn: usize,
    watermark: EventTime,
    held: Held,
    logs: Vec<Log>,
}

/// A snapshot that is being written.
struct Writing(Snapshot, Vec<bool>);

impl Writing {
    /// Writes one slice; gives itself back if that was not the last.
    fn go_on<K: KeyOf<Visit>, A: Aggregate<Visit>>(
        mut self,
        workers: &mut Workers<Visit, K, A>,
        n_bytes: usize,
        done: &mut Vec<Rc<Snapshot>>,
    ) -> Option<Writing> {
        if workers.save(&mut self.0.logs, &mut self.1, n_bytes) {
            done.push(Rc::new(self.0));
            None
        } else {
            Some(self)
        }
    }
}

/// Drives the script from turn `from` on; gives what was told, turn by turn. Snapshots are added to `done`.
fn drive<K: KeyOf<Visit>, A: Aggregate<Visit>>(
    workers: &mut Workers<Visit, K, A>,
    script: &[Turn],
    from: usize,
    done: &mut Vec<Rc<Snapshot>>,
) -> Vec<Vec<Told>> {
    let mut watermark = done.last().map_or(EventTime::MIN, |last| last.watermark);
    let mut writing: Option<Writing> = None;
    let mut told = Vec::new();
    for (number, turn) in script.iter().enumerate().skip(from) {
        let before = at(number, watermark);
        let so_far: i64 = script[..number].iter().map(|turn| turn.moves).sum();
        for (batch, slice) in turn.batches.iter().zip(&turn.slices) {
            let records: Vec<_> = batch
                .iter()
                .map(|(ahead, visit)| Record::new(visit.clone(), seconds_at(so_far + ahead)))
                .collect();
            workers.batch(&records, before);
            if *slice > 0
                && let Some(begun) = writing.take()
            {
                writing = begun.go_on(workers, *slice, done);
            }
        }
        if turn.moves > 0 {
            watermark = seconds_at(so_far + turn.moves);
        }
        let snapshot = turn.snapshot && writing.is_none();
        workers.end(
            before,
            at(number, watermark),
            turn.publishes || turn.snapshot,
        );
        let mut told_now = workers.take_told();
        told_now.sort();
        told.push(told_now);
        if snapshot {
            workers.freeze();
            let n_workers = workers.steps.len();
            let frozen = Snapshot {
                turn: number,
                watermark,
                held: workers.held(),
                logs: (0..n_workers).map(|_| Log::default()).collect(),
            };
            writing = Some(Writing(frozen, vec![false; n_workers]));
        }
    }
    while let Some(begun) = writing.take() {
        writing = begun.go_on(workers, 100, done);
    }
    told
}

/// Workers that go on after `snapshots`.
fn resumed<K: KeyOf<Visit>, A: Aggregate<Visit>>(
    made: &Made<K, A>,
    snapshots: &[Rc<Snapshot>],
    (n_workers, exchange): (usize, bool),
) -> Workers<Visit, K, A> {
    let mut workers = Workers::new(made, n_workers, exchange);
    for snapshot in snapshots {
        workers.restore(&snapshot.logs).expect("it was written so");
    }
    let last = snapshots.last().expect("there is one");
    workers.resume(at(last.turn, last.watermark));
    workers
}

/// How a run goes: on how many workers, and whether with an exchange.
fn how() -> impl Strategy<Value = (usize, bool)> {
    (1_usize..=3, any::<bool>())
}

fn check<K: KeyOf<Visit>>(
    key: K,
    (shows, lateness): ((bool, bool), u64),
    script: &[Turn],
    hows: [(usize, bool); 3],
) -> Result<(), TestCaseError> {
    let made = Made::new(key, aggregates(), demand(shows.0, shows.1, true)).lateness(lateness);
    let mut snapshots = Vec::new();
    let mut workers = Workers::new(&made, hows[0].0, hows[0].1);
    let told = drive(&mut workers, script, 0, &mut snapshots);
    for n in 1..=snapshots.len() {
        let last = Rc::clone(&snapshots[n - 1]);
        let mut workers = resumed(&made, &snapshots[..n], hows[1]);
        prop_assert_eq!(&workers.held(), &last.held, "restored from {} snapshots", n);
        let mut more = snapshots[..n].to_vec();
        let goes_on = drive(&mut workers, script, last.turn + 1, &mut more);
        prop_assert_eq!(
            &goes_on[..],
            &told[last.turn + 1..],
            "after {} snapshots",
            n
        );

        let workers = resumed(&made, &more, hows[2]);
        let last = more.last().expect("there is one");
        prop_assert_eq!(
            &workers.held(),
            &last.held,
            "{} of another run",
            more.len() - n
        );
    }
    Ok(())
}

proptest! {
    #[test]
    fn by_text(
        script in script(),
        shows in (any::<(bool, bool)>(), proptest::sample::select(vec![0, 5, 25])),
        hows in [how(), how(), how()],
    ) {
        check(ByRef::new(Visit::user), shows, &script, hows)?;
    }

    #[test]
    fn by_two_of_which_one_may_be_missing(
        script in script(),
        shows in (any::<(bool, bool)>(), proptest::sample::select(vec![0, 5, 25])),
        hows in [how(), how(), how()],
    ) {
        let key = |v: &Visit| (v.country, v.user.clone());
        check(ByValue::new(key), shows, &script, hows)?;
    }

    #[test]
    fn by_nothing(
        script in script(),
        shows in (any::<(bool, bool)>(), proptest::sample::select(vec![0, 5, 25])),
        hows in [how(), how(), how()],
    ) {
        check(NoKey, shows, &script, hows)?;
    }
}

#[test]
fn what_sessions_do_not_write_they_do_not_read() {
    let key = ByRef::new(<String as AsRef<str>>::as_ref);
    let made = Made::new(
        key,
        Of::<String>::new().count("n"),
        demand(false, false, true),
    );
    let restored = |log: &Log| {
        let mut sessions: OpenSessions<String, _, _> = made.sessions();
        let result = log.replay(|replayed| match replayed {
            Replayed::Entry(_, entry) => sessions.restore(&entry),
            Replayed::Forgotten(window) => panic!("{window:?} is forgotten"),
        });
        (result, sessions.size().keys)
    };
    let shard = Shard::of_hash(hash_key("a"));
    let (name, span) = (seconds_at(3), (seconds_at(2), seconds_at(9)));

    let mut log = Log::default();
    log.put(shard, None, &("a", name), |to| {
        to.put(&span);
        to.put(&7_u64);
    });
    assert_eq!(restored(&log), (Ok(()), 1));
    log.remove(shard, None, &("a", name));
    assert_eq!(restored(&log), (Ok(()), 0));
    let mut log = Log::default();
    let window = Some(Window::tumbling(seconds_at(3), seconds(10)));
    log.put(shard, window, &("a", name), |to| to.put(&span));
    assert_eq!(restored(&log), (Err(LoadError::Unexpected), 0));
    let mut log = Log::default();
    log.put(shard, None, "a", |to| to.put(&7_u64));
    let (result, _) = restored(&log);
    assert!(matches!(result, Err(LoadError::Mismatch { .. })));
}

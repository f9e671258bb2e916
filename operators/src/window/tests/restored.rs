//! Windows that are restored are what they were at the freeze, and go on as if nothing had happened.
//!
//! A random script of epochs is driven through, with snapshots that are written slice by slice while it goes on. From each
//! of them, all logs so far are restored on some other number of workers; what those hold must be what was held at the
//! freeze, and what they tell of the rest of the script, taking snapshots of their own, must be what was told.

use std::rc::Rc;

use millstream_engine::raw::{ByRef, ByValue, Log, NoKey};
use millstream_engine::{EventTime, KeyOf, Record};
use proptest::prelude::*;

use super::script::{Turn, Visit, aggregates, script};
use super::workers::{Held, Told, Workers};
use super::{Made, at, demand, hopping, seconds_at, tumbling};
use crate::aggregate::Aggregate;
use crate::window::cut::Cut;

/// What the windows were when they were frozen, and the logs that say so.
struct Snapshot {
    turn: usize,
    watermark: EventTime,
    held: Held,
    notes: Vec<String>,
    logs: Vec<Log>,
}

/// A snapshot that is being written.
struct Writing(Snapshot, Vec<bool>);

impl Writing {
    /// Writes one slice; gives itself back if that was not the last.
    fn go_on<K: KeyOf<Visit>, A: Aggregate<Visit>, C: Cut<Visit>>(
        mut self,
        workers: &mut Workers<Visit, K, A, C>,
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
fn drive<K: KeyOf<Visit>, A: Aggregate<Visit>, C: Cut<Visit>>(
    workers: &mut Workers<Visit, K, A, C>,
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
        let publishes = turn.publishes || turn.snapshot;
        workers.end(before, at(number, watermark), publishes);
        told.push(workers.take_told());
        if snapshot {
            let notes = workers.freeze();
            let n_workers = workers.steps.len();
            let frozen = Snapshot {
                turn: number,
                watermark,
                held: workers.held(),
                notes,
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
fn resumed<K: KeyOf<Visit>, A: Aggregate<Visit>, C: Cut<Visit>>(
    made: &Made<K, A, C>,
    snapshots: &[Rc<Snapshot>],
    (n_workers, exchange): (usize, bool),
) -> Workers<Visit, K, A, C> {
    let mut workers = Workers::new(made, n_workers, exchange);
    for snapshot in snapshots {
        workers.restore(&snapshot.logs).expect("it was written so");
    }
    let last = snapshots.last().expect("there is one");
    workers.restore_notes(&last.notes).expect("it was noted so");
    workers.resume(at(last.turn, last.watermark));
    workers
}

/// How a run goes: on how many workers, and whether with an exchange.
fn how() -> impl Strategy<Value = (usize, bool)> {
    (1_usize..=3, any::<bool>())
}

fn check<K: KeyOf<Visit>>(
    cut: impl Cut<Visit>,
    key: K,
    shows: (bool, bool),
    script: &[Turn],
    hows: [(usize, bool); 3],
) -> Result<(), TestCaseError> {
    let demand = demand(true);
    // Whoever wants to hear of ends wants to hear of corrections.
    demand.partial.set(shows.0 || shows.1);
    demand.ended.set(shows.1);
    let made = Made::cut(cut, key, aggregates(), demand);

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
        shows in any::<(bool, bool)>(),
        hows in [how(), how(), how()],
    ) {
        check(tumbling(), ByRef::new(Visit::page), shows, &script, hows)?;
    }

    #[test]
    fn by_two_of_which_one_may_be_missing(
        script in script(),
        shows in any::<(bool, bool)>(),
        hows in [how(), how(), how()],
    ) {
        let key = |v: &Visit| (v.country, v.page.clone());
        check(tumbling(), ByValue::new(key), shows, &script, hows)?;
    }

    #[test]
    fn by_nothing(
        script in script(),
        shows in any::<(bool, bool)>(),
        hows in [how(), how(), how()],
    ) {
        check(tumbling(), NoKey, shows, &script, hows)?;
    }

    #[test]
    fn windows_that_overlap(
        script in script(),
        shows in any::<(bool, bool)>(),
        hows in [how(), how(), how()],
    ) {
        check(hopping(), ByRef::new(Visit::page), shows, &script, hows)?;
    }
}

//! What is told of sessions, against sessions that are made anew of all that came so far.
//!
//! Whoever keeps the rows that are told has, whenever changes are shown, exactly the sessions of all records that were not
//! late: also those that grew and were joined, each once. Rows that are final never change; and of those that ended the
//! last word is the final one.

use std::collections::{BTreeMap, BTreeSet};

use millstream_engine::raw::{ByRef, ByValue, NoKey};
use millstream_engine::{EventTime, KeyOf, Record, Stage, Value, Window, seconds};
use proptest::prelude::*;

use super::script::{Turn, Visit, aggregates, script};
use super::workers::{Told, Workers, values};
use super::{Made, at, demand, seconds_at};
use crate::aggregate::Aggregate;

type Rows = BTreeMap<(Window, Vec<Value>), Vec<Value>>;

/// The sessions of `records`.
fn recompute<K: KeyOf<Visit>>(
    key: &K,
    aggregate: &impl Aggregate<Visit>,
    records: &[Record<Visit>],
) -> Rows {
    let mut by_key: BTreeMap<K::Key, Vec<&Record<Visit>>> = BTreeMap::new();
    for record in records {
        let of_key = by_key.entry(key.take(&record.value)).or_default();
        of_key.push(record);
    }
    let mut rows = Rows::new();
    for (key, mut records) in by_key {
        records.sort_by_key(|record| record.time);
        for session in records.chunk_by(|a, b| b.time <= a.time.plus(seconds(10))) {
            let mut state = Default::default();
            for record in session {
                aggregate.add(&mut state, &record.value);
            }
            let window = Window {
                start: session[0].time,
                end: session[session.len() - 1].time.plus(seconds(10)),
            };
            rows.insert((window, values(&key)), values(&aggregate.output(&state)));
        }
    }
    rows
}

/// What those know who hear what is told.
#[derive(Default)]
struct Heard {
    rows: Rows,
    finals: Rows,
    /// The last that was told of what ended.
    ended: Rows,
    ends: BTreeSet<(Window, Vec<Value>)>,
}

impl Heard {
    fn hear(&mut self, told: Vec<Told>) {
        for (window, key, stage, said) in told {
            let row = (window, key);
            assert!(!self.finals.contains_key(&row), "{row:?} was final");
            let Some(said) = said else {
                assert!(self.rows.remove(&row).is_some(), "{row:?} was shown");
                continue;
            };
            if matches!(stage, Stage::Ended | Stage::Corrected) {
                self.ended.insert(row.clone(), said.clone());
            }
            if stage == Stage::Ended {
                assert!(self.ends.insert(row.clone()), "{row:?} ends once");
            }
            if stage == Stage::Final {
                self.finals.insert(row.clone(), said.clone());
            }
            self.rows.insert(row, said);
        }
    }
}

fn check<K: KeyOf<Visit>>(
    key: K,
    lateness: u64,
    (partial, ended): (bool, bool),
    script: &[Turn],
    (n_workers, exchange): (usize, bool),
) -> Result<(), TestCaseError> {
    let made = Made::new(key, aggregates(), demand(partial, ended, false)).lateness(lateness);
    let mut workers = Workers::new(&made, n_workers, exchange);
    let (mut watermark, mut so_far) = (EventTime::MIN, 0);
    let (mut heard, mut on_time, mut late) = (Heard::default(), Vec::new(), Vec::new());
    for (number, turn) in script.iter().enumerate() {
        let before = at(number, watermark);
        for batch in &turn.batches {
            let record = |(ahead, visit): &(i64, Visit)| {
                Record::new(visit.clone(), seconds_at(so_far + ahead))
            };
            let records: Vec<_> = batch.iter().map(record).collect();
            workers.batch(&records, before);
            let is_late = |record: &Record<Visit>| record.time.plus(seconds(lateness)) < watermark;
            late.extend(records.iter().filter(|r| is_late(r)).map(|r| r.time));
            on_time.extend(records.into_iter().filter(|record| !is_late(record)));
        }
        so_far += turn.moves;
        if turn.moves > 0 {
            watermark = seconds_at(so_far);
        }
        workers.end(before, at(number, watermark), turn.publishes);
        heard.hear(workers.take_told());
        let rows = recompute(&*made.key, &*made.aggregate, &on_time);
        if turn.publishes && (partial || ended) {
            prop_assert_eq!(&heard.rows, &rows, "shown in turn {}", number);
        }
        let is_final = |(window, _): &&(Window, _)| window.end.plus(seconds(lateness)) < watermark;
        let finals = rows.keys().filter(is_final).collect::<Vec<_>>();
        prop_assert_eq!(
            heard.finals.keys().collect::<Vec<_>>(),
            finals,
            "closed in turn {}",
            number
        );
    }
    let rows = recompute(&*made.key, &*made.aggregate, &on_time);
    prop_assert_eq!(&heard.finals, &rows);
    if ended {
        for (row, said) in &rows {
            prop_assert_eq!(
                heard.ended.get(row),
                Some(said),
                "the last word on {:?}",
                row
            );
        }
    }
    workers.late.sort();
    late.sort();
    prop_assert_eq!(&workers.late, &late);
    prop_assert_eq!(workers.held().len(), 0);
    Ok(())
}

/// None, less than a gap, or more than that.
fn lateness() -> impl Strategy<Value = u64> {
    proptest::sample::select(vec![0, 5, 25])
}

/// How a run goes: on how many workers, and whether with an exchange.
fn how() -> impl Strategy<Value = (usize, bool)> {
    (1_usize..=3, any::<bool>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn by_text(script in script(), lateness in lateness(), shows in any::<(bool, bool)>(), how in how()) {
        check(ByRef::new(Visit::user), lateness, shows, &script, how)?;
    }

    #[test]
    fn by_two_of_which_one_may_be_missing(script in script(), lateness in lateness(), shows in any::<(bool, bool)>(), how in how()) {
        check(ByValue::new(|v: &Visit| (v.country, v.user.clone())), lateness, shows, &script, how)?;
    }

    #[test]
    fn by_nothing(script in script(), lateness in lateness(), shows in any::<(bool, bool)>(), how in how()) {
        check(NoKey, lateness, shows, &script, how)?;
    }
}

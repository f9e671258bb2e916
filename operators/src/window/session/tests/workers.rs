//! The steps of several workers, driven by hand: what the shell does, in its order, epoch by epoch.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use millstream_engine::raw::{At, Batch, Emitted, Log, Logic, Publish, Replayed, Shard, hash_key};
use millstream_engine::{
    Change, Columns, Data, EventTime, KeyOf, LoadError, Record, Stage, Value, Window, Windowed,
};

use super::super::Session;
use super::super::ahead::{Ahead, AheadLogic};
use super::super::open::OpenSessions;
use super::super::step::Step as SessionStep;
use super::Made;
use crate::aggregate::Aggregate;

/// A row that was emitted: window, key, stage, values; without values it was removed.
pub(super) type Told = (Window, Vec<Value>, Stage, Option<Vec<Value>>);

/// What is held: by window and key, the values and whether the session has ended.
pub(super) type Held = BTreeMap<(Window, Vec<Value>), (Vec<Value>, bool)>;

pub(super) fn values(columns: &impl Columns) -> Vec<Value> {
    let mut values = Vec::new();
    columns.append(&mut values);
    values
}

/// The step of one worker.
pub(super) enum Step<T: Data, K: KeyOf<T>, A: Aggregate<T>> {
    Whole(SessionStep<T, K, A, Batch<T>>),
    Behind(SessionStep<T, K, A, Vec<Ahead<T, K::Key, A::State>>>),
}

/// Does the same to either kind of step.
macro_rules! either {
    ($step:expr, $logic:ident => $does:expr) => {
        match $step {
            Step::Whole($logic) => $does,
            Step::Behind($logic) => $does,
        }
    };
}

/// The steps of all workers.
pub(super) struct Workers<T: Data, K: KeyOf<T>, A: Aggregate<T>> {
    key: Rc<K>,
    rules: Session,
    /// None if each step is whole.
    ahead: Vec<AheadLogic<T, K, A>>,
    pub(super) steps: Vec<Step<T, K, A>>,
    told: Vec<Told>,
    pub(super) late: Vec<EventTime>,
}

impl<T: Data, K: KeyOf<T>, A: Aggregate<T>> Workers<T, K, A> {
    pub(super) fn new(made: &Made<K, A>, n: usize, exchange: bool) -> Self {
        let ahead = || {
            let (key, aggregate) = (Rc::clone(&made.key), Rc::clone(&made.aggregate));
            AheadLogic::new(key, aggregate, made.rules)
        };
        let step = |_| match exchange {
            true => Step::Behind(SessionStep::new(made.sessions())),
            false => Step::Whole(SessionStep::new(made.sessions())),
        };
        Workers {
            key: Rc::clone(&made.key),
            rules: made.rules,
            ahead: (0..if exchange { n } else { 0 }).map(|_| ahead()).collect(),
            steps: (0..n).map(step).collect(),
            told: Vec::new(),
            late: Vec::new(),
        }
    }

    fn worker_of(&self, hash: u64) -> usize {
        Shard::of_hash(hash).number() as usize % self.steps.len()
    }

    /// A batch, record by record to the worker it belongs to, or comes to if there is an exchange; some go past the step
    /// ahead as they came.
    pub(super) fn batch(&mut self, batch: &[Record<T>], at: At) {
        let mut parts = vec![Vec::new(); self.steps.len()];
        for (number, record) in batch.iter().enumerate() {
            if !self.ahead.is_empty() && number % 3 == 2 {
                self.single(record, at);
                continue;
            }
            let worker = if self.ahead.is_empty() {
                self.worker_of(self.key.hash(&record.value))
            } else {
                number % self.steps.len()
            };
            parts[worker].push(record.clone());
        }
        if !self.ahead.is_empty() {
            self.through_ahead(at, parts);
            return;
        }
        for (step, part) in self.steps.iter_mut().zip(parts) {
            if let Step::Whole(whole) = step {
                let mut out = emitted();
                whole.on_batch(Rc::new(part), at, &mut out);
                self.late.extend(out.late.iter().map(|record| record.time));
            }
        }
    }

    /// A record that the step ahead sends as it came.
    fn single(&mut self, record: &Record<T>, at: At) {
        if self.rules.is_late(record, self.rules.bar(at.watermark)) {
            self.late.push(record.time);
            return;
        }
        let hash = self.key.hash(&record.value);
        let worker = self.worker_of(hash);
        if let Step::Behind(behind) = &mut self.steps[worker] {
            let (time, value) = (record.time, record.value.clone());
            behind.on_batch(
                vec![Ahead::Single { hash, time, value }],
                at,
                &mut emitted(),
            );
        }
    }

    /// Ends the epoch for the steps ahead, or gives each its part of a batch.
    fn through_ahead(&mut self, at: At, parts: Vec<Vec<Record<T>>>) {
        let mut sent = emitted();
        let mut parts = parts.into_iter();
        for ahead in &mut self.ahead {
            match parts.next() {
                Some(part) => ahead.on_batch(Rc::new(part), at, &mut sent),
                None => ahead.on_epoch(at, &mut sent),
            }
        }
        self.late.extend(sent.late.iter().map(|record| record.time));
        for item in sent.out {
            let worker = self.worker_of(item.hash());
            if let Step::Behind(behind) = &mut self.steps[worker] {
                behind.on_batch(vec![item], at, &mut emitted());
            }
        }
    }

    /// Ends an epoch: `before` is the watermark until now.
    pub(super) fn end(&mut self, before: At, at: At, publishes: bool) {
        self.through_ahead(before, Vec::new());
        for step in &mut self.steps {
            let told = either!(step, logic => {
                let mut out = emitted();
                if at.watermark > before.watermark {
                    logic.on_watermark(at, &mut out);
                }
                if publishes {
                    logic.on_publish(at, Publish::default(), &mut out);
                }
                out.out
            });
            self.told.extend(told.iter().map(row_told));
        }
    }

    /// What was emitted since this was last asked, in order for each key.
    pub(super) fn take_told(&mut self) -> Vec<Told> {
        self.told.sort_by(|a, b| a.1.cmp(&b.1));
        std::mem::take(&mut self.told)
    }

    pub(super) fn freeze(&mut self) {
        for step in &mut self.steps {
            either!(step, logic => logic.freeze());
        }
    }

    /// One slice on each worker that is not through; whether all are.
    pub(super) fn save(&mut self, logs: &mut [Log], saved: &mut [bool], n_bytes: usize) -> bool {
        for ((step, log), saved) in self.steps.iter_mut().zip(logs).zip(saved.iter_mut()) {
            *saved = *saved || either!(step, logic => logic.save(log, n_bytes));
        }
        saved.iter().all(|saved| *saved)
    }

    /// Takes back what a snapshot says, each worker the entries of its shards. No session is in it twice.
    pub(super) fn restore(&mut self, logs: &[Log]) -> Result<(), LoadError> {
        let mut named = BTreeSet::new();
        for log in logs {
            log.replay(|replayed| {
                let Replayed::Entry(shard, entry) = replayed else {
                    panic!("sessions forget no windows");
                };
                let (key, name): (K::Key, EventTime) = entry.key()?;
                assert_eq!(shard, Shard::of_hash(hash_key(&key)).number());
                assert!(named.insert((key, name)), "a session is written once");
                let worker = shard as usize % self.steps.len();
                either!(&mut self.steps[worker], logic => logic.restore(&entry))
            })?;
        }
        Ok(())
    }

    pub(super) fn resume(&mut self, at: At) {
        for step in &mut self.steps {
            either!(step, logic => logic.resume(at));
        }
    }

    pub(super) fn opens(&self) -> impl Iterator<Item = &OpenSessions<T, K, A>> {
        self.steps
            .iter()
            .map(|step| either!(step, logic => &logic.open))
    }

    pub(super) fn held(&self) -> Held {
        let of_worker = |open: &OpenSessions<T, K, A>| {
            let held = open.sessions.iter().map(|session| {
                let window = session.span.window(open.notes.rules.gap);
                let said = values(&open.aggregate.output(&session.state));
                let ended = open.notes.has_ended(session.span);
                ((window, values(&session.key)), (said, ended))
            });
            let held: Vec<_> = held.collect();
            let keys: BTreeSet<_> = held.iter().map(|((_, key), _)| key).collect();
            assert_eq!(open.sessions.n_keys(), keys.len(), "keys are counted");
            held
        };
        self.opens().flat_map(of_worker).collect()
    }
}

fn row_told<K: Columns, V: Columns>(change: &Change<Windowed<K>, V>) -> Told {
    let Windowed { window, key } = &change.key;
    let said = change.value.as_ref().map(values);
    (*window, values(key), change.stage, said)
}

pub(super) fn emitted<O, L>() -> Emitted<O, L> {
    Emitted {
        out: Vec::new(),
        late: Vec::new(),
        n_records: 0,
    }
}

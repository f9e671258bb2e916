//! The steps of several workers, driven by hand: what the shell does, in its order, epoch by epoch.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use millstream_engine::raw::{
    At, Emitted, Log, Logic, Publish, Replayed, Shard, Windowing, hash_key,
};
use millstream_engine::{
    Change, Columns, Data, KeyOf, LoadError, Record, Stage, Value, Window, Windowed,
};

use super::Made;
use crate::aggregate::Aggregate;
use crate::window::ahead::{Ahead, AheadLogic};
use crate::window::behind::{Behind, Folding, Whole};
use crate::window::cut::Cut;
use crate::window::open_windows::OpenWindows;

/// A row that was emitted: window, key, stage, values.
pub(super) type Told = (Window, Vec<Value>, Stage, Vec<Value>);

/// What windows hold: by window and key, the values and whether the window has ended.
pub(super) type Held = BTreeMap<(Window, Vec<Value>), (Vec<Value>, bool)>;

fn values(columns: &impl Columns) -> Vec<Value> {
    let mut values = Vec::new();
    columns.append(&mut values);
    values
}

/// The step of one worker.
pub(super) enum Step<T, K: KeyOf<T>, A: Aggregate<T>, C> {
    Whole(Whole<T, K, A, C>),
    Behind(Behind<T, K, A, C>),
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
pub(super) struct Workers<T, K: KeyOf<T>, A: Aggregate<T>, C> {
    key: Rc<K>,
    cut: C,
    /// None if each step is whole.
    ahead: Vec<AheadLogic<T, K, A, C>>,
    pub(super) steps: Vec<Step<T, K, A, C>>,
    told: Vec<Told>,
}

impl<T: Data, K: KeyOf<T>, A: Aggregate<T>, C: Cut<T>> Workers<T, K, A, C> {
    pub(super) fn new(made: &Made<K, A, C>, n: usize, exchange: bool) -> Self {
        let ahead = || {
            let (key, aggregate) = (Rc::clone(&made.key), Rc::clone(&made.aggregate));
            AheadLogic::new(key, aggregate, made.cut.clone())
        };
        let step = |_| match exchange {
            true => Step::Behind(Behind(made.windows())),
            false => Step::Whole(Whole(made.windows())),
        };
        Workers {
            key: Rc::clone(&made.key),
            cut: made.cut.clone(),
            ahead: (0..if exchange { n } else { 0 }).map(|_| ahead()).collect(),
            steps: (0..n).map(step).collect(),
            told: Vec::new(),
        }
    }

    fn worker_of(&self, hash: u64) -> usize {
        Shard::of_hash(hash).number() as usize % self.steps.len()
    }

    /// A batch, record by record to the worker it belongs to, or comes to if there is an exchange.
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
        if self.ahead.is_empty() {
            for (step, part) in self.steps.iter_mut().zip(parts) {
                if let Step::Whole(whole) = step {
                    whole.on_batch(Rc::new(part), at, &mut emitted());
                }
            }
        } else {
            self.through_ahead(at, parts);
        }
    }

    /// A record that the step ahead sends as it came.
    fn single(&mut self, record: &Record<T>, at: At) {
        let hash = self.key.hash(&record.value);
        let stretch = self.cut.stretch(record);
        let worker = self.worker_of(hash);
        if let Step::Behind(behind) = &mut self.steps[worker]
            && let Some(window) = self.cut.piece(stretch, at.watermark.max(record.behind))
        {
            let value = record.value.clone();
            let single = Ahead::Single {
                hash,
                window,
                value,
            };
            behind.on_batch(vec![single], at, &mut emitted());
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
        for item in sent.out {
            let worker = self.worker_of(<Folding<K, A, C> as Windowing<T>>::hash(&item));
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

    /// What was emitted since this was last asked, in an order of its own.
    pub(super) fn take_told(&mut self) -> Vec<Told> {
        self.told.sort();
        std::mem::take(&mut self.told)
    }

    /// Freezes all; gives what each worker notes.
    pub(super) fn freeze(&mut self) -> Vec<String> {
        let mut notes = Vec::new();
        for step in &mut self.steps {
            either!(step, logic => logic.freeze());
            notes.extend(either!(step, logic => logic.note()));
        }
        notes
    }

    /// Takes back what workers noted, each worker the notes of all.
    pub(super) fn restore_notes(&mut self, notes: &[String]) -> Result<(), LoadError> {
        for note in notes {
            for step in &mut self.steps {
                either!(step, logic => logic.restore_note(note))?;
            }
            for ahead in &mut self.ahead {
                ahead.restore_note(note)?;
            }
        }
        Ok(())
    }

    /// One slice on each worker that is not through; whether all are.
    pub(super) fn save(&mut self, logs: &mut [Log], saved: &mut [bool], n_bytes: usize) -> bool {
        for ((step, log), saved) in self.steps.iter_mut().zip(logs).zip(saved.iter_mut()) {
            *saved = *saved || either!(step, logic => logic.save(log, n_bytes));
        }
        saved.iter().all(|saved| *saved)
    }

    /// Takes back what a snapshot says, each worker the entries of its shards. No key is in it twice.
    pub(super) fn restore(&mut self, logs: &[Log]) -> Result<(), LoadError> {
        let mut keys = BTreeSet::new();
        for log in logs {
            log.replay(|replayed| match replayed {
                Replayed::Forgotten(window) => {
                    for step in &mut self.steps {
                        either!(step, logic => logic.forget(window));
                    }
                    Ok(())
                }
                Replayed::Entry(shard, entry) => {
                    let key: K::Key = entry.key()?;
                    assert_eq!(shard, Shard::of_hash(hash_key(&key)).number());
                    assert!(keys.insert((entry.window, key)), "a key is written once");
                    let worker = shard as usize % self.steps.len();
                    either!(&mut self.steps[worker], logic => logic.restore(&entry))
                }
            })?;
        }
        Ok(())
    }

    pub(super) fn resume(&mut self, at: At) {
        for step in &mut self.steps {
            either!(step, logic => logic.resume(at));
        }
    }

    pub(super) fn windows(&self) -> impl Iterator<Item = &OpenWindows<T, K, A, C>> {
        self.steps
            .iter()
            .map(|step| either!(step, logic => &logic.0))
    }

    pub(super) fn held(&self) -> Held {
        let of_worker = |open: &OpenWindows<T, K, A, C>| {
            let held = open.pieces.iter().flat_map(|(piece, panes)| {
                let (window, ended) = (piece.window(), piece.end <= open.watermark);
                panes.panes.iter().map(move |pane| {
                    let said = values(&open.aggregate.output(&pane.state));
                    ((window, values(&pane.key)), (said, ended))
                })
            });
            held.collect::<Vec<_>>()
        };
        self.windows().flat_map(of_worker).collect()
    }
}

fn row_told<K: Columns, V: Columns>(change: &Change<Windowed<K>, V>) -> Told {
    let said = change.value.as_ref().map(values).unwrap_or_default();
    let Windowed { window, key } = &change.key;
    (*window, values(key), change.stage, said)
}

fn emitted<O, L>() -> Emitted<O, L> {
    Emitted {
        out: Vec::new(),
        late: Vec::new(),
        n_records: 0,
    }
}

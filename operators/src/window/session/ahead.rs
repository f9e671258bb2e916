//! The step ahead of the exchange: makes sessions of the records of an epoch, where that makes them fewer.
//!
//! What came to a worker in an epoch is folded into sessions of that alone, and those are sent to the worker that has the
//! key, which joins them to what is there. Where nearly every record would be a session of its own that would be work for
//! nothing: the step measures how much folding shrinks an epoch and sends the records themselves if it does not.
//!
//! At the end of an epoch it has sent on all there was, so a snapshot finds nothing here.
//!
//! *Invariants*: what is late is decided here, once, with the same watermark that the step behind the exchange has: what
//! arrives there, folded or not, is never late.

use std::rc::Rc;

use millstream_engine::raw::{At, Batch, Emitted, Logic, Publish, Size};
use millstream_engine::{Data, EventTime, KeyOf, LoadError};
use serde::{Deserialize, Serialize};

use super::Session;
use super::kept::Kept;
use super::sessions::{Comes, Sessions};
use super::span::Span;
use crate::aggregate::Aggregate;

/// What goes to the worker that has the key.
#[derive(Clone, Serialize, Deserialize)]
pub(super) enum Ahead<T, K, S> {
    /// A session of an epoch's records.
    Combined {
        /// The key's hash.
        hash: u64,
        /// From when to when.
        span: Span,
        /// The key.
        key: K,
        /// What its records come to.
        state: S,
    },
    /// A record as it came.
    Single {
        /// The key's hash.
        hash: u64,
        /// When it happened.
        time: EventTime,
        /// Its value.
        value: T,
    },
}

impl<T, K, S> Ahead<T, K, S> {
    /// The hash of the key.
    pub(super) fn hash(&self) -> u64 {
        match self {
            Ahead::Combined { hash, .. } | Ahead::Single { hash, .. } => *hash,
        }
    }

    /// The time of the first record.
    pub(super) fn first(&self) -> EventTime {
        match self {
            Ahead::Combined { span, .. } => span.first,
            Ahead::Single { time, .. } => *time,
        }
    }
}

/// After an epoch that folding did not shrink, this many are sent as they came before it is tried again.
const EPOCHS_UNCOMBINED: u32 = 15;

/// Epochs smaller than this say nothing about how well folding works.
const RECORDS_TO_JUDGE: usize = 512;

pub(super) struct AheadLogic<T, K: KeyOf<T>, A: Aggregate<T>> {
    key: Rc<K>,
    aggregate: Rc<A>,
    rules: Session,
    sessions: Sessions<K::Key, A::State>,
    n_folded: usize,
    /// For how many more epochs to send records as they come.
    uncombined: u32,
}

impl<T, K: KeyOf<T>, A: Aggregate<T>> AheadLogic<T, K, A> {
    pub(super) fn new(key: Rc<K>, aggregate: Rc<A>, rules: Session) -> Self {
        AheadLogic {
            key,
            aggregate,
            rules,
            sessions: Sessions::new(rules.gap),
            n_folded: 0,
            uncombined: 0,
        }
    }

    fn fold(&mut self, time: EventTime, value: &T) {
        let (key, aggregate) = (&*self.key, &*self.aggregate);
        let comes = Comes {
            hash: key.hash(value),
            is: |of: &K::Key| key.is(value, of),
            key: || key.take(value),
            span: Span::at(time),
        };
        self.sessions.put(
            comes,
            &mut (),
            |state, other| aggregate.merge(state, other),
            |state| aggregate.add(state, value),
        );
        self.n_folded += 1;
    }
}

impl<T: Data, K: KeyOf<T>, A: Aggregate<T>> Logic for AheadLogic<T, K, A> {
    type In = Batch<T>;
    type Out = Ahead<T, K::Key, A::State>;
    type Late = T;

    fn on_batch(&mut self, batch: Batch<T>, at: At, out: &mut Emitted<Self::Out, T>) {
        out.n_records += batch.len() as u64;
        let bar = self.rules.bar(at.watermark);
        for record in &*batch {
            if self.rules.is_late(record, bar) {
                out.late.push(record.clone());
            } else if self.uncombined > 0 {
                out.out.push(Ahead::Single {
                    hash: self.key.hash(&record.value),
                    time: record.time,
                    value: record.value.clone(),
                });
            } else {
                self.fold(record.time, &record.value);
            }
        }
    }

    fn on_epoch(&mut self, _at: At, out: &mut Emitted<Self::Out, T>) {
        if self.uncombined > 0 {
            self.uncombined -= 1;
            return;
        }
        let n_combined = self.sessions.len();
        out.out.extend(self.sessions.drain().map(|session| {
            let Kept {
                hash,
                span,
                key,
                state,
                ..
            } = session;
            Ahead::Combined {
                hash,
                span,
                key,
                state,
            }
        }));
        let n_folded = std::mem::take(&mut self.n_folded);
        if n_folded >= RECORDS_TO_JUDGE && n_combined * 2 > n_folded {
            self.uncombined = EPOCHS_UNCOMBINED;
        }
    }

    fn on_watermark(&mut self, _at: At, _out: &mut Emitted<Self::Out, T>) {}

    fn on_publish(&mut self, _at: At, _publish: Publish, _out: &mut Emitted<Self::Out, T>) {}

    fn restore_note(&mut self, note: &str) -> Result<(), LoadError> {
        self.rules.restore_note(note)
    }

    fn size(&mut self) -> Size {
        Size {
            keys: 0,
            open_windows: 0,
            bytes: 0,
            next_close: EventTime::MAX,
        }
    }
}

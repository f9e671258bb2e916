//! The sessions that are not final: records are put into them, they are shown, they end, and they close.
//!
//! A session has ended once the watermark has passed its end: also one that begins only then, with a record within the
//! lateness. One that has ended may reach further when such a record comes: its row is another one then, which is told as
//! corrected if its end has passed as well, and else as open until that passes, and it ends once more.

use std::rc::Rc;

use millstream_engine::raw::{At, Demand, Log};
use millstream_engine::{Change, Data, EventTime, KeyOf, Record, Stage, Windowed};

use super::super::flags::Flags;
use super::Session;
use super::ahead::Ahead;
use super::frozen::Frozen;
use super::kept::Kept;
use super::notes::Notes;
use super::sessions::{Comes, Sessions};
use super::span::Span;
use crate::aggregate::Aggregate;

/// How often, in publish epochs, the bytes on the heap are counted anew.
const COUNT_HEAP_EVERY: u32 = 64;

/// The sessions that are not final.
pub(super) struct OpenSessions<T, K: KeyOf<T>, A: Aggregate<T>> {
    key: Rc<K>,
    pub(super) aggregate: Rc<A>,
    pub(super) sessions: Sessions<K::Key, A::State>,
    pub(super) notes: Notes<T, K, A>,
    pub(super) heap_bytes: usize,
    n_published: u32,
}

pub(super) type Row<T, K, A> = Change<Windowed<<K as KeyOf<T>>::Key>, <A as Aggregate<T>>::Output>;

impl<T: Data, K: KeyOf<T>, A: Aggregate<T>> OpenSessions<T, K, A> {
    pub(super) fn new(key: Rc<K>, aggregate: Rc<A>, rules: Session, demand: Demand) -> Self {
        let frozen = demand.snapshots.then(|| Frozen::new(Rc::clone(&aggregate)));
        OpenSessions {
            key,
            aggregate,
            sessions: Sessions::new(rules.gap),
            notes: Notes::new(rules, demand, frozen),
            heap_bytes: 0,
            n_published: 0,
        }
    }

    /// Puts the records of a batch into their sessions; those that are late go to `late`.
    pub(super) fn fold(&mut self, batch: &[Record<T>], at: At, late: &mut Vec<Record<T>>) {
        let rules = self.notes.rules;
        let bar = rules.bar(at.watermark);
        for record in batch {
            if rules.is_late(record, bar) {
                late.push(record.clone());
            } else {
                self.put(self.key.hash(&record.value), record.time, &record.value);
            }
        }
    }

    /// Takes what the step ahead sent.
    pub(super) fn merge(&mut self, ahead: Ahead<T, K::Key, A::State>, at: At) {
        let bar = self.notes.rules.bar(at.watermark);
        assert!(
            ahead.first() >= bar,
            "the step ahead lets nothing late through"
        );
        match ahead {
            Ahead::Single { hash, time, value } => self.put(hash, time, &value),
            Ahead::Combined {
                hash,
                span,
                key,
                state,
            } => self.put_combined((hash, key), span, state),
        }
    }

    #[inline]
    fn put(&mut self, hash: u64, time: EventTime, value: &T) {
        let (key, aggregate) = (&*self.key, &*self.aggregate);
        let comes = Comes {
            hash,
            is: |of: &K::Key| key.is(value, of),
            key: || key.take(value),
            span: Span::at(time),
        };
        self.sessions.put(
            comes,
            &mut self.notes,
            |state, other| aggregate.merge(state, other),
            |state| aggregate.add(state, value),
        );
    }

    fn put_combined(&mut self, (hash, key): (u64, K::Key), span: Span, state: A::State) {
        let aggregate = &*self.aggregate;
        let comes = Comes {
            hash,
            is: |of: &K::Key| *of == key,
            key: || key.clone(),
            span,
        };
        self.sessions.put(
            comes,
            &mut self.notes,
            |state, other| aggregate.merge(state, other),
            |into| aggregate.merge(into, state),
        );
    }

    /// Ends the sessions that the watermark has passed, and closes those that are final.
    pub(super) fn pass(&mut self, watermark: EventTime, out: &mut Vec<Row<T, K, A>>) {
        let before = std::mem::replace(&mut self.notes.watermark, watermark);
        if watermark == EventTime::MAX {
            // That the input has ended is a promise for this run alone; what was closed before it did stays so.
            self.notes.rules.barred = self.notes.rules.bar(before);
        }
        out.extend(self.notes.take_removed());
        self.end(out);
        self.close_final(out);
        self.sessions.shrink();
    }

    /// Tells of the sessions that have ended, if anyone wants to hear of it.
    fn end(&mut self, out: &mut Vec<Row<T, K, A>>) {
        let watermark = self.notes.watermark;
        while let Some((filed, named)) = self.notes.ends.pop(watermark) {
            // What was filed anew since, or is no more, is not found.
            let is_it = |session: &Kept<K::Key, A::State>| session.filed.end == filed;
            let found = self.sessions.find(named, is_it);
            let Some(session) = found.filter(|session| !session.flags.has(Flags::ENDED)) else {
                continue;
            };
            if !self.notes.has_ended(session.span) {
                self.notes.file_end(session, session.span);
                continue;
            }
            session.flags.set(Flags::ENDED);
            if !self.notes.demand.ended.get() {
                continue;
            }
            // Whoever follows every change has not heard of it, and may not until it is final.
            let (rules, is_final) = (&self.notes.rules, self.notes.is_final(session.span));
            if session.flags.take(Flags::CHANGED) && !is_final {
                out.push(row(rules, &*self.aggregate, session, Stage::Open));
            }
            out.push(row(rules, &*self.aggregate, session, Stage::Ended));
            session.flags.set(Flags::SHOWN);
        }
    }

    /// Closes the sessions that are final.
    fn close_final(&mut self, out: &mut Vec<Row<T, K, A>>) {
        let watermark = self.notes.watermark;
        while let Some((filed, named)) = self.notes.closes.pop(watermark) {
            let is_it = |session: &Kept<K::Key, A::State>| session.filed.close == filed;
            let Some(session) = self.sessions.find(named, is_it) else {
                continue;
            };
            if !self.notes.is_final(session.span) {
                self.notes.file_close(session);
                continue;
            }
            if self.notes.demand.ended.get() && session.flags.has(Flags::CHANGED) {
                let rules = &self.notes.rules;
                out.push(row(rules, &*self.aggregate, session, Stage::Corrected));
            }
            let session = self.sessions.take(named, is_it).expect("it was just found");
            out.push(self.close(session));
        }
    }

    /// The row of a session that is final.
    fn close(&mut self, session: Kept<K::Key, A::State>) -> Row<T, K, A> {
        let window = session.span.window(self.notes.rules.gap);
        let value = Some(self.aggregate.output(&session.state));
        let key = match &mut self.notes.frozen {
            Some(frozen) if frozen.wants(&session) => {
                let key = session.key.clone();
                frozen.close(session);
                key
            }
            _ => session.key,
        };
        Change {
            key: Windowed { window, key },
            value,
            stage: Stage::Final,
        }
    }

    /// Shows what has changed since changes were last shown.
    pub(super) fn publish(&mut self, out: &mut Vec<Row<T, K, A>>) {
        out.extend(self.notes.take_removed());
        for named in std::mem::take(&mut self.notes.changed) {
            let Some(session) = self.sessions.named(named, Flags::CHANGED) else {
                continue;
            };
            session.flags.take(Flags::CHANGED);
            session.flags.set(Flags::SHOWN);
            let stage = self.notes.stage(session.span);
            out.push(row(&self.notes.rules, &*self.aggregate, session, stage));
        }
        if self.n_published.is_multiple_of(COUNT_HEAP_EVERY) {
            self.count_heap();
        }
        self.n_published = self.n_published.wrapping_add(1);
    }

    /// Freezes what has changed since the last freeze.
    pub(super) fn freeze(&mut self) {
        if let Some(frozen) = &mut self.notes.frozen {
            frozen.freeze();
        }
    }

    /// Writes of what is frozen about `n_bytes` at most; whether that was the last of it.
    pub(super) fn save(&mut self, log: &mut Log, n_bytes: usize) -> bool {
        let frozen = self.notes.frozen.as_mut();
        frozen.is_none_or(|frozen| frozen.save(&mut self.sessions, log, n_bytes))
    }
}

/// The row of a session as it is.
fn row<T, K: Clone, A: Aggregate<T>>(
    rules: &Session,
    aggregate: &A,
    session: &Kept<K, A::State>,
    stage: Stage,
) -> Change<Windowed<K>, A::Output> {
    Change {
        key: Windowed {
            window: session.span.window(rules.gap),
            key: session.key.clone(),
        },
        value: Some(aggregate.output(&session.state)),
        stage,
    }
}

//! The step: records wait for their time, and then have their turn in order.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::rc::Rc;

use millstream_engine::raw::{
    At, Emitted, Entry, Hashed, KeyedState, Log, Logic, Place, Publish, Size,
};
use millstream_engine::{Data, EventTime, KeyOf, LoadError, Record};
use serde::{Deserialize, Serialize};

use crate::aggregate::Aggregate;
use crate::in_order::compare;

/// How often, in publish epochs, what is kept is weighed anew.
const WEIGH_EVERY: u32 = 16;

/// What is kept of a key.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct OfKey<T> {
    /// The last that had their turn, in order.
    before: VecDeque<T>,
    /// Those whose time has not come.
    waiting: Vec<Record<T>>,
}

/// The step.
pub(super) struct Rolling<T: Data, K: KeyOf<T>, F, A> {
    key: Rc<K>,
    /// How many rows before a record count.
    n_before: usize,
    order: F,
    aggregate: A,
    keys: KeyedState<K::Key, OfKey<T>>,
    /// By event time: where something waits for it to pass.
    due: BinaryHeap<Reverse<(EventTime, Place)>>,
    n_published: u32,
}

impl<T: Data, K: KeyOf<T>, F, A> Rolling<T, K, F, A> {
    pub(super) fn new(
        key: Rc<K>,
        n_before: usize,
        order: F,
        aggregate: A,
        snapshots: bool,
    ) -> Self {
        Rolling {
            key,
            n_before,
            order,
            aggregate,
            keys: KeyedState::new(snapshots),
            due: BinaryHeap::new(),
            n_published: 0,
        }
    }

    /// A record waits for its time.
    fn wait(&mut self, hash: u64, record: Record<T>) {
        let (key, value) = (&self.key, &record.value);
        let place = self.keys.find_or_insert(
            hash,
            |other| key.is(value, other),
            || key.take(value),
            || OfKey {
                before: VecDeque::new(),
                waiting: Vec::new(),
            },
        );
        self.due.push(Reverse((record.time, place)));
        self.keys.change(place).waiting.push(record);
    }

    /// Those there whose time has come have their turn.
    fn roll<O: Ord>(
        &mut self,
        place: Place,
        watermark: EventTime,
        out: &mut Vec<Record<(T, A::Output)>>,
    ) where
        F: Fn(&T) -> O,
        A: Aggregate<T>,
    {
        let has_come = |record: &mut Record<T>| record.time < watermark;
        let of_key = self.keys.change(place);
        let mut turn: Vec<_> = of_key.waiting.extract_if(.., has_come).collect();
        turn.sort_by(|a, b| {
            let by_order = || compare(&self.order, &a.value, &b.value);
            a.time.cmp(&b.time).then_with(by_order)
        });
        for record in turn {
            let mut state = A::State::default();
            for before in &of_key.before {
                self.aggregate.add(&mut state, before);
            }
            self.aggregate.add(&mut state, &record.value);
            let output = self.aggregate.output(&state);
            if self.n_before > 0 {
                if of_key.before.len() == self.n_before {
                    of_key.before.pop_front();
                }
                of_key.before.push_back(record.value.clone());
            }
            out.push(Record::new((record.value, output), record.time));
        }
    }
}

impl<T, K, O, F, A> Logic for Rolling<T, K, F, A>
where
    T: Data,
    K: KeyOf<T>,
    O: Ord,
    F: Fn(&T) -> O + 'static,
    A: Aggregate<T>,
{
    type In = Vec<Hashed<T>>;
    type Out = Record<(T, A::Output)>;
    type Late = T;

    fn on_batch(&mut self, batch: Self::In, at: At, out: &mut Emitted<Self::Out, T>) {
        out.n_records += batch.len() as u64;
        for Hashed { hash, record } in batch {
            if record.time < record.behind.max(at.watermark) {
                out.late.push(record);
            } else {
                self.wait(hash, record);
            }
        }
    }

    fn on_watermark(&mut self, at: At, out: &mut Emitted<Self::Out, T>) {
        while let Some(Reverse((time, place))) = self.due.peek().copied() {
            if time >= at.watermark {
                break;
            }
            self.due.pop();
            self.roll(place, at.watermark, &mut out.out);
        }
    }

    fn on_publish(&mut self, _at: At, _publish: Publish, _out: &mut Emitted<Self::Out, T>) {
        let is_time = self.n_published.is_multiple_of(WEIGH_EVERY);
        self.keys.weigh_if(is_time);
        self.n_published = self.n_published.wrapping_add(1);
    }

    fn holds(&self) -> EventTime {
        let first = self.due.peek();
        first.map_or(EventTime::MAX, |Reverse((time, _))| *time)
    }

    fn freeze(&mut self) {
        self.keys.freeze();
    }
    fn save(&mut self, log: &mut Log, n_bytes: usize) -> bool {
        self.keys.save(log, n_bytes)
    }
    fn restore(&mut self, entry: &Entry<'_>) -> Result<(), LoadError> {
        self.keys.restore(entry)
    }

    fn resume(&mut self, _at: At) {
        let waiting = self.keys.iter().flat_map(|(place, _, of_key)| {
            let waiting = of_key.waiting.iter();
            waiting.map(move |record| Reverse((record.time, place)))
        });
        self.due = waiting.collect();
        self.keys.weigh();
    }

    fn size(&mut self) -> Size {
        let due = self.due.len() * size_of::<(EventTime, Place)>();
        Size {
            keys: self.keys.len() as u64,
            // What waits is emitted when time passes.
            open_windows: self.due.len() as u64,
            bytes: (self.keys.n_bytes() + due) as u64,
            next_close: self
                .due
                .peek()
                .map_or(EventTime::MAX, |Reverse((time, _))| *time),
        }
    }
}

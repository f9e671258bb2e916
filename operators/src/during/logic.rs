//! The step: left records open, right ones meet them, and the watermark closes what is over.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::marker::PhantomData;
use std::rc::Rc;

use millstream_engine::raw::{
    At, Emitted, Entry, Hashed, KeyedState, Log, Logic, Place, Publish, Size,
};
use millstream_engine::{Data, EventTime, KeyOf, LoadError, Record, Window};

use super::life::{Life, OfKey, Waiting};
use super::meeting::Meeting;
use super::rules::Rules;
use crate::sided::{KeyOfSide, Sided};

/// How often, in publish epochs, what is kept is weighed anew.
const WEIGH_EVERY: u32 = 16;

/// The step.
pub(super) struct Joining<L, R, KL: KeyOf<L>, KR, F, M: Meeting<L, R>>
where
    L: Data,
    R: Data,
{
    key: KeyOfSide<KL, KR>,
    interval: Rc<F>,
    rules: Rules,
    meeting: M,
    keys: KeyedState<KL::Key, OfKey<L, R, M::State>>,
    /// When to look at what lies where: the watermark at which something there is over.
    due: BinaryHeap<Reverse<(EventTime, Place)>>,
    /// How far back what is open holds back what is emitted, and until when it is open.
    held: BinaryHeap<Reverse<(EventTime, EventTime)>>,
    n_open: u64,
    watermark: EventTime,
    n_published: u32,
    given: PhantomData<fn(R)>,
}

impl<L, R, KL, KR, F, M> Joining<L, R, KL, KR, F, M>
where
    L: Data,
    R: Data,
    KL: KeyOf<L>,
    KR: KeyOf<R, Key = KL::Key>,
    F: Fn(&L) -> Window + 'static,
    M: Meeting<L, R>,
{
    pub(super) fn new(
        key: KeyOfSide<KL, KR>,
        interval: Rc<F>,
        rules: Rules,
        meeting: M,
        snapshots: bool,
    ) -> Self {
        Joining {
            key,
            interval,
            rules,
            meeting,
            keys: KeyedState::new(snapshots),
            due: BinaryHeap::new(),
            held: BinaryHeap::new(),
            n_open: 0,
            watermark: EventTime::MIN,
            n_published: 0,
            given: PhantomData,
        }
    }

    /// A left record opens; gives it back if it is late.
    fn open(
        &mut self,
        hash: u64,
        left: Record<L>,
        at: At,
        out: &mut Vec<Record<M::Out>>,
    ) -> Option<Record<L>> {
        let interval = self.rules.cut((self.interval)(&left.value), &left);
        if self.rules.is_late(&left, interval, at.watermark) {
            return Some(left);
        }
        let (of_left, value) = (&self.key.left, &left.value);
        let place = self.keys.find_or_insert(
            hash,
            |key| of_left.is(value, key),
            || of_left.take(value),
            OfKey::default,
        );
        if self.rules.unique && !self.keys.get(place).lives.is_empty() {
            return Some(left);
        }
        let mut life = Life {
            left,
            interval,
            state: M::State::default(),
        };
        let (rules, meeting) = (self.rules, &self.meeting);
        let of_key = self.keys.change(place);
        of_key.waiting.retain_mut(|waiting| {
            if !rules.meet(&life.left, interval, &waiting.right) {
                return true;
            }
            waiting.has_met = true;
            meeting.meet(&life.left, &waiting.right, out);
            if meeting.keeps(&life.state, &waiting.right) {
                meeting.keep(&mut life.state, waiting.right.clone());
            }
            !rules.unique
        });
        self.opened(place, &life);
        self.keys.change(place).lives.push(life);
        None
    }

    /// Notes when to close what has opened, and what it holds back.
    fn opened(&mut self, place: Place, life: &Life<L, M::State>) {
        let close = self.rules.close(life.interval);
        self.due.push(Reverse((close, place)));
        let holds = self.meeting.holds(life);
        if holds < EventTime::MAX {
            self.held.push(Reverse((holds, close)));
        }
        self.n_open += 1;
    }

    /// A right record comes; gives it back if it is late.
    fn come(
        &mut self,
        hash: u64,
        right: Record<R>,
        at: At,
        out: &mut Vec<Record<M::Out>>,
    ) -> Option<Record<R>> {
        let of_right = &self.key.right;
        let found = self.keys.find(hash, |key| of_right.is(&right.value, key));
        let mut has_met = false;
        if let Some(place) = found {
            for n in 0..self.keys.get(place).lives.len() {
                let life = &self.keys.get(place).lives[n];
                if !self.rules.meet(&life.left, life.interval, &right) {
                    continue;
                }
                has_met = true;
                self.meeting.meet(&life.left, &right, out);
                let keeps = self.meeting.keeps(&life.state, &right);
                if self.rules.unique {
                    if keeps {
                        let life = &mut self.keys.change(place).lives[n];
                        self.meeting.keep(&mut life.state, right);
                    }
                    return None;
                }
                if keeps {
                    let life = &mut self.keys.change(place).lives[n];
                    self.meeting.keep(&mut life.state, right.clone());
                }
            }
        }
        if self.rules.last_wanted(right.time) >= at.watermark {
            self.wait(hash, found, right, has_met);
            return None;
        }
        (!has_met && self.rules.is_far_behind(&right)).then_some(right)
    }

    /// Keeps a right record until no left one can come for it.
    fn wait(&mut self, hash: u64, found: Option<Place>, right: Record<R>, has_met: bool) {
        let place = found.unwrap_or_else(|| {
            let key = self.key.right.take(&right.value);
            self.keys.insert(hash, key, OfKey::default())
        });
        // At the watermark after the last at which it is wanted.
        let over = EventTime::from_micros(
            self.rules
                .last_wanted(right.time)
                .micros()
                .saturating_add(1),
        );
        self.due.push(Reverse((over, place)));
        let waiting = Waiting { right, has_met };
        self.keys.change(place).waiting.push(waiting);
    }

    /// Closes what is over at the watermark.
    fn pass(&mut self, out: &mut Emitted<Record<M::Out>, Sided<L, R>>) {
        let watermark = self.watermark;
        while let Some(Reverse((due, place))) = self.due.peek().copied() {
            if due > watermark {
                break;
            }
            self.due.pop();
            self.look_at(place, out);
        }
        let is_closed = |Reverse((_, close)): &Reverse<(EventTime, EventTime)>| *close <= watermark;
        while self.held.peek().is_some_and(is_closed) {
            self.held.pop();
        }
    }

    /// Closes what is over there, and lets go of what waits in vain. What was there may be gone, and something else be there
    /// by now: then there is nothing to do.
    fn look_at(&mut self, place: Place, out: &mut Emitted<Record<M::Out>, Sided<L, R>>) {
        let (rules, watermark) = (self.rules, self.watermark);
        let is_closed = |life: &mut Life<L, M::State>| rules.close(life.interval) <= watermark;
        let in_vain = |waiting: &mut Waiting<R>| rules.last_wanted(waiting.right.time) < watermark;
        if !self.keys.contains(place) {
            return;
        }
        let of_key = self.keys.change(place);
        let closed: Vec<_> = of_key.lives.extract_if(.., is_closed).collect();
        for waiting in of_key.waiting.extract_if(.., in_vain) {
            if !waiting.has_met && rules.is_far_behind(&waiting.right) {
                let late = waiting.right;
                out.late.push(Record {
                    value: Sided::Right(late.value),
                    time: late.time,
                    behind: late.behind,
                });
            }
        }
        if of_key.is_empty() {
            self.keys.remove(place);
        }
        self.n_open -= closed.len() as u64;
        for life in closed {
            self.meeting.close(life, &mut out.out);
        }
    }
}

impl<L, R, KL, KR, F, M> Logic for Joining<L, R, KL, KR, F, M>
where
    L: Data,
    R: Data,
    KL: KeyOf<L>,
    KR: KeyOf<R, Key = KL::Key>,
    F: Fn(&L) -> Window + 'static,
    M: Meeting<L, R>,
{
    type In = Vec<Hashed<Sided<L, R>>>;
    type Out = Record<M::Out>;
    type Late = Sided<L, R>;

    fn on_batch(&mut self, batch: Self::In, at: At, out: &mut Emitted<Self::Out, Sided<L, R>>) {
        out.n_records += batch.len() as u64;
        for Hashed { hash, record } in batch {
            let Record {
                value,
                time,
                behind,
            } = record;
            let late = match value {
                Sided::Left(value) => {
                    let left = Record {
                        value,
                        time,
                        behind,
                    };
                    let late = self.open(hash, left, at, &mut out.out);
                    late.map(|late| Sided::Left(late.value))
                }
                Sided::Right(value) => {
                    let right = Record {
                        value,
                        time,
                        behind,
                    };
                    let late = self.come(hash, right, at, &mut out.out);
                    late.map(|late| Sided::Right(late.value))
                }
            };
            out.late.extend(late.map(|value| Record {
                value,
                time,
                behind,
            }));
        }
    }

    fn on_watermark(&mut self, at: At, out: &mut Emitted<Self::Out, Sided<L, R>>) {
        self.watermark = at.watermark;
        self.pass(out);
    }

    fn on_publish(
        &mut self,
        _at: At,
        _publish: Publish,
        _out: &mut Emitted<Self::Out, Sided<L, R>>,
    ) {
        if self.n_published.is_multiple_of(WEIGH_EVERY) {
            self.keys.weigh();
        }
        self.n_published = self.n_published.wrapping_add(1);
    }

    fn holds(&self) -> EventTime {
        let first = self.held.peek();
        first.map_or(EventTime::MAX, |Reverse((holds, _))| *holds)
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

    fn resume(&mut self, at: At) {
        self.watermark = at.watermark;
        let rules = self.rules;
        let mut due = Vec::new();
        for (place, _, of_key) in self.keys.iter() {
            for life in &of_key.lives {
                let (close, holds) = (rules.close(life.interval), self.meeting.holds(life));
                due.push(Reverse((close, place)));
                self.n_open += 1;
                if holds < EventTime::MAX {
                    self.held.push(Reverse((holds, close)));
                }
            }
            due.extend(of_key.waiting.iter().map(|waiting| {
                let last = rules.last_wanted(waiting.right.time).micros();
                Reverse((EventTime::from_micros(last.saturating_add(1)), place))
            }));
        }
        self.due = due.into();
        self.keys.weigh();
    }

    fn size(&mut self) -> Size {
        let due = self.due.len() * size_of::<(EventTime, Place)>();
        let held = self.held.len() * size_of::<(EventTime, EventTime)>();
        Size {
            keys: self.keys.len() as u64,
            open_windows: self.n_open,
            bytes: (self.keys.n_bytes() + due + held) as u64,
            next_close: self
                .due
                .peek()
                .map_or(EventTime::MAX, |Reverse((due, _))| *due),
        }
    }
}

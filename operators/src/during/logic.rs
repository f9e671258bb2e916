//! The step: left records open, right ones meet them, and the watermark closes what is over.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::marker::PhantomData;
use std::rc::Rc;

use millstream_engine::raw::{
    At, Emitted, Entry, Hashed, KeyedState, Log, Logic, Place, Publish, Size,
};
use millstream_engine::{Data, EventTime, KeyOf, LoadError, Record, Window};

use super::life::OfKey;
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
    pub(super) key: KeyOfSide<KL, KR>,
    pub(super) interval: Rc<F>,
    pub(super) rules: Rules,
    pub(super) meeting: M,
    pub(super) keys: KeyedState<KL::Key, OfKey<L, R, M::State>>,
    /// When to look at what lies where: the watermark at which something there is over.
    pub(super) due: BinaryHeap<Reverse<(EventTime, Place)>>,
    /// How far back what is open holds back what is emitted, and until when it is open.
    pub(super) held: BinaryHeap<Reverse<(EventTime, EventTime)>>,
    pub(super) n_open: u64,
    pub(super) watermark: EventTime,
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
            let (value, times) = record.parted();
            let late = match value {
                Sided::Left(left) => self
                    .open(hash, times.with(left), at, &mut out.out)
                    .map(|late| Sided::Left(late.value)),
                Sided::Right(right) => self
                    .come(hash, times.with(right), at, &mut out.out)
                    .map(|late| Sided::Right(late.value)),
            };
            out.late.extend(late.map(|value| times.with(value)));
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
        let is_time = self.n_published.is_multiple_of(WEIGH_EVERY);
        self.keys.weigh_if(is_time);
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
        let (mut due, mut waiting) = (Vec::new(), Vec::new());
        for (place, _, of_key) in self.keys.iter() {
            for life in &of_key.lives {
                let (close, holds) = (rules.close(life.interval), self.meeting.holds(life));
                due.push(Reverse((close, place)));
                self.n_open += 1;
                if holds < EventTime::MAX {
                    self.held.push(Reverse((holds, close)));
                }
            }
            if !of_key.waiting.is_empty() {
                waiting.push(place);
            }
        }
        self.due = due.into();
        waiting.into_iter().for_each(|place| self.look_again(place));
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

//! The step: rows are kept, and records until theirs is there.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use millstream_engine::raw::{
    At, Emitted, Entry, Hashed, KeyedState, Log, Logic, Place, Publish, Size,
};
use millstream_engine::{Data, EventTime, KeyOf, LoadError, Record};
use serde::{Deserialize, Serialize};

use crate::during::pair;
use crate::sided::{KeyOfSide, Sided};

/// How often, in publish epochs, what is kept is weighed anew.
const WEIGH_EVERY: u32 = 16;

/// What is kept of a key.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum OfKey<L, R> {
    /// Its row.
    Row(Record<R>),
    /// The records that wait for it.
    Waiting(Vec<Record<L>>),
}

/// The step.
pub(super) struct JoiningRows<L: Data, R: Data, KL: KeyOf<L>, KR, F> {
    key: KeyOfSide<KL, KR>,
    make: F,
    patience: Option<Duration>,
    keys: KeyedState<KL::Key, OfKey<L, R>>,
    n_waiting: u64,
    /// When to look at what lies where, if nobody waits for ever.
    due: BinaryHeap<Reverse<(EventTime, Place)>>,
    n_published: u32,
}

type Late<L, R> = Option<Sided<L, R>>;

impl<L, R, KL, KR, F> JoiningRows<L, R, KL, KR, F>
where
    L: Data,
    R: Data,
    KL: KeyOf<L>,
    KR: KeyOf<R, Key = KL::Key>,
{
    pub(super) fn new(
        key: KeyOfSide<KL, KR>,
        make: F,
        patience: Option<Duration>,
        snapshots: bool,
    ) -> Self {
        JoiningRows {
            key,
            make,
            patience,
            keys: KeyedState::new(snapshots),
            n_waiting: 0,
            due: BinaryHeap::new(),
            n_published: 0,
        }
    }

    /// A record comes; gives it back if it has come too late to wait.
    fn come<O>(
        &mut self,
        hash: u64,
        left: Record<L>,
        at: At,
        out: &mut Vec<Record<O>>,
    ) -> Late<L, R>
    where
        F: Fn(L, &R) -> Option<O>,
    {
        let of_left = &self.key.left;
        let found = self.keys.find(hash, |key| of_left.is(&left.value, key));
        if let Some(place) = found
            && let OfKey::Row(row) = self.keys.get(place)
        {
            out.extend(joined(&self.make, left, row));
            return None;
        }
        if let Some(patience) = self.patience {
            let over = left.time.plus(patience);
            if over <= left.behind.max(at.watermark) {
                return Some(Sided::Left(left.value));
            }
            let place = self.wait(hash, found, left);
            self.due.push(Reverse((over, place)));
        } else {
            self.wait(hash, found, left);
        }
        None
    }

    fn wait(&mut self, hash: u64, found: Option<Place>, left: Record<L>) -> Place {
        self.n_waiting += 1;
        let Some(place) = found else {
            let key = self.key.left.take(&left.value);
            return self.keys.insert(hash, key, OfKey::Waiting(vec![left]));
        };
        match self.keys.change(place) {
            OfKey::Waiting(waiting) => waiting.push(left),
            OfKey::Row(_) => unreachable!("who has a row waits for none"),
        }
        place
    }

    /// A row comes; gives it back if its key has one.
    fn learn<O>(&mut self, hash: u64, row: Record<R>, out: &mut Vec<Record<O>>) -> Late<L, R>
    where
        F: Fn(L, &R) -> Option<O>,
    {
        let of_right = &self.key.right;
        let found = self.keys.find(hash, |key| of_right.is(&row.value, key));
        let Some(place) = found else {
            let key = of_right.take(&row.value);
            self.keys.insert(hash, key, OfKey::Row(row));
            return None;
        };
        if let OfKey::Row(_) = self.keys.get(place) {
            return Some(Sided::Right(row.value));
        }
        let OfKey::Waiting(waiting) =
            std::mem::replace(self.keys.change(place), OfKey::Waiting(Vec::new()))
        else {
            unreachable!("it has no row");
        };
        self.n_waiting -= waiting.len() as u64;
        let waited = waiting.into_iter();
        out.extend(waited.filter_map(|left| joined(&self.make, left, &row)));
        *self.keys.change(place) = OfKey::Row(row);
        None
    }

    /// Lets go of those that have waited for too long.
    fn give_up(&mut self, place: Place, watermark: EventTime, late: &mut Vec<Record<Sided<L, R>>>) {
        let Some(patience) = self.patience.filter(|_| self.keys.contains(place)) else {
            return;
        };
        if let OfKey::Row(_) = self.keys.get(place) {
            return;
        }
        let OfKey::Waiting(waiting) = self.keys.change(place) else {
            unreachable!("it has no row");
        };
        let is_over = |left: &mut Record<L>| left.time.plus(patience) <= watermark;
        let gone: Vec<_> = waiting.extract_if(.., is_over).collect();
        if waiting.is_empty() {
            self.keys.remove(place);
        }
        self.n_waiting -= gone.len() as u64;
        late.extend(gone.into_iter().map(|left| {
            let (left, times) = left.parted();
            times.with(Sided::Left(left))
        }));
    }
}

/// What is made of a record and its row.
#[inline]
fn joined<L, R, O>(
    make: &impl Fn(L, &R) -> Option<O>,
    left: Record<L>,
    row: &Record<R>,
) -> Option<Record<O>> {
    let times = pair(&left.with(()), row, ());
    make(left.value, &row.value).map(|value| times.with(value))
}

impl<L, R, KL, KR, F, O> Logic for JoiningRows<L, R, KL, KR, F>
where
    L: Data,
    R: Data,
    KL: KeyOf<L>,
    KR: KeyOf<R, Key = KL::Key>,
    F: Fn(L, &R) -> Option<O> + 'static,
    O: Data,
{
    type In = Vec<Hashed<Sided<L, R>>>;
    type Out = Record<O>;
    type Late = Sided<L, R>;

    fn on_batch(&mut self, batch: Self::In, at: At, out: &mut Emitted<Record<O>, Sided<L, R>>) {
        out.n_records += batch.len() as u64;
        for Hashed { hash, record } in batch {
            let (value, times) = record.parted();
            let late = match value {
                Sided::Left(left) => self.come(hash, times.with(left), at, &mut out.out),
                Sided::Right(row) => self.learn(hash, times.with(row), &mut out.out),
            };
            out.late.extend(late.map(|value| times.with(value)));
        }
    }

    fn on_watermark(&mut self, at: At, out: &mut Emitted<Record<O>, Sided<L, R>>) {
        while let Some(Reverse((due, place))) = self.due.peek().copied() {
            if due > at.watermark {
                break;
            }
            self.due.pop();
            self.give_up(place, at.watermark, &mut out.late);
        }
    }

    fn on_publish(
        &mut self,
        _at: At,
        _publish: Publish,
        _out: &mut Emitted<Record<O>, Sided<L, R>>,
    ) {
        if self.n_published.is_multiple_of(WEIGH_EVERY) {
            self.keys.weigh();
        }
        self.n_published = self.n_published.wrapping_add(1);
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
        let mut due = Vec::new();
        for (place, _, of_key) in self.keys.iter() {
            if let OfKey::Waiting(waiting) = of_key {
                self.n_waiting += waiting.len() as u64;
                let patience = self.patience.iter();
                due.extend(patience.flat_map(|patience| {
                    let waiting = waiting.iter();
                    waiting.map(move |left| Reverse((left.time.plus(*patience), place)))
                }));
            }
        }
        self.due = due.into();
        self.keys.weigh();
    }

    fn size(&mut self) -> Size {
        let due = self.due.len() * size_of::<(EventTime, Place)>();
        Size {
            keys: self.keys.len() as u64,
            // Nothing is emitted because time passes.
            open_windows: 0,
            bytes: (self.keys.n_bytes() + due) as u64,
            next_close: EventTime::MAX,
        }
    }
}

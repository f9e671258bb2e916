//! The step: rows are kept, and records until theirs is there.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use millstream_engine::raw::{
    At, Emitted, Entry, Hashed, KeyedState, Log, Logic, Place, Publish, Size,
};
use millstream_engine::{Data, EventTime, KeyOf, LoadError, Record};
use serde::{Deserialize, Serialize};

use super::patience::Patience;
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
    patience: Patience,
    keys: KeyedState<KL::Key, OfKey<L, R>>,
    /// When to look at what lies where, if nobody waits for ever.
    due: BinaryHeap<Reverse<(EventTime, Place)>>,
    n_published: u32,
}

/// What it emits.
type Out<L, R, O> = Emitted<Record<O>, Sided<L, R>>;

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
        patience: Patience,
        snapshots: bool,
    ) -> Self {
        JoiningRows {
            key,
            make,
            patience,
            keys: KeyedState::new(snapshots),
            due: BinaryHeap::new(),
            n_published: 0,
        }
    }

    /// A record comes: joined if its row is known, else it waits, and is late if it may not.
    fn come<O>(&mut self, hash: u64, left: Record<L>, at: At, out: &mut Out<L, R, O>)
    where
        F: Fn(L, &R) -> Option<O>,
    {
        let of_left = &self.key.left;
        let found = self.keys.find(hash, |key| of_left.is(&left.value, key));
        if let Some(place) = found
            && let OfKey::Row(row) = self.keys.get(place)
        {
            self.join(left, row, out);
            return;
        }
        let over = self.patience.over(left.time);
        if over.is_some_and(|over| over <= at.watermark) {
            out.late.push(late(left));
            return;
        }
        let place = self.wait(hash, found, left);
        self.due.extend(over.map(|over| Reverse((over, place))));
    }

    /// Joins a record with its row, or finds that it would not have waited so long.
    #[inline]
    fn join<O>(&self, left: Record<L>, row: &Record<R>, out: &mut Out<L, R, O>)
    where
        F: Fn(L, &R) -> Option<O>,
    {
        if self.patience.is_enough(left.time, row) {
            out.out.extend(joined(&self.make, left, row));
        } else {
            out.late.push(late(left));
        }
    }

    fn wait(&mut self, hash: u64, found: Option<Place>, left: Record<L>) -> Place {
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

    /// A row comes: those that wait for it are joined; it is late if its key has one.
    fn learn<O>(&mut self, hash: u64, row: Record<R>, out: &mut Out<L, R, O>)
    where
        F: Fn(L, &R) -> Option<O>,
    {
        let of_right = &self.key.right;
        let found = self.keys.find(hash, |key| of_right.is(&row.value, key));
        let Some(place) = found else {
            let key = of_right.take(&row.value);
            self.keys.insert(hash, key, OfKey::Row(row));
            return;
        };
        if let OfKey::Row(_) = self.keys.get(place) {
            let (row, times) = row.parted();
            out.late.push(times.with(Sided::Right(row)));
            return;
        }
        let before = std::mem::replace(self.keys.change(place), OfKey::Row(row));
        let (OfKey::Waiting(waiting), OfKey::Row(row)) = (before, self.keys.get(place)) else {
            unreachable!("it had no row, and has one")
        };
        for left in waiting {
            self.join(left, row, out);
        }
    }

    /// Lets go of those that have waited for too long. What was there may be gone, and something else be there by now.
    fn give_up(
        &mut self,
        place: Place,
        watermark: EventTime,
        too_late: &mut Vec<Record<Sided<L, R>>>,
    ) {
        let patience = self.patience;
        let is_over = |left: &Record<L>| {
            patience
                .over(left.time)
                .is_some_and(|over| over <= watermark)
        };
        if !self.keys.contains(place) {
            return;
        }
        let OfKey::Waiting(waiting) = self.keys.get(place) else {
            return;
        };
        if !waiting.iter().any(is_over) {
            return;
        }
        let OfKey::Waiting(waiting) = self.keys.change(place) else {
            unreachable!("it was just looked at")
        };
        let gone = waiting.extract_if(.., |left| is_over(left));
        too_late.extend(gone.map(late));
        if waiting.is_empty() {
            self.keys.remove(place);
        }
    }
}

/// A record that is late, as one of its side.
fn late<L, R>(left: Record<L>) -> Record<Sided<L, R>> {
    let (left, times) = left.parted();
    times.with(Sided::Left(left))
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

    fn on_batch(&mut self, batch: Self::In, at: At, out: &mut Out<L, R, O>) {
        out.n_records += batch.len() as u64;
        for Hashed { hash, record } in batch {
            let (value, times) = record.parted();
            match value {
                Sided::Left(left) => self.come(hash, times.with(left), at, out),
                Sided::Right(row) => self.learn(hash, times.with(row), out),
            }
        }
    }

    fn on_watermark(&mut self, at: At, out: &mut Out<L, R, O>) {
        while let Some(Reverse((due, place))) = self.due.peek().copied() {
            if due > at.watermark {
                break;
            }
            self.due.pop();
            self.give_up(place, at.watermark, &mut out.late);
        }
    }

    fn on_publish(&mut self, _at: At, _publish: Publish, _out: &mut Out<L, R, O>) {
        let is_time = self.n_published.is_multiple_of(WEIGH_EVERY);
        self.keys.weigh_if(is_time);
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
                let over = waiting
                    .iter()
                    .filter_map(|left| self.patience.over(left.time));
                due.extend(over.map(|over| Reverse((over, place))));
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

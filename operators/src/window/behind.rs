//! The steps of a windowed aggregation: all of it on one worker, or what is behind the exchange.

use std::rc::Rc;

use millstream_engine::raw::{
    At, Batch, Demand, Emitted, Entry, Log, Logic, Publish, Size, Windowing, owned,
};
use millstream_engine::{Change, Data, KeyOf, LoadError, Window, Windowed};

use super::ahead::{Ahead, AheadLogic};
use super::cut::Cut;
use super::open_windows::OpenWindows;
use crate::aggregate::Aggregate;

/// A windowed aggregation by key.
pub(super) struct Folding<K, A, C> {
    key: Rc<K>,
    aggregate: Rc<A>,
    cut: C,
}

impl<K, A, C> Folding<K, A, C> {
    pub(super) fn new(key: Rc<K>, aggregate: Rc<A>, cut: C) -> Self {
        Folding {
            key,
            aggregate,
            cut,
        }
    }

    fn windows<T: Data>(&self, demand: &Demand) -> OpenWindows<T, K, A, C>
    where
        K: KeyOf<T>,
        A: Aggregate<T>,
        C: Cut<T>,
    {
        let (key, aggregate) = (Rc::clone(&self.key), Rc::clone(&self.aggregate));
        OpenWindows::new(key, aggregate, self.cut.clone(), demand.clone())
    }
}

impl<T: Data, K: KeyOf<T>, A: Aggregate<T>, C: Cut<T>> Windowing<T> for Folding<K, A, C> {
    type Key = K::Key;
    type Values = A::Output;
    type Ahead = Ahead<T, K::Key, A::State>;

    fn whole(
        &self,
        demand: &Demand,
    ) -> impl Logic<In = Batch<T>, Out = Change<Windowed<K::Key>, A::Output>, Late = T> {
        Whole(self.windows(demand))
    }

    fn ahead(&self) -> impl Logic<In = Batch<T>, Out = Self::Ahead, Late = T> {
        AheadLogic::new(
            Rc::clone(&self.key),
            Rc::clone(&self.aggregate),
            self.cut.clone(),
        )
    }

    fn hash(ahead: &Self::Ahead) -> u64 {
        match ahead {
            Ahead::Combined { hash, .. } | Ahead::Single { hash, .. } => *hash,
        }
    }

    fn behind(
        &self,
        demand: &Demand,
    ) -> impl Logic<In = Vec<Self::Ahead>, Out = Change<Windowed<K::Key>, A::Output>, Late = ()>
    {
        Behind(self.windows(demand))
    }
}

/// All of it on one worker.
pub(super) struct Whole<T, K: KeyOf<T>, A: Aggregate<T>, C>(pub(super) OpenWindows<T, K, A, C>);

impl<T: Data, K: KeyOf<T>, A: Aggregate<T>, C: Cut<T>> Logic for Whole<T, K, A, C> {
    type In = Batch<T>;
    type Out = Change<Windowed<K::Key>, A::Output>;
    type Late = T;

    fn on_batch(&mut self, batch: Batch<T>, at: At, out: &mut Emitted<Self::Out, T>) {
        out.n_records += batch.len() as u64;
        if self.0.aggregate.keeps_records() {
            self.0.take(owned(batch), at, &mut out.late);
        } else {
            self.0.fold(&batch, at, &mut out.late);
        }
    }
    fn on_watermark(&mut self, at: At, out: &mut Emitted<Self::Out, T>) {
        self.0.pass(at.watermark, &mut out.out);
    }
    fn on_publish(&mut self, at: At, publish: Publish, out: &mut Emitted<Self::Out, T>) {
        self.0.publish(&mut out.out);
        self.0.tell_final(at, publish, &mut out.out);
    }
    fn freeze(&mut self) {
        self.0.freeze();
    }
    fn save(&mut self, log: &mut Log, n_bytes: usize) -> bool {
        self.0.save(log, n_bytes)
    }
    fn note(&mut self) -> Option<String> {
        self.0.note()
    }
    fn restore_note(&mut self, note: &str) -> Result<(), LoadError> {
        self.0.restore_note(note)
    }
    fn forget(&mut self, window: Window) {
        self.0.forget(window);
    }
    fn restore(&mut self, entry: &Entry<'_>) -> Result<(), LoadError> {
        self.0.restore(entry)
    }
    fn resume(&mut self, at: At) {
        self.0.resume(at);
    }
    fn recall(&mut self, out: &mut Emitted<Self::Out, Self::Late>) {
        self.0.recall(&mut out.out);
    }
    fn size(&mut self) -> Size {
        self.0.size()
    }
}

/// What is behind the exchange.
pub(super) struct Behind<T, K: KeyOf<T>, A: Aggregate<T>, C>(pub(super) OpenWindows<T, K, A, C>);

impl<T: Data, K: KeyOf<T>, A: Aggregate<T>, C: Cut<T>> Logic for Behind<T, K, A, C> {
    type In = Vec<Ahead<T, K::Key, A::State>>;
    type Out = Change<Windowed<K::Key>, A::Output>;
    type Late = ();

    fn on_batch(&mut self, batch: Self::In, at: At, _out: &mut Emitted<Self::Out, ()>) {
        self.0.merge(batch, at);
    }
    fn on_watermark(&mut self, at: At, out: &mut Emitted<Self::Out, ()>) {
        self.0.pass(at.watermark, &mut out.out);
    }
    fn on_publish(&mut self, at: At, publish: Publish, out: &mut Emitted<Self::Out, ()>) {
        self.0.publish(&mut out.out);
        self.0.tell_final(at, publish, &mut out.out);
    }
    fn freeze(&mut self) {
        self.0.freeze();
    }
    fn save(&mut self, log: &mut Log, n_bytes: usize) -> bool {
        self.0.save(log, n_bytes)
    }
    fn note(&mut self) -> Option<String> {
        self.0.note()
    }
    fn restore_note(&mut self, note: &str) -> Result<(), LoadError> {
        self.0.restore_note(note)
    }
    fn forget(&mut self, window: Window) {
        self.0.forget(window);
    }
    fn restore(&mut self, entry: &Entry<'_>) -> Result<(), LoadError> {
        self.0.restore(entry)
    }
    fn resume(&mut self, at: At) {
        self.0.resume(at);
    }
    fn recall(&mut self, out: &mut Emitted<Self::Out, Self::Late>) {
        self.0.recall(&mut out.out);
    }
    fn size(&mut self) -> Size {
        self.0.size()
    }
}

//! The steps of an aggregation by session: all of it on one worker, or what is behind the exchange.

use std::marker::PhantomData;
use std::rc::Rc;

use millstream_engine::raw::{
    At, Batch, Container, Demand, Emitted, Entry, Log, Logic, Publish, Size, Windowing,
};
use millstream_engine::{Change, Data, KeyOf, LoadError, Record, Windowed};

use super::Session;
use super::ahead::{Ahead, AheadLogic};
use super::open::OpenSessions;
use crate::aggregate::Aggregate;

/// An aggregation by key and session.
pub(super) struct Sessioning<K, A> {
    key: Rc<K>,
    aggregate: Rc<A>,
    rules: Session,
}

impl<K, A> Sessioning<K, A> {
    pub(super) fn new(key: Rc<K>, aggregate: Rc<A>, rules: Session) -> Self {
        Sessioning {
            key,
            aggregate,
            rules,
        }
    }

    fn step<T: Data, I>(&self, demand: &Demand) -> Step<T, K, A, I>
    where
        K: KeyOf<T>,
        A: Aggregate<T>,
    {
        let (key, aggregate) = (Rc::clone(&self.key), Rc::clone(&self.aggregate));
        Step::new(OpenSessions::new(
            key,
            aggregate,
            self.rules,
            demand.clone(),
        ))
    }
}

impl<T: Data, K: KeyOf<T>, A: Aggregate<T>> Windowing<T> for Sessioning<K, A> {
    type Key = K::Key;
    type Values = A::Output;
    type Ahead = Ahead<T, K::Key, A::State>;

    fn whole(
        &self,
        demand: &Demand,
    ) -> impl Logic<In = Batch<T>, Out = Change<Windowed<K::Key>, A::Output>, Late = T> {
        self.step::<T, Batch<T>>(demand)
    }

    fn ahead(&self) -> impl Logic<In = Batch<T>, Out = Self::Ahead, Late = T> {
        let (key, aggregate) = (Rc::clone(&self.key), Rc::clone(&self.aggregate));
        AheadLogic::new(key, aggregate, self.rules)
    }

    fn hash(ahead: &Self::Ahead) -> u64 {
        ahead.hash()
    }

    fn behind(
        &self,
        demand: &Demand,
    ) -> impl Logic<In = Vec<Self::Ahead>, Out = Change<Windowed<K::Key>, A::Output>, Late = ()>
    {
        self.step::<T, Vec<Self::Ahead>>(demand)
    }
}

/// What a step is given: records, or what the step ahead made of them.
pub(super) trait Given<T: Data, K: KeyOf<T>, A: Aggregate<T>>: Container {
    /// The values of the records it finds late.
    type Late: Clone + 'static;

    /// Puts it into sessions; those that are late go to `late`. Gives how many records there were, as they came.
    fn put(
        self,
        into: &mut OpenSessions<T, K, A>,
        at: At,
        late: &mut Vec<Record<Self::Late>>,
    ) -> u64;
}

impl<T: Data, K: KeyOf<T>, A: Aggregate<T>> Given<T, K, A> for Batch<T> {
    type Late = T;

    fn put(self, into: &mut OpenSessions<T, K, A>, at: At, late: &mut Vec<Record<T>>) -> u64 {
        into.fold(&self, at, late);
        self.len() as u64
    }
}

impl<T: Data, K: KeyOf<T>, A: Aggregate<T>> Given<T, K, A> for Vec<Ahead<T, K::Key, A::State>> {
    type Late = ();

    fn put(self, into: &mut OpenSessions<T, K, A>, at: At, _late: &mut Vec<Record<()>>) -> u64 {
        self.into_iter().for_each(|ahead| into.merge(ahead, at));
        // The step ahead has counted them.
        0
    }
}

/// The step, given `I`.
pub(super) struct Step<T, K: KeyOf<T>, A: Aggregate<T>, I> {
    pub(super) open: OpenSessions<T, K, A>,
    given: PhantomData<fn(I)>,
}

impl<T, K: KeyOf<T>, A: Aggregate<T>, I> Step<T, K, A, I> {
    pub(super) fn new(open: OpenSessions<T, K, A>) -> Self {
        Step {
            open,
            given: PhantomData,
        }
    }
}

impl<T: Data, K: KeyOf<T>, A: Aggregate<T>, I: Given<T, K, A>> Logic for Step<T, K, A, I> {
    type In = I;
    type Out = Change<Windowed<K::Key>, A::Output>;
    type Late = I::Late;

    fn on_batch(&mut self, batch: I, at: At, out: &mut Emitted<Self::Out, I::Late>) {
        out.n_records += batch.put(&mut self.open, at, &mut out.late);
    }
    fn on_watermark(&mut self, at: At, out: &mut Emitted<Self::Out, I::Late>) {
        self.open.pass(at.watermark, &mut out.out);
    }
    fn on_publish(&mut self, _at: At, _publish: Publish, out: &mut Emitted<Self::Out, I::Late>) {
        self.open.publish(&mut out.out);
    }
    fn freeze(&mut self) {
        self.open.freeze();
    }
    fn save(&mut self, log: &mut Log, n_bytes: usize) -> bool {
        self.open.save(log, n_bytes)
    }
    fn note(&mut self) -> Option<String> {
        self.open.notes.rules.note(self.open.notes.watermark)
    }
    fn restore_note(&mut self, note: &str) -> Result<(), LoadError> {
        self.open.notes.rules.restore_note(note)
    }
    fn restore(&mut self, entry: &Entry<'_>) -> Result<(), LoadError> {
        self.open.restore(entry)
    }
    fn resume(&mut self, at: At) {
        self.open.resume(at);
    }
    fn size(&mut self) -> Size {
        self.open.size()
    }
}

//! What comes of it when records meet: pairs at once, the first in an order at the close, or an aggregate of them all.

use std::rc::Rc;

use millstream_engine::{Data, EventTime, Record};

use super::life::{Life, pair};
use crate::aggregate::Aggregate;
use crate::in_order::compare;

/// What becomes of left records and of the right ones that meet them.
pub(super) trait Meeting<L: Data, R: Data>: 'static {
    /// What is kept of those that have met a left record.
    type State: Data + Default;
    /// What is emitted.
    type Out: Data;

    /// Whether it keeps anything of `right`; if not it is only met.
    fn keeps(&self, state: &Self::State, right: &Record<R>) -> bool;

    /// Keeps `right`.
    fn keep(&self, state: &mut Self::State, right: Record<R>);

    /// Two records meet.
    fn meet(&self, _left: &Record<L>, _right: &Record<R>, _out: &mut Vec<Record<Self::Out>>) {}

    /// A left record is closed.
    fn close(&self, life: Life<L, Self::State>, out: &mut Vec<Record<Self::Out>>);

    /// What is emitted of `life` when it closes happens no earlier than this; [`EventTime::MAX`] if nothing is.
    fn holds(&self, _life: &Life<L, Self::State>) -> EventTime {
        EventTime::MAX
    }
}

/// Emits pairs as they meet.
pub(super) struct Pairs<F>(pub(super) F);

impl<L: Data, R: Data, O: Data, F: Fn(&L, &R) -> O + 'static> Meeting<L, R> for Pairs<F> {
    type State = ();
    type Out = O;

    fn keeps(&self, _state: &(), _right: &Record<R>) -> bool {
        false
    }
    fn keep(&self, _state: &mut (), _right: Record<R>) {}
    fn meet(&self, left: &Record<L>, right: &Record<R>, out: &mut Vec<Record<O>>) {
        out.push(pair(left, right, (self.0)(&left.value, &right.value)));
    }
    fn close(&self, _life: Life<L, ()>, _out: &mut Vec<Record<O>>) {}
}

/// Emits at the close the right record that is the first in an order.
pub(super) struct First<F>(pub(super) F);

impl<L: Data, R: Data, O: Ord, F: Fn(&R) -> O + 'static> Meeting<L, R> for First<F> {
    type State = Option<Record<R>>;
    type Out = (L, R);

    fn keeps(&self, state: &Self::State, right: &Record<R>) -> bool {
        let is_before = |kept: &Record<R>| compare(&self.0, &right.value, &kept.value).is_lt();
        state.as_ref().is_none_or(is_before)
    }
    fn keep(&self, state: &mut Self::State, right: Record<R>) {
        *state = Some(right);
    }
    fn close(&self, life: Life<L, Self::State>, out: &mut Vec<Record<(L, R)>>) {
        let Some(right) = life.state else { return };
        // It was held back for: nothing is behind now.
        let time = life.left.time.max(right.time);
        out.push(Record::new((life.left.value, right.value), time));
    }
    fn holds(&self, life: &Life<L, Self::State>) -> EventTime {
        life.interval.start.max(life.left.time)
    }
}

/// Emits at the close what the right records come to.
pub(super) struct Folded<A>(pub(super) Rc<A>);

impl<L: Data, R: Data, A: Aggregate<R>> Meeting<L, R> for Folded<A> {
    type State = Option<A::State>;
    type Out = (L, A::Output);

    fn keeps(&self, _state: &Self::State, _right: &Record<R>) -> bool {
        true
    }
    fn keep(&self, state: &mut Self::State, right: Record<R>) {
        self.0.take(state.get_or_insert_default(), right.value);
    }
    fn close(&self, life: Life<L, Self::State>, out: &mut Vec<Record<Self::Out>>) {
        let Some(state) = life.state else { return };
        let time = EventTime::from_micros(life.interval.end.micros() - 1);
        out.push(Record::new(
            (life.left.value, self.0.output(&state)),
            time.max(life.interval.start),
        ));
    }
}

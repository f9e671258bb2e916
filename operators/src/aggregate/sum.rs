//! The sum of the numbers a closure picks, exact whatever their order.

use std::marker::PhantomData;

use super::number::{Number, Tally};
use super::{Aggregate, Optional};

/// Sums numbers; made by [`Of::sum`](super::Of::sum).
pub struct Sum<V, F> {
    name: String,
    value: F,
    given: PhantomData<fn() -> V>,
}

impl<V, F> Sum<V, F> {
    pub(super) fn new(name: &str, value: F) -> Self {
        Sum {
            name: name.into(),
            value,
            given: PhantomData,
        }
    }
}

impl<T, V, F> Aggregate<T> for Sum<V, F>
where
    V: Optional,
    V::Value: Number,
    F: Fn(&T) -> V + 'static,
{
    type State = <V::Value as Number>::Tally;
    type Output = V::Or<<Self::State as Tally>::Total>;

    fn names(&self) -> Vec<String> {
        vec![self.name.clone()]
    }

    fn add(&self, state: &mut Self::State, record: &T) {
        if let Some(number) = (self.value)(record).given() {
            number.add_to(state);
        }
    }

    fn merge(&self, state: &mut Self::State, other: Self::State) {
        state.merge(other);
    }

    fn output(&self, state: &Self::State) -> Self::Output {
        V::or((state.count() > 0).then(|| state.total()), || state.total())
    }

    fn heap_bytes(&self, state: &Self::State) -> usize {
        state.heap_bytes()
    }

    fn kind(&self) -> String {
        format!("sum({})", Self::State::KIND)
    }
}

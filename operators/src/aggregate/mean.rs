//! The mean of the numbers a closure picks: their exact sum, divided by how many there are.

use std::marker::PhantomData;

use super::number::{Number, Tally};
use super::{Aggregate, Optional};

/// Averages numbers; made by [`Of::mean`](super::Of::mean).
pub struct Mean<V, F> {
    name: String,
    value: F,
    given: PhantomData<fn() -> V>,
}

impl<V, F> Mean<V, F> {
    pub(super) fn new(name: &str, value: F) -> Self {
        Mean {
            name: name.into(),
            value,
            given: PhantomData,
        }
    }
}

impl<T, V, F> Aggregate<T> for Mean<V, F>
where
    V: Optional,
    V::Value: Number,
    F: Fn(&T) -> V + 'static,
{
    type State = <V::Value as Number>::Tally;
    type Output = V::Or<<Self::State as Tally>::Mean>;

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
        V::or((state.count() > 0).then(|| state.mean()), || state.mean())
    }

    fn heap_bytes(&self, state: &Self::State) -> usize {
        state.heap_bytes()
    }

    fn kind(&self) -> String {
        // What is kept is what a sum keeps.
        format!("sum({})", Self::State::KIND)
    }
}

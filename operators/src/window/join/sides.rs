//! The two sides of a key in a window, as aggregates.

use millstream_engine::raw::content_bytes;
use millstream_engine::{Data, LoadError, Loading, Saving};
use serde::{Deserialize, Serialize};

use crate::aggregate::Aggregate;
use crate::kept::Kept;
use crate::sided::Sided;

/// What came of either side, or that it did; and how much of it is in a snapshot.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Sides<L, R> {
    left: Vec<L>,
    right: R,
    #[serde(skip)]
    n_saved: (usize, usize),
}

impl<L, R: Default> Default for Sides<L, R> {
    fn default() -> Self {
        Sides {
            left: Vec::new(),
            right: R::default(),
            n_saved: (0, 0),
        }
    }
}

/// Makes pairs.
pub(super) struct Pairs<F> {
    pub(super) pair: F,
}

impl<L, R, O, F> Aggregate<Sided<L, R>> for Pairs<F>
where
    L: Data,
    R: Data,
    O: Data,
    F: Fn(&L, &R) -> O + 'static,
{
    type State = Sides<L, Vec<R>>;
    type Output = Kept<Vec<O>>;

    fn names(&self) -> Vec<String> {
        Vec::new()
    }
    fn add(&self, state: &mut Self::State, record: &Sided<L, R>) {
        Aggregate::<Sided<L, R>>::take(self, state, record.clone());
    }
    fn take(&self, state: &mut Self::State, record: Sided<L, R>) {
        match record {
            Sided::Left(left) => state.left.push(left),
            Sided::Right(right) => state.right.push(right),
        }
    }
    fn keeps_records(&self) -> bool {
        true
    }
    fn merge(&self, state: &mut Self::State, mut other: Self::State) {
        state.left.append(&mut other.left);
        state.right.append(&mut other.right);
    }
    fn n_records(&self, state: &Self::State) -> usize {
        state.left.len() + state.right.len()
    }
    fn output(&self, state: &Self::State) -> Kept<Vec<O>> {
        let pairs_of = |left| {
            state
                .right
                .iter()
                .map(move |right| (self.pair)(left, right))
        };
        Kept(state.left.iter().flat_map(pairs_of).collect())
    }
    fn heap_bytes(&self, state: &Self::State) -> usize {
        let capacity = state.left.capacity() * size_of::<L>();
        capacity + state.right.capacity() * size_of::<R>() + content_bytes(state)
    }
    fn save(&self, state: &mut Self::State, to: &mut Saving<'_>) {
        let (left, right) = state.n_saved;
        to.put(&state.left[left..]);
        to.put(&state.right[right..]);
        state.n_saved = (state.left.len(), state.right.len());
    }
    fn load(&self, state: &mut Self::State, from: &mut Loading<'_>) -> Result<(), LoadError> {
        state.left.append(&mut from.take()?);
        state.right.append(&mut from.take()?);
        state.n_saved = (state.left.len(), state.right.len());
        Ok(())
    }
    fn grows(&self) -> bool {
        true
    }
    fn kind(&self) -> String {
        "join".into()
    }
}

/// Those of the left that have a partner, or those that have none.
pub(super) struct Those {
    pub(super) with_partner: bool,
}

impl<L: Data, R: Data> Aggregate<Sided<L, R>> for Those {
    type State = Sides<L, bool>;
    type Output = Kept<Vec<L>>;

    fn names(&self) -> Vec<String> {
        Vec::new()
    }
    fn add(&self, state: &mut Self::State, record: &Sided<L, R>) {
        match record {
            Sided::Left(left) => state.left.push(left.clone()),
            Sided::Right(_) => state.right = true,
        }
    }
    fn take(&self, state: &mut Self::State, record: Sided<L, R>) {
        match record {
            Sided::Left(left) => state.left.push(left),
            Sided::Right(_) => state.right = true,
        }
    }
    fn keeps_records(&self) -> bool {
        true
    }
    fn merge(&self, state: &mut Self::State, mut other: Self::State) {
        state.left.append(&mut other.left);
        state.right |= other.right;
    }
    fn n_records(&self, state: &Self::State) -> usize {
        state.left.len() + usize::from(state.right)
    }
    fn output(&self, state: &Self::State) -> Kept<Vec<L>> {
        if state.right == self.with_partner {
            Kept(state.left.clone())
        } else {
            Kept(Vec::new())
        }
    }
    fn heap_bytes(&self, state: &Self::State) -> usize {
        state.left.capacity() * size_of::<L>() + content_bytes(state)
    }
    fn save(&self, state: &mut Self::State, to: &mut Saving<'_>) {
        to.put(&state.left[state.n_saved.0..]);
        to.put(&state.right);
        state.n_saved.0 = state.left.len();
    }
    fn load(&self, state: &mut Self::State, from: &mut Loading<'_>) -> Result<(), LoadError> {
        state.left.append(&mut from.take()?);
        state.right |= from.take::<bool>()?;
        state.n_saved.0 = state.left.len();
        Ok(())
    }
    fn grows(&self) -> bool {
        true
    }
    fn kind(&self) -> String {
        // What is kept for one serves the other.
        "semi_join".into()
    }
}

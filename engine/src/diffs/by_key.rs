//! Rows by key: found again by their key, on the worker that has its shard.
//!
//! An *arrangement* keeps the rows of a collection sorted by key, those of long ago summed up. Who joins or reduces reads it;
//! several may read one. Keys are on the worker that has their shard, as everywhere: so rows that go from one step to the next
//! under the same key stay where they are.

use std::hash::Hash;

use differential_dataflow::operators::arrange::TraceAgent;
use differential_dataflow::operators::arrange::arrangement::{Arranged, arrange_core};
use differential_dataflow::trace::implementations::{ValBatcher, ValBuilder, ValSpine};
use timely::dataflow::channels::pact::Exchange;

use super::{Depth, Diffs, Outside};
use crate::row::Row;
use crate::shard::{Shard, hash_key};

/// How the rows of an arrangement lie.
type Lies<K, V, P> = TraceAgent<ValSpine<K, V, <P as Depth>::Time, isize>>;

/// Rows by key.
pub struct ByKey<'s, K: Row + Hash, V: Row, P: Depth = Outside> {
    arranged: Arranged<'s, Lies<K, V, P>>,
}

impl<K: Row + Hash, V: Row, P: Depth> Clone for ByKey<'_, K, V, P> {
    fn clone(&self) -> Self {
        ByKey {
            arranged: self.arranged.clone(),
        }
    }
}

impl<'s, K: Row + Hash, V: Row, P: Depth> Diffs<'s, (K, V), P> {
    /// The rows by key; `name` is for profiles.
    pub fn by_key(self, name: &str) -> ByKey<'s, K, V, P> {
        type Update<K, V, P> = ((K, V), <P as Depth>::Time, isize);
        let by_shard = Exchange::new(|((key, _), _, _): &Update<K, V, P>| {
            Shard::of_hash(hash_key(key)).number()
        });
        let arranged = arrange_core::<_, _, ValBatcher<K, V, P::Time, isize>, _>(
            self.rows.inner,
            by_shard,
            name,
            ValBatcher::new,
        );
        ByKey { arranged }
    }
}

impl<'s, K: Row + Hash, V: Row, P: Depth> ByKey<'s, K, V, P> {
    /// All that `f` makes of each two rows that have the key in common.
    pub fn join<W: Row, I>(
        self,
        other: ByKey<'s, K, W, P>,
        mut f: impl FnMut(&K, &V, &W) -> I + 'static,
    ) -> Diffs<'s, I::Item, P>
    where
        I: IntoIterator<Item: Row>,
    {
        let pair = move |key: &K, left: &V, right: &W| f(key, left, right);
        Diffs::new(self.arranged.join_core(other.arranged, pair))
    }

    /// What `f` makes of the rows of each key that has any: it is given their values in order, each with how often it is there,
    /// and pushes what there is to be in their place.
    pub fn reduce<W: Row>(
        self,
        name: &str,
        f: impl FnMut(&K, &[(&V, isize)], &mut Vec<(W, isize)>) + 'static,
    ) -> Diffs<'s, (K, W), P> {
        type Built<K, W, P> = ValBuilder<K, W, <P as Depth>::Time, isize>;
        type Spine<K, W, P> = ValSpine<K, W, <P as Depth>::Time, isize>;
        let reduced = self
            .arranged
            .reduce_abelian::<_, Built<K, W, P>, Spine<K, W, P>, _, _>(
                name,
                f,
                |to, key, updates| {
                    to.clear();
                    let updates = updates.drain(..);
                    to.extend(
                        updates.map(|(value, time, diff)| ((key.clone(), value), time, diff)),
                    );
                },
            );
        Diffs::new(reduced.as_collection(|key, value| (key.clone(), value.clone())))
    }

    /// Each key that has a row, once.
    pub fn keys(self, name: &str) -> Diffs<'s, (K, ()), P> {
        self.reduce(name, |_, _, out| out.push(((), 1)))
    }

    /// Of each key the row with the least value, once.
    pub fn least(self, name: &str) -> Diffs<'s, (K, V), P> {
        self.reduce(name, |_, values, out| {
            let there = values.iter().find(|(_, n)| *n > 0);
            out.extend(there.map(|(value, _)| ((*value).clone(), 1)));
        })
    }
}

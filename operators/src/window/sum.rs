//! Sums of panes: what several pieces come to, key by key.

use super::flags::Flags;
use super::panes::{Pane, Panes};
use crate::aggregate::Aggregate;

impl<K: Eq + Clone, S: Default + Clone> Panes<K, S> {
    /// What all of `given` and `others` come to. Those that are given are taken, the others are copied.
    pub(super) fn sum<'p, T, A: Aggregate<T, State = S>>(
        mut given: Vec<Panes<K, S>>,
        others: impl Iterator<Item = &'p Panes<K, S>>,
        aggregate: &A,
    ) -> Panes<K, S>
    where
        K: 'p,
        S: 'p,
    {
        // What most is merged into is what is not looked up.
        given.sort_by_key(|panes| panes.panes.len());
        let mut others: Vec<_> = others.collect();
        let mut sum = given.pop().unwrap_or_else(|| {
            let places = 0..others.len();
            let largest = places.max_by_key(|place| others[*place].panes.len());
            largest.map_or_else(Panes::default, |place| others.swap_remove(place).copy())
        });
        for panes in given {
            for Pane {
                hash, key, state, ..
            } in panes.panes
            {
                let place = sum.place_of(hash, key);
                aggregate.merge(&mut sum.panes[place].state, state);
            }
        }
        for panes in others {
            for Pane {
                hash, key, state, ..
            } in &panes.panes
            {
                let place = match sum.find(*hash, key) {
                    Some(place) => place,
                    None => sum.place_of(*hash, key.clone()),
                };
                aggregate.merge(&mut sum.panes[place].state, state.clone());
            }
        }
        sum
    }

    /// The same keys and states, of which nothing is noted.
    pub(super) fn copy(&self) -> Panes<K, S> {
        let panes = self.panes.iter().map(|pane| Pane {
            hash: pane.hash,
            key: pane.key.clone(),
            state: pane.state.clone(),
            flags: Flags::NONE,
        });
        Panes {
            panes: panes.collect(),
            places: self.places.clone(),
            ..Panes::default()
        }
    }
}

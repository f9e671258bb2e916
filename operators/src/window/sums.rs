//! Sums of states over windows that overlap, each made from that of the window beside it.
//!
//! ```text
//!  windows        7   8   9  10  11
//!  leaving    ────┤   ┆   ┆   ┆   ┆      merged from the right to the left
//!             ────────────┤   ┆   ┆
//!  staying        ┆   ├────────────      merged from the left to the right
//!                 ┆   ┆   ┆   ├────
//!  within         ┆   ├───┤   ┆   ┆      merged where it counts; there is one only where a record came behind its time
//! ```
//!
//! Of the windows that count one piece, most others count the first few or the last few. So a sum costs about two merges and
//! two copies, however many states the window counts. Sums are given away one by one, since each may be large: what is kept
//! meanwhile are those of the side with fewer states, which is nearly always that of the changed piece alone.

use std::cmp::Reverse;
use std::ops::RangeInclusive;

use crate::aggregate::Aggregate;

/// A state, and the numbers of the windows that count it.
type Counted<'s, S> = (&'s RangeInclusive<i128>, &'s S);

/// The same, with the first of the numbers and the last.
type Between<'s, S> = (i128, i128, &'s S);

/// Has `give` take, for each of the windows with these `numbers`, which rise, what the states come to that it counts; in no
/// order.
pub(super) fn sums<T, A: Aggregate<T>>(
    aggregate: &A,
    states: &[Counted<'_, A::State>],
    numbers: &[i128],
    mut give: impl FnMut(i128, Option<A::State>),
) {
    let (Some(first), Some(last)) = (numbers.first(), numbers.last()) else {
        return;
    };
    let states = states.iter();
    let states = states.map(|(counting, state)| (*counting.start(), *counting.end(), *state));
    let states = states.filter(|(from, to, _)| from <= last && first <= to);
    let (staying, others): (Vec<_>, Vec<_>) = states.partition(|(_, to, _)| last <= to);
    let (leaving, within): (Vec<_>, Vec<_>) =
        others.into_iter().partition(|(from, ..)| from <= first);
    if staying.len() <= leaving.len() {
        let numbers = numbers.iter().rev().copied();
        downwards(aggregate, (leaving, staying, &within), numbers, give);
    } else {
        // The same in a mirror, where what stays leaves.
        let within = mirrored(within);
        let numbers = numbers.iter().map(|number| -number);
        let sides = (mirrored(staying), mirrored(leaving), &*within);
        downwards(aggregate, sides, numbers, |number, sum| give(-number, sum));
    }
}

fn mirrored<S>(states: Vec<Between<'_, S>>) -> Vec<Between<'_, S>> {
    let states = states.into_iter();
    states
        .map(|(from, to, state)| (-to, -from, state))
        .collect()
}

/// States that leave, that stay, and that are within.
type Sides<'w, 's, S> = (
    Vec<Between<'s, S>>,
    Vec<Between<'s, S>>,
    &'w [Between<'s, S>],
);

/// The sums of the windows with these `numbers`, which fall.
fn downwards<T, A: Aggregate<T>>(
    aggregate: &A,
    (mut leaving, mut staying, within): Sides<'_, '_, A::State>,
    numbers: impl Iterator<Item = i128>,
    mut give: impl FnMut(i128, Option<A::State>),
) {
    leaving.sort_by_key(|(_, to, _)| Reverse(*to));
    staying.sort_by_key(|(from, ..)| *from);
    let mut sum = None;
    let from_the_left = staying.into_iter().map(|(from, _, state)| {
        merge(aggregate, &mut sum, state);
        (from, sum.clone())
    });
    let mut stayed: Vec<_> = from_the_left.collect();
    let mut left = None;
    let mut leaving = leaving.into_iter().peekable();
    for number in numbers {
        while let Some((_, _, state)) = leaving.next_if(|(_, to, _)| number <= *to) {
            merge(aggregate, &mut left, state);
        }
        while stayed.pop_if(|(from, _)| number < *from).is_some() {}
        let mut of_window = left.clone();
        let here = within.iter();
        let here = here.filter(|(from, to, _)| (*from..=*to).contains(&number));
        let here = here.map(|(.., state)| *state);
        let stayed = stayed.last().and_then(|(_, sum)| sum.as_ref());
        for state in here.chain(stayed) {
            merge(aggregate, &mut of_window, state);
        }
        give(number, of_window);
    }
}

/// Merges a copy of `state` into `sum`.
fn merge<T, A: Aggregate<T>>(aggregate: &A, sum: &mut Option<A::State>, state: &A::State) {
    match sum {
        None => *sum = Some(state.clone()),
        Some(sum) => aggregate.merge(sum, state.clone()),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use proptest::collection::{btree_set, vec};
    use proptest::prelude::*;

    use super::*;
    use crate::aggregate::Of;

    fn in_order<T, A: Aggregate<T>>(
        aggregate: &A,
        states: &[Counted<'_, A::State>],
        numbers: &[i128],
    ) -> Vec<Option<A::State>> {
        let mut given = Vec::new();
        sums(aggregate, states, numbers, |number, sum| {
            given.push((number, sum))
        });
        given.sort_by_key(|(number, _)| *number);
        assert!(given.iter().map(|(number, _)| number).eq(numbers));
        given.into_iter().map(|(_, sum)| sum).collect()
    }

    proptest! {
        #[test]
        fn they_are_those_of_the_windows_one_by_one(
            ranges in vec((0_i128..20, 0_i128..12, 1_u64..100), 0..12),
            numbers in btree_set(0_i128..32, 0..12),
        ) {
            let count = Of::<()>::new().count("n");
            let range = |(start, length, state): &(i128, i128, u64)| (*start..=start + length, *state);
            let states: Vec<_> = ranges.iter().map(range).collect();
            let counted: Vec<_> = states.iter().map(|(range, state)| (range, state)).collect();
            let numbers: Vec<_> = numbers.into_iter().collect();
            let expected = numbers.iter().map(|number| {
                let here = states.iter().filter(|(range, _)| range.contains(number));
                here.map(|(_, state)| *state).reduce(|sum, state| sum + state)
            });
            let expected: Vec<_> = expected.collect();
            prop_assert_eq!(in_order::<(), _>(&count, &counted, &numbers), expected);
        }
    }

    /// Counts merges.
    struct Merges(Cell<usize>);

    impl Aggregate<u64> for Merges {
        type State = u64;
        type Output = u64;
        fn names(&self) -> Vec<String> {
            vec!["n".into()]
        }
        fn add(&self, state: &mut u64, record: &u64) {
            *state += record;
        }
        fn merge(&self, state: &mut u64, other: u64) {
            self.0.set(self.0.get() + 1);
            *state += other;
        }
        fn output(&self, state: &u64) -> u64 {
            *state
        }
        fn heap_bytes(&self, _state: &u64) -> usize {
            0
        }
        fn kind(&self) -> String {
            "merges".into()
        }
    }

    #[test]
    fn a_window_more_costs_a_few_merges_more() {
        // As of a piece in the middle of many: each of the others shares windows with it.
        const N: i128 = 1_000;
        let ranges: Vec<_> = (1 - N..N).map(|start| start..=start + N - 1).collect();
        let states: Vec<_> = ranges.iter().map(|range| (range, &1)).collect();
        let merges = Merges(Cell::new(0));
        let sums = in_order(&merges, &states, &(0..N).collect::<Vec<_>>());
        assert!(sums.iter().all(|sum| *sum == Some(N as u64)));
        assert!(merges.0.get() < 4 * N as usize, "{} merges", merges.0.get());
    }
}

//! Due times: when to look at which session, without looking at the others.
//!
//! A session is filed under the time at which it would be due if nothing more came to it. What comes moves that time, and
//! moves nothing here: when the old time comes the session is looked at, and filed anew. So a record costs nothing, and a
//! session is looked at about once in a gap.
//!
//! Far times lie unordered in pieces of a 64th of a gap; only the piece that the watermark is in is kept in order.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::time::Duration;

use millstream_engine::EventTime;

use super::kept::Named;

/// A due time, and the session.
pub(super) type Item = (EventTime, Named);

/// Sessions by the time at which they are due.
pub(super) struct Due {
    /// How long a piece is, in microseconds.
    width: i64,
    /// Those of a piece that is due whole.
    whole: Vec<Item>,
    /// Those of pieces before `near_to`.
    near: BinaryHeap<Reverse<Item>>,
    near_to: i64,
    /// All others, by number of their piece.
    far: BTreeMap<i64, Vec<Item>>,
    len: usize,
}

impl Due {
    pub(super) fn new(gap: Duration) -> Self {
        Due {
            width: i64::try_from(gap.as_micros() / 64)
                .unwrap_or(i64::MAX)
                .max(1),
            whole: Vec::new(),
            near: BinaryHeap::new(),
            near_to: i64::MIN,
            far: BTreeMap::new(),
            len: 0,
        }
    }

    /// How many are filed, with those that were filed anew before they were due.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Files what is due at `item.0`.
    pub(super) fn file(&mut self, item: Item) {
        self.len += 1;
        let piece = item.0.micros().div_euclid(self.width);
        if piece < self.near_to {
            self.near.push(Reverse(item));
        } else {
            self.far.entry(piece).or_default().push(item);
        }
    }

    /// Takes out one that is due before `watermark`; at the end of time, any.
    pub(super) fn pop(&mut self, watermark: EventTime) -> Option<Item> {
        let is_due = |time: EventTime| time < watermark || watermark == EventTime::MAX;
        loop {
            if let Some(item) = self.whole.pop() {
                self.len -= 1;
                return Some(item);
            }
            if self.near.peek().is_some_and(|Reverse(item)| is_due(item.0)) {
                self.len -= 1;
                return self.near.pop().map(|Reverse(item)| item);
            }
            let first = self.far.first_entry()?;
            let (start, end) = (*first.key(), first.key().saturating_add(1));
            let at = |piece: i64| EventTime::from_micros(piece.saturating_mul(self.width));
            if !is_due(at(start)) {
                return None;
            }
            self.near_to = end;
            let items = first.remove();
            // The last piece has no end of its own: what is in it is due one by one.
            if at(end) <= watermark && at(end) < EventTime::MAX {
                self.whole = items;
            } else {
                self.near.extend(items.into_iter().map(Reverse));
            }
        }
    }

    /// The one that is due first.
    pub(super) fn first(&mut self) -> Option<Item> {
        if self.near.is_empty()
            && let Some(first) = self.far.first_entry()
        {
            self.near_to = first.key().saturating_add(1);
            self.near.extend(first.remove().into_iter().map(Reverse));
        }
        self.near.peek().map(|Reverse(item)| *item)
    }

    /// Takes that out.
    pub(super) fn drop_first(&mut self) {
        if self.first().is_some() {
            self.near.pop();
            self.len -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// Files what is to be filed and passes the watermark, in turns; all that is due comes, and nothing else.
    fn check(gap: u64, turns: &[(Vec<i64>, i64)]) -> Result<(), TestCaseError> {
        let mut due = Due::new(Duration::from_micros(gap));
        let mut filed: Vec<i64> = Vec::new();
        let named = (7, EventTime::from_micros(8));
        for (times, watermark) in turns {
            for time in times {
                due.file((EventTime::from_micros(*time), named));
                filed.push(*time);
            }
            filed.sort_unstable();
            let first = due.first().map(|item| item.0.micros());
            prop_assert_eq!(first, filed.first().copied());
            let mut came = Vec::new();
            while let Some((time, of)) = due.pop(EventTime::from_micros(*watermark)) {
                prop_assert_eq!(of, named);
                came.push(time.micros());
            }
            came.sort_unstable();
            let is_due = |time: &i64| time < watermark || *watermark == i64::MAX;
            let expected: Vec<i64> = filed.iter().copied().filter(is_due).collect();
            prop_assert_eq!(came, expected);
            filed.retain(|time| !is_due(time));
            prop_assert_eq!(due.len(), filed.len());
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn what_is_due_comes_and_nothing_else(
            gap in 1_u64..3_000,
            turns in vec((vec(-900_i64..3_000, 0..20), -1_000_i64..3_000), 1..20),
        ) {
            check(gap, &turns)?;
        }
    }

    #[test]
    fn the_ends_of_time_are_due_as_well() {
        let ends = vec![i64::MIN, i64::MAX, i64::MAX - 1, 0];
        for gap in [1, 100, u64::MAX] {
            let turns = [
                (ends.clone(), i64::MIN),
                (ends.clone(), 1),
                (vec![], i64::MAX - 1),
                (vec![], i64::MAX),
            ];
            check(gap, &turns).expect("it holds");
        }
    }
}

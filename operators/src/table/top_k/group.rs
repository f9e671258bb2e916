//! A group: its rows in order, and what was said of the first of them.

use std::collections::BTreeMap;

/// The rows of a group, by their order and then their key.
pub(super) struct Group<O, K, V> {
    rows: BTreeMap<(O, K), V>,
    /// The first rows, as they were last shown.
    shown: Vec<(K, V)>,
    /// Where the last of the rows that are shown lies, if there are as many as there may be.
    last: Option<(O, K)>,
    /// Something among the rows that are shown has changed.
    pub(super) is_touched: bool,
}

impl<O, K, V> Default for Group<O, K, V> {
    fn default() -> Self {
        Group {
            rows: BTreeMap::new(),
            shown: Vec::new(),
            last: None,
            is_touched: false,
        }
    }
}

impl<O: Ord + Clone, K: Ord + Clone, V: PartialEq + Clone> Group<O, K, V> {
    /// A row comes, or with `diff` below 0 goes.
    pub(super) fn apply(&mut self, order: O, key: K, value: V, diff: isize) {
        let place = (order, key);
        self.is_touched |= self.last.as_ref().is_none_or(|last| place <= *last);
        if diff > 0 {
            self.rows.insert(place, value);
        } else {
            self.rows.remove(&place);
        }
    }

    /// Shows the first `k` rows: gives `say` what each rank was and what it is, where the two differ.
    pub(super) fn show(
        &mut self,
        k: usize,
        mut say: impl FnMut(usize, Option<(K, V)>, Option<(K, V)>),
    ) {
        self.is_touched = false;
        let mut rows = self.rows.iter().take(k);
        let mut n_shown = 0;
        for (rank, shown) in self.shown.iter_mut().enumerate() {
            let Some(((_, key), value)) = rows.next() else {
                break;
            };
            n_shown += 1;
            if shown.0 != *key || shown.1 != *value {
                let row = (key.clone(), value.clone());
                let old = std::mem::replace(shown, row.clone());
                say(rank, Some(old), Some(row));
            }
        }
        for (rank, gone) in self.shown.drain(n_shown..).enumerate() {
            say(n_shown + rank, Some(gone), None);
        }
        for ((_, key), value) in rows {
            let row = (key.clone(), value.clone());
            say(self.shown.len(), None, Some(row.clone()));
            self.shown.push(row);
        }
        let is_full = self.shown.len() == k;
        let last = is_full.then(|| self.rows.keys().nth(k - 1)).flatten();
        self.last = last.cloned();
    }

    /// How many rows it has.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }
}

//! The number of records: of all, or of those for which something holds.

use super::Aggregate;

/// Counts records; made by [`Of::count`](super::Of::count).
#[derive(Clone, Debug)]
pub struct Count {
    name: String,
}

impl Count {
    pub(super) fn new(name: &str) -> Self {
        Count { name: name.into() }
    }
}

impl<T> Aggregate<T> for Count {
    type State = u64;
    type Output = u64;

    fn names(&self) -> Vec<String> {
        vec![self.name.clone()]
    }

    fn add(&self, state: &mut u64, _: &T) {
        *state += 1;
    }

    fn merge(&self, state: &mut u64, other: u64) {
        *state += other;
    }

    fn output(&self, state: &u64) -> u64 {
        *state
    }

    fn heap_bytes(&self, _: &u64) -> usize {
        0
    }

    fn kind(&self) -> String {
        "count".into()
    }
}

/// Counts the records for which something holds; made by [`Of::count_if`](super::Of::count_if).
#[derive(Clone, Debug)]
pub struct CountIf<F> {
    name: String,
    holds: F,
}

impl<F> CountIf<F> {
    pub(super) fn new(name: &str, holds: F) -> Self {
        CountIf {
            name: name.into(),
            holds,
        }
    }
}

impl<T, F: Fn(&T) -> bool + 'static> Aggregate<T> for CountIf<F> {
    type State = u64;
    type Output = u64;

    fn names(&self) -> Vec<String> {
        vec![self.name.clone()]
    }

    fn add(&self, state: &mut u64, record: &T) {
        *state += u64::from((self.holds)(record));
    }

    fn merge(&self, state: &mut u64, other: u64) {
        *state += other;
    }

    fn output(&self, state: &u64) -> u64 {
        *state
    }

    fn heap_bytes(&self, _: &u64) -> usize {
        0
    }

    fn kind(&self) -> String {
        "count_if".into()
    }
}

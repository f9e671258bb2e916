//! The number of records.

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

//! Formats that are used in turn: one for each request that is read right now.
//!
//! A format learns from what it reads, so it is used by one request at a time. The one that was used last is used next: it
//! has learnt from the latest events.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many are kept that nobody uses.
const UNUSED_MAX: usize = 16;

/// Copies of one format.
pub(super) struct Formats<F> {
    original: F,
    unused: Mutex<Vec<F>>,
}

impl<F: Clone> Formats<F> {
    pub(super) fn new(original: F) -> Self {
        Formats {
            original,
            unused: Mutex::default(),
        }
    }

    /// One that nobody else uses.
    pub(super) fn take(&self) -> F {
        let unused = self.unused().pop();
        unused.unwrap_or_else(|| self.original.clone())
    }

    /// Gives it back for others to use.
    pub(super) fn put_back(&self, format: F) {
        let mut unused = self.unused();
        if unused.len() < UNUSED_MAX {
            unused.push(format);
        }
    }

    fn unused(&self) -> MutexGuard<'_, Vec<F>> {
        self.unused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_learnt_is_used_again_and_never_by_two() {
        let formats = Formats::new(vec![0]);
        let (mut first, second) = (formats.take(), formats.take());
        first.push(1);
        formats.put_back(second);
        formats.put_back(first);
        assert_eq!(formats.take(), [0, 1]);
        assert_eq!(formats.take(), [0]);
        for _ in 0..100 {
            formats.put_back(vec![2]);
        }
        assert_eq!(formats.unused().len(), UNUSED_MAX);
    }
}

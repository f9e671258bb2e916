//! Rows counted and dropped.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counts rows by itself, and tells the sum at its end: workers that count in one place wait for one another.
pub(crate) struct Rows {
    n: u64,
    sum: Arc<AtomicU64>,
}

impl Rows {
    pub(crate) fn new(sum: &Arc<AtomicU64>) -> Self {
        Rows {
            n: 0,
            sum: Arc::clone(sum),
        }
    }

    /// Takes note of a row, which must be there.
    pub(crate) fn count<T>(&mut self, row: &T) {
        black_box(row);
        self.n += 1;
    }
}

impl Clone for Rows {
    /// One that begins at nothing: what was counted is told once.
    fn clone(&self) -> Self {
        Rows::new(&self.sum)
    }
}

impl Drop for Rows {
    fn drop(&mut self) {
        self.sum.fetch_add(self.n, Relaxed);
    }
}

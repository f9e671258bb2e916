//! Rows that a sink without files holds between `stage` and `publish`.
//!
//! Each staging gets a number that goes out as the staged entry; publishing takes what is held under that number. What
//! was taken is not there a second time, so publishing again does nothing, and an entry of an earlier process, whose
//! memory is gone, does nothing either.

use std::collections::BTreeMap;

use millstream_engine::{SinkRow, Staged, Value};

/// The rows of one part of a sink that are not published yet.
#[derive(Default)]
pub(crate) struct Held {
    written: Vec<Vec<Value>>,
    staged: BTreeMap<String, Vec<Vec<Value>>>,
    next: u64,
}

impl Held {
    pub(crate) fn write(&mut self, rows: &mut Vec<SinkRow>) {
        self.written.extend(rows.drain(..).map(|row| row.values));
    }

    /// Stages all that was written, sorted; nothing if nothing was. `of` tells this part from those of others.
    pub(crate) fn stage(&mut self, of: &str) -> Vec<Staged> {
        if self.written.is_empty() {
            return Vec::new();
        }
        let mut rows = std::mem::take(&mut self.written);
        rows.sort_unstable();
        let name = format!("{of}-{}", self.next);
        self.next += 1;
        self.staged.insert(name.clone(), rows);
        vec![Staged(name)]
    }

    /// The rows of `staged`, the first time it is asked for.
    pub(crate) fn take(&mut self, staged: &Staged) -> Option<Vec<Vec<Value>>> {
        self.staged.remove(&staged.0)
    }
}

//! Rows that a sink without files holds between `stage` and `publish`.
//!
//! Staged rows are published by the name they were staged under; publishing takes what is held under it. What was taken
//! is not there a second time, so publishing again does nothing.
//!
//! What is staged here is not durable, so a snapshot must keep it: each staging is a bucket of the snapshot, by its name,
//! from the snapshot of its own epoch until the first one after it was published. When the process dies in between, the
//! next one gets the rows back under that name, and publishes them when it is told to.

use std::collections::BTreeMap;

use millstream_engine::{Epoch, SinkContext, SinkRow, Staged, Value};

use crate::keep::Keep;
use crate::staged_name::StagedName;

/// The rows of one part of a sink that are not published yet.
pub(crate) struct Held {
    run: String,
    worker: usize,
    /// How many times something was staged.
    n_staged: u64,
    written: Vec<SinkRow>,
    staged: BTreeMap<String, Entry>,
    /// Names that a snapshot has rows of, and that were published since.
    emptied: Vec<String>,
    /// Names that an earlier run has left: what is not published again at the start was published before.
    left: Vec<String>,
}

/// Rows that were staged together.
#[derive(Default)]
struct Entry {
    rows: Vec<SinkRow>,
    /// Whether a snapshot has them.
    is_kept: bool,
}

impl Held {
    pub(crate) fn new(cx: &SinkContext) -> Self {
        Held {
            run: cx.run.clone(),
            worker: cx.worker,
            n_staged: 0,
            written: Vec::new(),
            staged: BTreeMap::new(),
            emptied: Vec::new(),
            left: Vec::new(),
        }
    }

    pub(crate) fn write(&mut self, rows: &mut Vec<SinkRow>) {
        self.written.append(rows);
    }

    /// Whether there are rows that were written and not staged.
    pub(crate) fn holds_written(&self) -> bool {
        !self.written.is_empty()
    }

    /// Stages all that was written, sorted; nothing if nothing was.
    pub(crate) fn stage(&mut self, epoch: Epoch) -> Vec<Staged> {
        for name in std::mem::take(&mut self.left) {
            if self.staged.remove(&name).is_some() {
                self.emptied.push(name);
            }
        }
        if self.written.is_empty() {
            return Vec::new();
        }
        let mut rows = std::mem::take(&mut self.written);
        rows.sort_unstable_by(|a, b| a.values.cmp(&b.values));
        let name = StagedName {
            run: self.run.clone(),
            epoch,
            worker: self.worker,
            n: self.n_staged,
        };
        self.n_staged += 1;
        let (name, is_kept) = (name.to_string(), false);
        self.staged.insert(name.clone(), Entry { rows, is_kept });
        vec![Staged(name)]
    }

    /// The rows of `staged`, the first time it is asked for.
    pub(crate) fn take(&mut self, staged: &Staged) -> Option<Vec<Vec<Value>>> {
        let Entry { rows, is_kept } = self.staged.remove(&staged.0)?;
        if is_kept {
            self.emptied.push(staged.0.clone());
        }
        Some(rows.into_iter().map(|row| row.values).collect())
    }

    /// Hands over what is staged and what was published since the last time.
    pub(crate) fn hand_over(&mut self, to: &mut impl Keep) {
        self.emptied.drain(..).for_each(|name| to.emptied(name));
        for (name, entry) in &mut self.staged {
            if !std::mem::replace(&mut entry.is_kept, true) {
                to.rows(name.clone(), entry.rows.clone());
            }
        }
    }

    /// Takes back what was staged as `name`.
    pub(crate) fn restore(&mut self, name: &str, rows: Vec<SinkRow>) {
        let entry = self.staged.entry(name.to_owned()).or_default();
        entry.rows.extend(rows);
        entry.is_kept = true;
        self.left.push(name.to_owned());
    }
}

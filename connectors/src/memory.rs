//! A sink that keeps its rows in memory, for tests and for programs that want the rows at the end of a run.
//!
//! Memory goes with the process. But where a pipeline stops and goes on in the same process, as in a test of recovery,
//! the handles stay, and rows that are published again must not be there twice: in a run that takes snapshots the rows
//! are kept by the name they were staged under, and those that a later run takes back are removed by it.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use millstream_engine::{
    BoxError, Column, Delivery, Epoch, Published, Sink, SinkContext, SinkPart, SinkRow, StageAt,
    Staged, Unpublished, Value,
};

use crate::held::Held;
use crate::staged_name::StagedName;

/// A handle on rows in memory; its clones are handles on the same rows.
///
/// The pipeline function captures a handle and passes a clone to the sink on each worker. Rows arrive when they are
/// published, and stay until the last handle is gone. A pipeline that stops and goes on from a snapshot publishes each
/// row once into the same handle; into that of another process, only those that were not published before.
///
/// # Examples
/// ```
/// use millstream_connectors::Memory;
/// use millstream_engine::{Column, ColumnType, Epoch, EventTime, Sink, SinkContext, SinkRow, StageAt, StatePlace, Value};
///
/// let memory = Memory::new();
/// let mut part = memory.open(&SinkContext {
///     name: "out".into(), worker: 0, workers: 1, run: "r1".into(), place: StatePlace::none(),
///     columns: vec![Column::new("n", ColumnType::Int64)].into(), registry: Default::default(),
/// })?;
/// let epoch = Epoch::first_of_run(1);
/// part.write(epoch, &mut vec![SinkRow { time: EventTime::MIN, values: vec![Value::Int(7)] }])?;
/// let at = StageAt { epoch, watermark: EventTime::MAX, now: EventTime::MIN, last: true };
/// let staged = part.stage(at)?;
/// part.publish(&staged)?;
/// assert_eq!(memory.rows(), [[Value::Int(7)]]);
/// # Ok::<(), millstream_engine::BoxError>(())
/// ```
#[derive(Clone, Default)]
pub struct Memory {
    kept: Arc<Mutex<Kept>>,
}

#[derive(Default)]
struct Kept {
    columns: Arc<[Column]>,
    rows: Vec<Vec<Value>>,
    /// The rows of runs that take snapshots, by sink and by the name they were staged under.
    by_name: BTreeMap<(String, String), Vec<Vec<Value>>>,
}

impl Memory {
    /// A handle on no rows yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// All rows published so far, by all workers, sorted by their values.
    #[must_use]
    pub fn rows(&self) -> Vec<Vec<Value>> {
        let kept = self.kept();
        let named = kept.by_name.values().flatten();
        let mut rows: Vec<_> = kept.rows.iter().chain(named).cloned().collect();
        drop(kept);
        rows.sort_unstable();
        rows
    }

    /// The columns of the rows; none before the sink was opened.
    #[must_use]
    pub fn columns(&self) -> Arc<[Column]> {
        Arc::clone(&self.kept().columns)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sink for Memory {
    fn check(&self, _cx: &SinkContext) -> Result<(), BoxError> {
        Ok(())
    }

    fn open(&self, cx: &SinkContext) -> Result<Box<dyn SinkPart>, BoxError> {
        Ok(Box::new(self.part(cx)))
    }

    fn kind(&self) -> String {
        "memory".into()
    }

    fn delivery(&self) -> Delivery {
        Delivery::Idempotent
    }

    fn recover(
        &self,
        cx: &SinkContext,
        committed: Epoch,
        _staged: &[Staged],
    ) -> Result<(), BoxError> {
        self.kept().by_name.retain(|(sink, name), _| {
            let is_after = |name: StagedName| name.is_after(&cx.run, committed);
            *sink != cx.name || !StagedName::parse(name).is_some_and(is_after)
        });
        Ok(())
    }
}

impl Memory {
    pub(crate) fn part(&self, cx: &SinkContext) -> MemoryPart {
        self.kept().columns = Arc::clone(&cx.columns);
        MemoryPart {
            memory: self.clone(),
            name: cx.name.clone(),
            is_durable: cx.place.is_kept(),
            held: Held::new(cx),
        }
    }
}

pub(crate) struct MemoryPart {
    memory: Memory,
    name: String,
    is_durable: bool,
    pub(crate) held: Held,
}

impl MemoryPart {
    /// Makes `rows` visible, and gives whether they were not before.
    fn show(&self, staged: &Staged, rows: Vec<Vec<Value>>) -> bool {
        let mut kept = self.memory.kept();
        if !self.is_durable {
            kept.rows.extend(rows);
            return true;
        }
        match kept.by_name.entry((self.name.clone(), staged.0.clone())) {
            Entry::Occupied(_) => false,
            Entry::Vacant(entry) => {
                entry.insert(rows);
                true
            }
        }
    }
}

impl SinkPart for MemoryPart {
    fn write(&mut self, _epoch: Epoch, rows: &mut Vec<SinkRow>) -> Result<(), BoxError> {
        self.held.write(rows);
        Ok(())
    }

    fn stage(&mut self, at: StageAt) -> Result<Vec<Staged>, BoxError> {
        Ok(self.held.stage(at.epoch))
    }

    fn publish(&mut self, staged: &[Staged]) -> Result<Vec<Published>, BoxError> {
        let mut published = Vec::new();
        for staged in staged {
            let Some(rows) = self.held.take(staged) else {
                continue;
            };
            let n_rows = rows.len() as u64;
            if self.show(staged, rows) {
                published.push(Published {
                    name: self.name.clone(),
                    rows: n_rows,
                });
            }
        }
        Ok(published)
    }

    fn holds_rows(&self) -> bool {
        self.held.holds_written()
    }

    fn save(&mut self, unpublished: &mut Unpublished) {
        self.held.hand_over(unpublished);
    }

    fn restore(&mut self, bucket: &str, rows: Vec<SinkRow>) -> Result<(), BoxError> {
        self.held.restore(bucket, rows);
        Ok(())
    }
}

#[cfg(test)]
mod tests;

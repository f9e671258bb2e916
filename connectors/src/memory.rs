//! A sink that keeps its rows in memory, for tests and for programs that want the rows at the end of a run.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use millstream_engine::{
    BoxError, Column, Epoch, Published, Sink, SinkContext, SinkPart, SinkRow, StageAt, Staged,
    Value,
};

use crate::held::Held;

/// A handle on rows in memory; its clones are handles on the same rows.
///
/// The pipeline function captures a handle and passes a clone to the sink on each worker. Rows arrive when they are
/// published, and stay until the last handle is gone.
///
/// # Examples
/// ```
/// use millstream_connectors::Memory;
/// use millstream_engine::{Column, ColumnType, Epoch, EventTime, Sink, SinkContext, SinkRow, StageAt, Value};
///
/// let memory = Memory::new();
/// let mut part = memory.open(&SinkContext {
///     name: "out".into(), worker: 0, workers: 1, run: "r1".into(), durable: false,
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
        let mut rows = self.kept().rows.clone();
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
        self.kept().columns = Arc::clone(&cx.columns);
        let of = format!("{}-{}", cx.run, cx.worker);
        Ok(Box::new(Part {
            memory: self.clone(),
            name: cx.name.clone(),
            of,
            held: Held::default(),
        }))
    }
}

struct Part {
    memory: Memory,
    name: String,
    of: String,
    held: Held,
}

impl SinkPart for Part {
    fn write(&mut self, _epoch: Epoch, rows: &mut Vec<SinkRow>) -> Result<(), BoxError> {
        self.held.write(rows);
        Ok(())
    }

    fn stage(&mut self, _at: StageAt) -> Result<Vec<Staged>, BoxError> {
        Ok(self.held.stage(&self.of))
    }

    fn publish(&mut self, staged: &[Staged]) -> Result<Vec<Published>, BoxError> {
        let mut published = Vec::new();
        for rows in staged.iter().filter_map(|staged| self.held.take(staged)) {
            published.push(Published {
                name: self.name.clone(),
                rows: rows.len() as u64,
            });
            self.memory.kept().rows.extend(rows);
        }
        Ok(published)
    }
}

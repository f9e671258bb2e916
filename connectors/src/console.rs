//! A sink that prints rows, one JSON object a line, for a first look at a pipeline.
//!
//! Rows are printed when they are published, never before, and a batch of them in one go, so that the lines of two
//! workers do not mix. What a process printed cannot be taken back, and nobody knows whether the lines of an epoch that
//! was committed when the process died were printed before: a run that goes on from a snapshot prints those of its last
//! commit, once more if need be.

use std::io::{self, ErrorKind, Write};
use std::sync::{Arc, Mutex, PoisonError};

use millstream_engine::{
    BoxError, Column, Delivery, Epoch, Published, Sink, SinkContext, SinkPart, SinkRow, StageAt,
    Staged, Unpublished,
};

use crate::held::Held;
use crate::row_json::write_ndjson;
use crate::sink_error::SinkError;

/// Prints rows on standard output as NDJSON, every row at the first commit after it was written.
///
/// # Examples
/// ```
/// use millstream_connectors::Console;
/// use millstream_engine::{Column, ColumnType, Epoch, EventTime, Sink, SinkContext, SinkRow, StageAt, StatePlace, Value};
///
/// let mut part = Console::new().open(&SinkContext {
///     name: "out".into(), worker: 0, workers: 1, run: "r1".into(), place: StatePlace::none(),
///     columns: vec![Column::new("n", ColumnType::Int64)].into(), registry: Default::default(),
/// })?;
/// let epoch = Epoch::first_of_run(1);
/// part.write(epoch, &mut vec![SinkRow { time: EventTime::MIN, values: vec![Value::Int(7)] }])?;
/// let at = StageAt { epoch, watermark: EventTime::MAX, now: EventTime::MIN, last: true };
/// let staged = part.stage(at)?;
/// assert_eq!(part.publish(&staged)?[0].rows, 1); // prints {"n":7}
/// # Ok::<(), millstream_engine::BoxError>(())
/// ```
#[derive(Clone, Default)]
pub struct Console {
    out: Out,
}

#[derive(Clone, Default)]
enum Out {
    #[default]
    Standard,
    Given(Arc<Mutex<dyn Write + Send>>),
}

impl Console {
    /// Prints on standard output.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Prints to `out` instead; clones print to the same one.
    #[must_use]
    pub fn printing_to(out: impl Write + Send + 'static) -> Self {
        Console {
            out: Out::Given(Arc::new(Mutex::new(out))),
        }
    }
}

impl Sink for Console {
    fn check(&self, _cx: &SinkContext) -> Result<(), BoxError> {
        Ok(())
    }

    fn open(&self, cx: &SinkContext) -> Result<Box<dyn SinkPart>, BoxError> {
        Ok(Box::new(self.part(cx)))
    }

    fn kind(&self) -> String {
        "console".into()
    }

    fn delivery(&self) -> Delivery {
        Delivery::AtLeastOnce
    }
}

impl Console {
    pub(crate) fn part(&self, cx: &SinkContext) -> ConsolePart {
        ConsolePart {
            out: self.out.clone(),
            name: cx.name.clone(),
            columns: Arc::clone(&cx.columns),
            held: Held::new(cx),
        }
    }
}

pub(crate) struct ConsolePart {
    out: Out,
    name: String,
    columns: Arc<[Column]>,
    pub(crate) held: Held,
}

impl SinkPart for ConsolePart {
    fn write(&mut self, _epoch: Epoch, rows: &mut Vec<SinkRow>) -> Result<(), BoxError> {
        self.held.write(rows);
        Ok(())
    }

    fn stage(&mut self, at: StageAt) -> Result<Vec<Staged>, BoxError> {
        Ok(self.held.stage(at.epoch))
    }

    fn publish(&mut self, staged: &[Staged]) -> Result<Vec<Published>, BoxError> {
        let mut published = Vec::new();
        let mut lines = Vec::new();
        for rows in staged.iter().filter_map(|staged| self.held.take(staged)) {
            let rows = write_ndjson(&self.columns, rows, &mut lines).map_err(printing)?;
            published.push(Published {
                name: self.name.clone(),
                rows,
            });
        }
        if !lines.is_empty() {
            self.out.print(&lines).map_err(printing)?;
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

impl Out {
    fn print(&self, lines: &[u8]) -> io::Result<()> {
        match self {
            Out::Standard => write_whole(&mut io::stdout().lock(), lines),
            Out::Given(out) => write_whole(
                &mut *out.lock().unwrap_or_else(PoisonError::into_inner),
                lines,
            ),
        }
    }
}

fn write_whole(out: &mut dyn Write, lines: &[u8]) -> io::Result<()> {
    out.write_all(lines)?;
    out.flush()
}

fn printing(source: io::Error) -> SinkError {
    match source.kind() {
        ErrorKind::BrokenPipe => SinkError::ReaderGone { source },
        _ => SinkError::Print { source },
    }
}

#[cfg(test)]
mod tests;

//! Parquet files in a folder, partitioned by event time, each published once and whole.
//!
//! ```text
//! data/pages/                                   what is there to read: data/pages/**/*.parquet
//! ├── date=2026-11-23/                          a partition: the day of the rows' event time
//! │   ├── part-r7-7.1200-0-4.parquet            run r7, epoch 7.1200, worker 0, its file 4
//! │   ├── part-r7-7.1200-1-2.parquet
//! │   └── _manifest.json                        the watermark has left the day: it is final
//! ├── date=2026-11-24/
//! └── .staging/                                 written and synced, not published; gone after the run
//! ```
//!
//! Rows wait in memory, by partition, until a file of them is due: there are so many rows or bytes, the first of them
//! has waited for so long, the watermark has left the partition, or the run ends. So the number of files follows from
//! the roll policy and not from how often the engine commits. A file is written and synced in `.staging` under a name
//! no glob finds, and published by a rename in the same file system: a reader sees all of it or nothing.
//!
//! Rows that arrive when the watermark has left their partition already (late corrections) do not make a file each:
//! they wait for the policy like any others, and the manifest counts them.
//!
//! Rows that wait are in the snapshots of a run that takes some, and so is what is needed to declare a partition final
//! after a restart. A run that goes on from a snapshot removes what was staged or published after it, see `recovery`.
//!
//! The keys of the partitions are called `date`, `hour` and `minute`, or `partition_date` and so on where the rows have
//! columns of such names. Rows of a time outside the years 0 to 9999 are in the partition
//! `__HIVE_DEFAULT_PARTITION__`, which readers take for null.
//!
//! *Invariants*: a visible file is complete and never changes; of a run that takes snapshots, it holds rows of committed
//! epochs only, and each of them once; names never repeat, across workers, epochs and runs; a
//! manifest lists what is in its folder when it is written, whoever wrote it.

mod buffer;
mod folder;
mod manifest;
mod note;
mod part;
mod partition;
mod progress;
mod recovery;
mod staged_file;
mod write;

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use millstream_engine::{BoxError, Delivery, Epoch, Sink, SinkContext, SinkPart, Staged, minutes};

use crate::sink_error::SinkError;

use buffer::Roll;
use folder::Folder;
use part::Part;
use partition::{Cut, Grain};
use progress::Progress;
use staged_file::StagedFile;

pub use write::write_parquet;

/// A sink that writes Parquet files into a folder.
///
/// By default a file is due after a million rows, 64 MiB of them in memory, or one minute of waiting, and when the
/// watermark leaves its day. Within a file rows are sorted by their values in the order of the columns.
///
/// # Examples
/// ```
/// use millstream_connectors::ParquetFiles;
/// use millstream_engine::{Column, ColumnType, Epoch, EventTime, Sink, SinkContext, SinkRow, StageAt, StatePlace, Value};
///
/// let folder = tempfile::tempdir()?;
/// let mut part = ParquetFiles::new(folder.path()).roll_rows(10_000).open(&SinkContext {
///     name: "history".into(), worker: 0, workers: 1, run: "r1".into(), place: StatePlace::none(),
///     columns: vec![Column::new("views", ColumnType::Int64)].into(), registry: Default::default(),
/// })?;
/// let (epoch, time) = (Epoch::first_of_run(1), "2026-11-23T10:00:00Z".parse()?);
/// part.write(epoch, &mut vec![SinkRow { time, values: vec![Value::Int(7)] }])?;
/// let staged = part.stage(StageAt { epoch, watermark: EventTime::MAX, now: time, last: true })?;
/// let published = part.publish(&staged)?;
/// assert!(published[0].name.ends_with("date=2026-11-23/part-r1-1.0-0-0.parquet"));
/// # Ok::<(), millstream_engine::BoxError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ParquetFiles {
    root: PathBuf,
    cut: Cut,
    roll: Roll,
}

impl ParquetFiles {
    /// Files below the folder `root`, which is created if it is not there.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        let roll = Roll {
            rows: 1_000_000,
            bytes: 64 << 20,
            after: minutes(1),
        };
        let cut = Cut {
            grain: Grain::Day,
            final_after: Duration::ZERO,
        };
        ParquetFiles {
            root: root.into(),
            cut,
            roll,
        }
    }

    /// A file is due when a partition has `rows` rows waiting on a worker; a million if not set.
    #[must_use]
    pub fn roll_rows(mut self, rows: usize) -> Self {
        self.roll.rows = rows;
        self
    }

    /// A file is due when the rows of a partition that wait on a worker take `bytes` of memory; 64 MiB if not set.
    ///
    /// The file itself is smaller, often by ten times.
    #[must_use]
    pub fn roll_bytes(mut self, bytes: usize) -> Self {
        self.roll.bytes = bytes;
        self
    }

    /// A file is due when a row has waited for `after` by the wall clock; one minute if not set.
    #[must_use]
    pub fn roll_after(mut self, after: Duration) -> Self {
        self.roll.after = after;
        self
    }

    /// One folder for each day (UTC): `date=2026-11-23`. This is the default.
    #[must_use]
    pub fn partition_by_day(mut self) -> Self {
        self.cut.grain = Grain::Day;
        self
    }

    /// One folder for each hour (UTC), below that of its day: `date=2026-11-23/hour=10`.
    #[must_use]
    pub fn partition_by_hour(mut self) -> Self {
        self.cut.grain = Grain::Hour;
        self
    }

    /// One folder for each minute (UTC), below those of its day and hour: `date=2026-11-23/hour=10/minute=59`.
    ///
    /// That is many folders: for rows of which a minute has many.
    #[must_use]
    pub fn partition_by_minute(mut self) -> Self {
        self.cut.grain = Grain::Minute;
        self
    }

    /// A folder is final when the watermark is `wait` of event time past its end; when it is at its end if not set.
    ///
    /// Until then rows that come late for it wait for the same file as the others.
    ///
    /// # Examples
    /// ```
    /// use millstream_connectors::ParquetFiles;
    /// use millstream_engine::minutes;
    /// let bids = ParquetFiles::new("data/bids").partition_by_minute().final_after(minutes(1));
    /// ```
    #[must_use]
    pub fn final_after(mut self, wait: Duration) -> Self {
        self.cut.final_after = wait;
        self
    }

    /// What the workers share: whoever comes first opens the folder.
    fn progress(&self, cx: &SinkContext) -> Result<Arc<Progress>, SinkError> {
        let name = format!("parquet:{}", cx.name);
        let open = || Folder::open(&self.root, cx.place.is_kept());
        cx.registry
            .get_or_make(&name, || Ok(Progress::new(open()?, cx.workers)))
    }

    pub(crate) fn part(&self, cx: &SinkContext) -> Result<Part, SinkError> {
        let progress = self.progress(cx)?;
        self.claim(cx)?;
        Ok(Part::new(cx, progress, self.cut, self.roll))
    }

    /// Refuses the folder of another sink of this run: their files would have the same names.
    fn claim(&self, cx: &SinkContext) -> Result<(), SinkError> {
        let io = SinkError::io("find the real path of", &self.root);
        let path = self.root.canonicalize().map_err(io)?;
        let key = format!("parquet folder:{}", path.display());
        let mine = || Ok::<_, Infallible>(cx.name.clone());
        let first = match cx.registry.get_or_make(&key, mine) {
            Ok(first) => first,
            Err(never) => match never {},
        };
        if *first == cx.name {
            return Ok(());
        }
        Err(SinkError::SharedFolder {
            path,
            first: first.to_string(),
            second: cx.name.clone(),
        })
    }
}

impl Sink for ParquetFiles {
    fn check(&self, cx: &SinkContext) -> Result<(), BoxError> {
        Folder::check(&self.root, cx.place.is_kept()).map_err(|source| SinkError::Folder {
            path: self.root.clone(),
            source: Box::new(source),
        })?;
        Ok(self.claim(cx)?)
    }

    fn open(&self, cx: &SinkContext) -> Result<Box<dyn SinkPart>, BoxError> {
        Ok(Box::new(self.part(cx)?))
    }

    fn kind(&self) -> String {
        "Parquet files".into()
    }

    fn delivery(&self) -> Delivery {
        Delivery::Transactional
    }

    fn recover(
        &self,
        cx: &SinkContext,
        committed: Epoch,
        staged: &[Staged],
    ) -> Result<(), BoxError> {
        let files: Vec<StagedFile> = staged
            .iter()
            .map(StagedFile::parse)
            .collect::<Result<_, _>>()?;
        let progress = self.progress(cx)?;
        progress.folder.recover(&cx.run, committed, &files)?;
        progress.recover(&files);
        Ok(())
    }
}

#[cfg(test)]
mod tests;

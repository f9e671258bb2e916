//! The part of the sink on one worker: rows in, by partition; files out, when they are due.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use millstream_engine::{
    BoxError, Column, Epoch, EventTime, Published, SinkContext, SinkPart, SinkRow, StageAt, Staged,
    Value,
};

use crate::sink_error::SinkError;

use super::buffer::{Buffer, Roll};
use super::partition::{FolderNames, Grain, Partition};
use super::progress::Progress;
use super::staged_file::StagedFile;
use super::write::write_parquet;

/// One worker's rows and files.
pub(crate) struct Part {
    progress: Arc<Progress>,
    columns: Arc<[Column]>,
    names: FolderNames,
    grain: Grain,
    roll: Roll,
    run: String,
    worker: usize,
    /// Files made so far, so that each has a name of its own.
    n_files: u64,
    /// As of the last staging.
    watermark: EventTime,
    buffers: BTreeMap<Partition, Buffer>,
}

impl Part {
    pub(crate) fn new(cx: &SinkContext, progress: Arc<Progress>, grain: Grain, roll: Roll) -> Self {
        // Invariant: a run's name stands in names of files.
        assert!(
            !cx.run.contains(['/', '\\']),
            "the run {:?} cannot stand in a file name",
            cx.run
        );
        Part {
            progress,
            columns: Arc::clone(&cx.columns),
            names: FolderNames::beside(&cx.columns, grain),
            grain,
            roll,
            run: cx.run.clone(),
            worker: cx.worker,
            n_files: 0,
            watermark: EventTime::MIN,
            buffers: BTreeMap::new(),
        }
    }

    /// Takes the buffers whose rows are due out.
    fn take_due(&mut self, at: StageAt) -> Vec<(Partition, Buffer)> {
        let Part {
            buffers,
            grain,
            roll,
            watermark,
            ..
        } = self;
        // What was left at an earlier staging is late now, and waits for more of it.
        let is_left_now = |partition| {
            let end = grain.end(partition);
            *watermark < end && end <= at.watermark
        };
        let due = |partition: &Partition, buffer: &mut Buffer| {
            at.last || is_left_now(*partition) || buffer.is_due(roll, at.now)
        };
        buffers.extract_if(.., due).collect()
    }

    /// Sorts `rows` and writes them as one staged file.
    fn stage_file(
        &mut self,
        epoch: Epoch,
        partition: Partition,
        mut rows: Vec<Vec<Value>>,
    ) -> Result<StagedFile, SinkError> {
        rows.sort_unstable();
        let name = format!(
            "part-{}-{epoch}-{}-{}.parquet",
            self.run, self.worker, self.n_files
        );
        self.n_files += 1;
        let file = StagedFile {
            rows: rows.len() as u64,
            end: self.grain.end(partition),
            folder: self.names.folder(partition),
            name,
        };
        self.progress
            .folder
            .write_staged(&file.staged_name(), |out| {
                write_parquet(&self.columns, &rows, out).map(drop)
            })?;
        Ok(file)
    }
}

impl SinkPart for Part {
    fn write(&mut self, _epoch: Epoch, rows: &mut Vec<SinkRow>) -> Result<(), BoxError> {
        for row in rows.drain(..) {
            self.buffers
                .entry(self.grain.of(row.time))
                .or_default()
                .push(row.values);
        }
        Ok(())
    }

    fn stage(&mut self, at: StageAt) -> Result<Vec<Staged>, BoxError> {
        let due = self.take_due(at);
        let mut files = Vec::with_capacity(due.len());
        if !due.is_empty() {
            self.progress.folder.create_staging()?;
            for (partition, buffer) in due {
                files.push(self.stage_file(at.epoch, partition, buffer.into_rows())?);
            }
            self.progress.folder.sync_staging()?;
        }
        self.watermark = self.watermark.max(at.watermark);
        self.progress.staged(self.worker, at, &files)?;
        Ok(files.iter().map(StagedFile::to_staged).collect())
    }

    fn publish(&mut self, staged: &[Staged]) -> Result<Vec<Published>, BoxError> {
        let folder = &self.progress.folder;
        let files: Vec<StagedFile> = staged
            .iter()
            .map(StagedFile::parse)
            .collect::<Result<_, _>>()?;
        let mut published = Vec::new();
        for file in &files {
            if folder.publish(file)? {
                let name = folder.path(file).display().to_string();
                published.push(Published {
                    name,
                    rows: file.rows,
                });
            }
        }
        // Also for what was there already: an earlier process may have died between rename and sync.
        let folders: BTreeSet<&str> = files.iter().map(|file| &*file.folder).collect();
        folders
            .into_iter()
            .try_for_each(|below| folder.sync(below))?;
        if !files.is_empty() {
            self.progress.published(&files)?;
        }
        Ok(published)
    }
}

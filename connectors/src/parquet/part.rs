//! The part of the sink on one worker: rows in, by partition; files out, when they are due.
//!
//! A snapshot keeps the rows that wait, each partition's in a bucket by the name of its folder. Each row is handed over
//! once, and the bucket is emptied when a file of it is staged. Rows that are given back wait on, and are not handed over
//! again; only if the folder they belong into is called otherwise now, they move to the bucket of that one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use millstream_engine::{
    BoxError, Column, Epoch, EventTime, Published, SinkContext, SinkPart, SinkRow, StageAt, Staged,
    Unpublished,
};

use crate::keep::Keep;
use crate::sink_error::SinkError;
use crate::staged_name::StagedName;

use super::buffer::{Buffer, Roll};
use super::note::Note;
use super::partition::{Cut, FolderNames, Partition};
use super::progress::Progress;
use super::staged_file::{StagedFile, file_name};
use super::write::write_parquet;

/// One worker's rows and files.
pub(crate) struct Part {
    progress: Arc<Progress>,
    columns: Arc<[Column]>,
    names: FolderNames,
    cut: Cut,
    roll: Roll,
    run: String,
    worker: usize,
    /// Files made so far, so that each has a name of its own.
    n_files: u64,
    /// As of the last staging.
    watermark: EventTime,
    /// The same, but for the end of the input: the next run may be given more of it.
    watermark_to_note: EventTime,
    /// The least watermark noted by an earlier run.
    noted: Option<EventTime>,
    buffers: BTreeMap<Partition, Buffer>,
    /// Buckets that a snapshot has, and whose rows were staged since.
    emptied: Vec<String>,
}

impl Part {
    pub(crate) fn new(cx: &SinkContext, progress: Arc<Progress>, cut: Cut, roll: Roll) -> Self {
        // Invariant: a run's name stands in names of files.
        assert!(
            !cx.run.contains(['/', '\\']),
            "the run {:?} cannot stand in a file name",
            cx.run
        );
        Part {
            progress,
            columns: Arc::clone(&cx.columns),
            names: FolderNames::beside(&cx.columns, cut.grain),
            cut,
            roll,
            run: cx.run.clone(),
            worker: cx.worker,
            n_files: 0,
            watermark: EventTime::MIN,
            watermark_to_note: EventTime::MIN,
            noted: None,
            buffers: BTreeMap::new(),
            emptied: Vec::new(),
        }
    }

    /// Takes the buffers whose rows are due out.
    fn take_due(&mut self, at: StageAt) -> Vec<(Partition, Buffer)> {
        let Part {
            buffers,
            cut,
            roll,
            watermark,
            ..
        } = self;
        // What was left at an earlier staging is late now, and waits for more of it.
        let is_left_now = |partition| {
            let end = cut.end(partition);
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
        mut rows: Vec<SinkRow>,
    ) -> Result<StagedFile, SinkError> {
        rows.sort_unstable_by(|a, b| a.values.cmp(&b.values));
        let name = StagedName {
            run: self.run.clone(),
            epoch,
            worker: self.worker,
            n: self.n_files,
        };
        self.n_files += 1;
        let file = StagedFile {
            rows: rows.len() as u64,
            end: self.cut.end(partition),
            folder: self.names.folder(partition),
            name: file_name(&name),
        };
        self.progress
            .folder
            .write_staged(&file.staged_name(), |out| {
                let values = rows.iter().map(|row| &row.values);
                write_parquet(&self.columns, values, out).map(drop)
            })?;
        Ok(file)
    }

    pub(crate) fn hand_over(&mut self, to: &mut impl Keep) {
        self.emptied.drain(..).for_each(|bucket| to.emptied(bucket));
        for (partition, buffer) in &mut self.buffers {
            if let Some(rows) = buffer.keep() {
                to.rows(self.names.folder(*partition), rows);
            }
        }
    }
}

impl SinkPart for Part {
    fn write(&mut self, _epoch: Epoch, rows: &mut Vec<SinkRow>) -> Result<(), BoxError> {
        for row in rows.drain(..) {
            self.buffers
                .entry(self.cut.of(row.time))
                .or_default()
                .push(row);
        }
        Ok(())
    }

    fn stage(&mut self, at: StageAt) -> Result<Vec<Staged>, BoxError> {
        let due = self.take_due(at);
        let mut files = Vec::with_capacity(due.len());
        if !due.is_empty() {
            self.progress.folder.create_staging()?;
            for (partition, buffer) in due {
                if buffer.is_kept() {
                    self.emptied.push(self.names.folder(partition));
                }
                files.push(self.stage_file(at.epoch, partition, buffer.into_rows())?);
            }
            self.progress.folder.sync_staging()?;
        }
        self.watermark = self.watermark.max(at.watermark);
        if at.watermark.is_finite() {
            self.watermark_to_note = self.watermark_to_note.max(at.watermark);
        }
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

    fn holds_rows(&self) -> bool {
        !self.buffers.is_empty()
    }

    fn save(&mut self, unpublished: &mut Unpublished) {
        self.hand_over(unpublished);
    }

    fn restore(&mut self, bucket: &str, rows: Vec<SinkRow>) -> Result<(), BoxError> {
        let mut by_partition: BTreeMap<Partition, Vec<SinkRow>> = BTreeMap::new();
        for row in rows {
            let partition = self.cut.of(row.time);
            by_partition.entry(partition).or_default().push(row);
        }
        let folder = |partition: &Partition| self.names.folder(*partition);
        let is_same = by_partition.keys().map(folder).eq([bucket]);
        for (partition, rows) in by_partition {
            let buffer = self.buffers.entry(partition).or_default();
            if is_same {
                buffer.restore(rows);
            } else {
                rows.into_iter().for_each(|row| buffer.push(row));
            }
        }
        if !is_same {
            self.emptied.push(bucket.into());
        }
        Ok(())
    }

    fn note(&mut self) -> Option<String> {
        let waiting = self.buffers.iter().filter_map(|(partition, buffer)| {
            let since = buffer.since()?;
            Some((self.names.folder(*partition), since))
        });
        Some(Note::new(self.watermark_to_note, self.progress.open(), waiting).to_json())
    }

    fn restore_note(&mut self, note: &str) -> Result<(), BoxError> {
        let note = Note::parse(note)?;
        let noted = self.noted.unwrap_or(EventTime::MAX);
        let watermark = noted.min(note.watermark());
        self.noted = Some(watermark);
        (self.watermark, self.watermark_to_note) = (watermark, watermark);
        self.progress.restore(self.worker, watermark, note.open());
        let waiting: BTreeMap<&str, EventTime> = note.waiting().collect();
        for (partition, buffer) in &mut self.buffers {
            if let Some(since) = waiting.get(&*self.names.folder(*partition)) {
                buffer.has_waited_since(*since);
            }
        }
        Ok(())
    }
}

//! A file of one JSON object a line, which appears when all is done and has each row once.
//!
//! ```text
//!  parts/<run>/
//!    7.1200-0   what worker 0 was given up to epoch 7.1200      written and synced when that epoch is staged
//!    7.1200-1
//!  rows.ndjson  all parts, one after the other                  written, synced and renamed when the input has ended
//! ```
//!
//! What is staged up to a commit is committed with it, so a run that goes on removes the parts of later epochs, whose rows
//! come again, and keeps all others. When the input has ended worker 0 stages one thing more: the word that all parts are to
//! be put together. That is published after the last commit, when every part is there; it may be done again, and gives the
//! same file. So the parts stay: whoever chose their folder removes it when no run will go on.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use millstream::engine::{
    BoxError, Delivery, Epoch, EventTime, Published, Sink, SinkContext, SinkPart, SinkRow, StageAt,
    Staged, Value,
};

/// Stands for the file as a whole among what is staged.
const WHOLE: &str = "whole";

/// A sink of rows that are a text each.
#[derive(Clone, Debug)]
pub(crate) struct NdjsonFile {
    path: PathBuf,
    parts: PathBuf,
}

/// The sink on one worker.
struct Part {
    file: PathBuf,
    parts: PathBuf,
    worker: usize,
    lines: Vec<u8>,
}

/// Something could not be done with a file.
#[derive(Debug, thiserror::Error)]
#[error("cannot {what} {}: {source}", path.display())]
struct CannotWrite {
    what: &'static str,
    path: PathBuf,
    source: io::Error,
}

/// For `map_err`: `what` was tried on `path`.
fn cannot(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> CannotWrite {
    move |source| CannotWrite {
        what,
        path: path.into(),
        source,
    }
}

impl NdjsonFile {
    /// The file at `path`, put together from parts below `parts`; one that is there is replaced in the end.
    pub(crate) fn new(path: impl Into<PathBuf>, parts: impl Into<PathBuf>) -> Self {
        NdjsonFile {
            path: path.into(),
            parts: parts.into(),
        }
    }
}

/// `.name` + `ending`, beside the file `name`.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(ending);
    path.with_file_name(name)
}

fn folder_of(path: &Path) -> &Path {
    let parent = path.parent().filter(|parent| *parent != Path::new(""));
    parent.unwrap_or(Path::new("."))
}

/// Makes durable which files a folder has.
fn sync(folder: &Path) -> Result<(), CannotWrite> {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(cannot("sync", folder))
}

/// The epoch and the worker of a part.
fn parse(name: &str) -> Option<(Epoch, usize)> {
    let (epoch, worker) = name.split_once('-')?;
    Some((epoch.parse().ok()?, worker.parse().ok()?))
}

/// The parts in a folder, in the order in which their rows came.
fn list(parts: &Path) -> Result<Vec<((Epoch, usize), PathBuf)>, CannotWrite> {
    let entries = match fs::read_dir(parts) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(cannot("list", parts))?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(cannot("list", parts))?;
        if let Some(of) = entry.file_name().to_str().and_then(parse) {
            found.push((of, entry.path()));
        }
    }
    found.sort();
    Ok(found)
}

impl Sink for NdjsonFile {
    fn check(&self, cx: &SinkContext) -> Result<(), BoxError> {
        assert_eq!(cx.columns.len(), 1, "a row is a text");
        if self.path.is_dir() {
            let is_a_folder = io::Error::from(io::ErrorKind::IsADirectory);
            return Err(cannot("write", &self.path)(is_a_folder).into());
        }
        let folder = folder_of(&self.path);
        Ok(fs::create_dir_all(folder).map_err(cannot("make the folder", folder))?)
    }

    fn open(&self, cx: &SinkContext) -> Result<Box<dyn SinkPart>, BoxError> {
        Ok(Box::new(Part {
            file: self.path.clone(),
            parts: self.parts.join(&cx.run),
            worker: cx.worker,
            lines: Vec::new(),
        }))
    }

    fn kind(&self) -> String {
        // The rows that another file has parts of are not there for this one.
        format!("NDJSON file {}", self.path.display())
    }

    fn delivery(&self) -> Delivery {
        Delivery::Transactional
    }

    fn recover(&self, cx: &SinkContext, committed: Epoch, _: &[Staged]) -> Result<(), BoxError> {
        let parts = self.parts.join(&cx.run);
        let mut n_removed = 0;
        for ((epoch, _), path) in list(&parts)? {
            if epoch > committed {
                fs::remove_file(&path).map_err(cannot("remove", &path))?;
                n_removed += 1;
            }
        }
        if n_removed > 0 {
            sync(&parts)?;
        }
        Ok(())
    }
}

impl Part {
    /// Writes the lines that came up to `epoch`.
    fn write_part(&mut self, epoch: Epoch) -> Result<Staged, CannotWrite> {
        let name = format!("{epoch}-{}", self.worker);
        let path = self.parts.join(&name);
        fs::create_dir_all(&self.parts).map_err(cannot("make the folder", &self.parts))?;
        let write = || {
            let mut file = File::create(&path)?;
            file.write_all(&self.lines)?;
            file.sync_all()
        };
        write().map_err(cannot("write", &path))?;
        sync(&self.parts)?;
        sync(folder_of(&self.parts))?;
        self.lines.clear();
        Ok(Staged(name))
    }

    /// Puts all parts together; gives how many rows there are.
    fn put_together(&self) -> Result<u64, CannotWrite> {
        let new = beside(&self.file, ".new");
        let file = File::create(&new).map_err(cannot("make", &new))?;
        let mut out = BufWriter::new(file);
        let mut n_rows = 0;
        for (_, path) in list(&self.parts)? {
            let part = fs::read(&path).map_err(cannot("read", &path))?;
            n_rows += part.iter().filter(|byte| **byte == b'\n').count() as u64;
            out.write_all(&part).map_err(cannot("write", &new))?;
        }
        let synced = out.into_inner().map_err(io::IntoInnerError::into_error);
        let synced = synced.and_then(|file| file.sync_all());
        synced.map_err(cannot("write", &new))?;
        fs::rename(&new, &self.file).map_err(cannot("replace", &self.file))?;
        sync(folder_of(&self.file))?;
        Ok(n_rows)
    }
}

impl SinkPart for Part {
    fn write(&mut self, _epoch: Epoch, rows: &mut Vec<SinkRow>) -> Result<(), BoxError> {
        for row in rows.drain(..) {
            let Some(Value::Text(line)) = row.values.first() else {
                unreachable!("a row is a text: {row:?}");
            };
            self.lines.extend_from_slice(line.as_bytes());
            self.lines.push(b'\n');
        }
        Ok(())
    }

    fn stage(&mut self, at: StageAt) -> Result<Vec<Staged>, BoxError> {
        let mut staged = Vec::new();
        if !self.lines.is_empty() {
            staged.push(self.write_part(at.epoch)?);
        }
        // A run that is stopped has a last staging too, but its windows are open and it may go on.
        let has_ended = at.last && at.watermark == EventTime::MAX;
        if has_ended && self.worker == 0 {
            staged.push(Staged(format!("{WHOLE} {}", at.epoch)));
        }
        Ok(staged)
    }

    fn publish(&mut self, staged: &[Staged]) -> Result<Vec<Published>, BoxError> {
        if !staged.iter().any(|staged| staged.0.starts_with(WHOLE)) {
            return Ok(Vec::new());
        }
        let rows = self.put_together()?;
        let name = self.file.display().to_string();
        Ok(vec![Published { name, rows }])
    }

    fn holds_rows(&self) -> bool {
        !self.lines.is_empty()
    }
}

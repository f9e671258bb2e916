//! What the workers of one sink know of each other: how far each has come, and which files are not published yet.
//!
//! A partition is final when the watermark of every worker has left it and no file of it is still staged. Whoever
//! brings this about, by moving its watermark or by publishing the last file, writes the manifest, under the lock and
//! so once. When every worker is through, the last to publish leaves the folder.
//!
//! A run that goes on from a snapshot is told beforehand of every file that is staged and to be published again, and of
//! the partitions that are open: so none is declared final before it would have been without the break.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use millstream_engine::{EventTime, StageAt};

use crate::sink_error::SinkError;

use super::folder::{Folder, exists};
use super::manifest::{MANIFEST, Manifest};
use super::staged_file::StagedFile;

/// Shared by the parts of a sink.
#[derive(Debug)]
pub(crate) struct Progress {
    pub(crate) folder: Folder,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// By worker: its watermark when it last staged.
    watermarks: Vec<EventTime>,
    /// By worker: whether it has staged for the last time.
    through: Vec<bool>,
    /// By folder: partitions that this run, or one it goes on from, touched and no manifest tells of yet.
    open: BTreeMap<String, Open>,
}

/// A partition that is not final.
#[derive(Debug)]
struct Open {
    end: EventTime,
    unpublished: BTreeSet<String>,
}

impl Progress {
    pub(crate) fn new(folder: Folder, workers: usize) -> Self {
        let state = State {
            watermarks: vec![EventTime::MIN; workers],
            through: vec![false; workers],
            open: BTreeMap::new(),
        };
        Progress {
            folder,
            state: Mutex::new(state),
        }
    }

    /// An earlier run has staged `files`, and they are published again before anything else.
    pub(crate) fn recover(&self, files: &[StagedFile]) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for file in files {
            state.open(file).unpublished.insert(file.name.clone());
        }
    }

    /// Worker `worker` goes on from `watermark`, and an earlier run left the partitions `open`, by folder and end.
    pub(crate) fn restore<'a>(
        &self,
        worker: usize,
        watermark: EventTime,
        open: impl Iterator<Item = (&'a str, EventTime)>,
    ) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.watermarks[worker] = watermark;
        for (folder, end) in open {
            let unpublished = BTreeSet::new();
            let of_folder = || Open { end, unpublished };
            state.open.entry(folder.into()).or_insert_with(of_folder);
        }
    }

    /// The partitions that are not final, by folder, and their ends.
    pub(crate) fn open(&self) -> Vec<(String, EventTime)> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let open = state.open.iter();
        open.map(|(folder, open)| (folder.clone(), open.end))
            .collect()
    }

    /// Worker `worker` has staged `files` at `at`.
    pub(crate) fn staged(
        &self,
        worker: usize,
        at: StageAt,
        files: &[StagedFile],
    ) -> Result<(), SinkError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for file in files {
            state.open(file).unpublished.insert(file.name.clone());
        }
        state.watermarks[worker] = at.watermark.max(state.watermarks[worker]);
        state.through[worker] |= at.last;
        self.settle(&mut state)
    }

    /// `files` are published, durably.
    pub(crate) fn published(&self, files: &[StagedFile]) -> Result<(), SinkError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for file in files {
            state.open(file).unpublished.remove(&file.name);
        }
        self.settle(&mut state)
    }

    fn settle(&self, state: &mut State) -> Result<(), SinkError> {
        for folder in state.take_final() {
            if !exists(&self.folder.root().join(&folder))? {
                // Someone took the folder away between two runs: there is nothing to declare final.
                continue;
            }
            let watermark = state.watermark();
            let manifest = Manifest::gather(&self.folder.root().join(&folder), watermark)?;
            self.folder
                .replace(&folder, MANIFEST, &manifest.to_json())?;
        }
        // Again, if something is published again after that.
        if state.is_through() {
            self.folder.close();
        }
        Ok(())
    }
}

impl State {
    fn open(&mut self, file: &StagedFile) -> &mut Open {
        let open = || Open {
            end: file.end,
            unpublished: BTreeSet::new(),
        };
        self.open.entry(file.folder.clone()).or_insert_with(open)
    }

    /// What every worker's watermark has reached.
    fn watermark(&self) -> EventTime {
        self.watermarks
            .iter()
            .copied()
            .min()
            .unwrap_or(EventTime::MIN)
    }

    /// The folders that have become final; they are open no more.
    fn take_final(&mut self) -> Vec<String> {
        let watermark = self.watermark();
        let is_final = |open: &Open| open.end <= watermark && open.unpublished.is_empty();
        self.open
            .extract_if(.., |_, open| is_final(open))
            .map(|(folder, _)| folder)
            .collect()
    }

    fn is_through(&self) -> bool {
        self.through.iter().all(|through| *through)
            && self.open.values().all(|open| open.unpublished.is_empty())
    }
}

//! The output: rows are counted, and written to a file if one is asked for.
//!
//! Rows that nobody wants are counted and dropped as they are: what is measured is the query, not how a row becomes text.

use std::hint::black_box;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use millstream::engine::{Columns, Data, Key};
use millstream::prelude::*;
use serde::Serialize;

use super::ndjson_file::NdjsonFile;

/// Where the rows of a query go.
#[derive(Clone, Default)]
pub(crate) struct Output {
    /// The file of all rows, if they are wanted.
    file: Option<NdjsonFile>,
    /// The folder of a query that writes files of its own.
    pub(crate) files: PathBuf,
    n_rows: Arc<AtomicU64>,
}

impl Output {
    /// Rows go to `file`, or nowhere; a query that writes files of its own writes them below `files`.
    pub(crate) fn new(file: Option<NdjsonFile>, files: PathBuf) -> Self {
        Output {
            file,
            files,
            n_rows: Arc::default(),
        }
    }

    /// Takes the rows of a query.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(crate) fn take<R: Data>(&self, rows: &Stream<'_, R>) -> Result<()> {
        let mut count = Count::into(&self.n_rows);
        let rows = rows.inspect(move |row| {
            black_box(row);
            count.one();
        });
        match &self.file {
            None => Ok(()),
            Some(file) => rows
                .columns("row", |row| json(row))
                .sink("output", file.clone()),
        }
    }

    /// Takes a table: its final content if a file is asked for, else every change of it.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(crate) fn take_table<K, V, R>(
        &self,
        table: &Table<'_, K, V>,
        row: impl Fn((K, V)) -> R + 'static,
    ) -> Result<()>
    where
        K: Key,
        V: Columns + Data,
        R: Data,
    {
        match &self.file {
            None => self.take(&table.changes()),
            Some(_) => self.take(&table.closed().map(row)),
        }
    }

    /// How many rows have come out; to be asked when the run has ended.
    pub(crate) fn n_rows(&self) -> u64 {
        self.n_rows.load(Relaxed)
    }
}

fn json(row: &impl Serialize) -> String {
    serde_json::to_string(row).expect("a row is names, numbers and texts")
}

/// The rows of one worker, which are added to all others when it ends: no two workers write to one place for each row.
struct Count {
    n: u64,
    all: Arc<AtomicU64>,
}

impl Count {
    fn into(all: &Arc<AtomicU64>) -> Self {
        let all = Arc::clone(all);
        Count { n: 0, all }
    }

    fn one(&mut self) {
        self.n += 1;
    }
}

impl Drop for Count {
    fn drop(&mut self) {
        self.all.fetch_add(self.n, Relaxed);
    }
}

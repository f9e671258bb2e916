//! `_manifest.json`: a partition is final, and this is what it holds.
//!
//! ```json
//! {
//!   "final": true,
//!   "rows": 2880,
//!   "files": [{ "name": "part-r7-7.1200-0-4.parquet", "rows": 2880 }],
//!   "watermark": "2026-11-24T00:00:05Z",
//!   "late_corrections": 0
//! }
//! ```
//!
//! It is gathered from the folder, not from memory: whatever Parquet files are there are listed, those of earlier runs
//! too, with the rows their own footers tell. Files that came after an earlier manifest are late corrections, and
//! their rows add to its count; so a process that died between publishing and writing this loses nothing by it. In the
//! rare case that a run goes on from an older commit, files that a manifest lists may go; see [`Manifest::without`].

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::Path;

use millstream_engine::EventTime;
use parquet::file::metadata::ParquetMetaDataReader;
use serde::{Deserialize, Serialize};

use crate::sink_error::SinkError;

/// The name in a partition's folder; readers of a folder skip what begins with `_`.
pub(crate) const MANIFEST: &str = "_manifest.json";

/// What a partition holds now that it is final.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    r#final: bool,
    rows: u64,
    files: Vec<Entry>,
    /// How far event time had come; null when the input had ended.
    watermark: Option<EventTime>,
    /// Rows that were added after the partition had first been declared final.
    late_corrections: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    name: String,
    rows: u64,
}

/// A manifest, when files that it may list are taken back.
#[derive(Debug)]
pub(crate) enum Without {
    /// It lists none of them, or there is none.
    Same,
    /// They were late corrections.
    Fewer(Manifest),
    /// Without them, the partition was not final.
    NotFinal,
}

impl Manifest {
    /// Looks through `folder`, the folder of a partition that was left at `watermark`.
    pub(crate) fn gather(folder: &Path, watermark: EventTime) -> Result<Self, SinkError> {
        let files = list(folder)?;
        let earlier = read(folder)?;
        let late_corrections = earlier.map_or(0, |earlier| {
            let known: HashSet<&str> = earlier.files.iter().map(|file| &*file.name).collect();
            let added = files.iter().filter(|file| !known.contains(&*file.name));
            earlier.late_corrections + added.map(|file| file.rows).sum::<u64>()
        });
        Ok(Manifest {
            r#final: true,
            rows: files.iter().map(|file| file.rows).sum(),
            files,
            watermark: watermark.finite(),
            late_corrections,
        })
    }

    /// What is to become of the manifest in `folder`, if there is one, when the files `removed` are taken back.
    ///
    /// It tells how many of its rows were late corrections, not which. But these come last: if no more rows go than that,
    /// they are such; and if the partition was declared final after the commit, rows go that are none.
    pub(crate) fn without(folder: &Path, removed: &[String]) -> Result<Without, SinkError> {
        let Some(mut manifest) = read(folder)? else {
            return Ok(Without::Same);
        };
        let n_listed = manifest.files.len();
        manifest.files.retain(|file| !removed.contains(&file.name));
        let rows = manifest.files.iter().map(|file| file.rows).sum();
        let rows_removed = manifest.rows.saturating_sub(rows);
        if manifest.files.len() == n_listed {
            return Ok(Without::Same);
        }
        if rows_removed > manifest.late_corrections {
            return Ok(Without::NotFinal);
        }
        manifest.rows = rows;
        manifest.late_corrections -= rows_removed;
        Ok(Without::Fewer(manifest))
    }

    pub(crate) fn to_json(&self) -> Vec<u8> {
        let mut json = serde_json::to_vec_pretty(self).expect("names and numbers are JSON");
        json.push(b'\n');
        json
    }
}

/// The manifest that is there already, if it can be read.
fn read(folder: &Path) -> Result<Option<Manifest>, SinkError> {
    let path = folder.join(MANIFEST);
    let json = match fs::read(&path) {
        Ok(json) => json,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(SinkError::io("read", &path)(error)),
    };
    let parsed = serde_json::from_slice(&json);
    if let Err(error) = &parsed {
        tracing::warn!(path = %path.display(), %error, "replacing a manifest that cannot be read");
    }
    Ok(parsed.ok())
}

/// All Parquet files in `folder` by name.
fn list(folder: &Path) -> Result<Vec<Entry>, SinkError> {
    let mut files = Vec::new();
    for found in fs::read_dir(folder).map_err(SinkError::io("list", folder))? {
        let path = found.map_err(SinkError::io("list", folder))?.path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        if !name.ends_with(".parquet") || name.starts_with(['.', '_']) {
            continue;
        }
        match rows(&path)? {
            Ok(rows) => files.push(Entry {
                name: name.into(),
                rows,
            }),
            // Not ours: ours are whole. It must not stop a run that has nothing to do with it.
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "not listing a broken file")
            }
        }
    }
    files.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    Ok(files)
}

/// The rows that a file's footer tells.
fn rows(path: &Path) -> Result<Result<u64, parquet::errors::ParquetError>, SinkError> {
    let file = File::open(path).map_err(SinkError::io("open", path))?;
    let footer = ParquetMetaDataReader::new().parse_and_finish(&file);
    Ok(footer.map(|footer| u64::try_from(footer.file_metadata().num_rows()).unwrap_or(0)))
}

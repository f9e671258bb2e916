//! What a folder holds after its pipeline was killed, and what a snapshot has of rows that wait.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use millstream_engine::{EventTime, SinkPart, SinkRow, StageAt, Value, hours, minutes, seconds};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value as Json, json};

use super::*;
use crate::keep::Keep;
use crate::testing::{Buckets, Killed, Random, TestedPart, numbered, sink_context};

mod killed;
mod recovery;
mod snapshots;

impl TestedPart for Part {
    fn hand_over_to(&mut self, to: &mut Buckets) {
        self.hand_over(to);
    }
}

/// Noon of the 23rd of November.
fn noon() -> EventTime {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

/// Every file below `folder`, hidden ones too, by its path from there.
fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            found.extend(files(&path).iter().map(|below| format!("{name}/{below}")));
        } else {
            found.push(name);
        }
    }
    found.sort();
    found
}

fn visible(root: &Path) -> Vec<PathBuf> {
    let files = files(root).into_iter();
    let visible = files.filter(|path| path.ends_with(".parquet"));
    visible.map(|path| root.join(path)).collect()
}

/// The numbers in a file.
fn numbers(path: &Path) -> Vec<i64> {
    let file = File::open(path).unwrap();
    let batches = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let batches = batches.build().unwrap().map(Result::unwrap);
    let values = batches.map(|batch| batch["n"].as_primitive::<Int64Type>().values().to_vec());
    values.flatten().collect()
}

fn manifest(folder: &Path) -> Option<Json> {
    let json = fs::read(folder.join("_manifest.json")).ok()?;
    Some(serde_json::from_slice(&json).unwrap())
}

/// A sink that stages nothing of itself.
fn sink(root: &Path) -> ParquetFiles {
    ParquetFiles::new(root).roll_after(std::time::Duration::MAX)
}

/// Row `n` at `time`.
fn row(time: EventTime, n: i64) -> SinkRow {
    SinkRow {
        time,
        values: vec![Value::Int(n)],
    }
}

fn at(epoch: &str, watermark: EventTime) -> StageAt {
    StageAt {
        epoch: epoch.parse().unwrap(),
        watermark,
        now: noon(),
        last: false,
    }
}

fn last(epoch: &str, watermark: EventTime) -> StageAt {
    StageAt {
        last: true,
        ..at(epoch, watermark)
    }
}

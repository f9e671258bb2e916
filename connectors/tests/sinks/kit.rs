//! A run of a sink without an engine: its workers, their epochs, and a look at the folder from outside.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use millstream_connectors::ParquetFiles;
use millstream_engine::{
    BoxError, Column, ColumnType, Epoch, EventTime, Published, Registry, Sink, SinkContext,
    SinkPart, SinkRow, StageAt, Staged, StatePlace, Value,
};
use serde_json::Value as Json;

/// The parts of one sink on all workers of one run.
pub(crate) struct Run {
    pub(crate) parts: Vec<Box<dyn SinkPart>>,
    epoch: Epoch,
    /// The wall clock.
    pub(crate) now: EventTime,
}

/// Columns as a windowed count by url has them.
pub(crate) fn columns() -> Arc<[Column]> {
    Arc::new([
        Column::new("window_start", ColumnType::Timestamp),
        Column::new("window_end", ColumnType::Timestamp),
        Column::new("url", ColumnType::Text),
        Column::new("views", ColumnType::Int64),
        Column::new("p95_duration_ms", ColumnType::Float64).nullable(),
    ])
}

/// A row of these columns for the minute that begins at `start`.
pub(crate) fn row(start: &str, url: &str, views: i64) -> SinkRow {
    let time: EventTime = start.parse().unwrap();
    let end = EventTime::from_micros(time.micros() + 60_000_000);
    let p95 = if views == 0 {
        Value::Null
    } else {
        Value::Float(views as f64 / 2.0)
    };
    let values = vec![
        Value::Time(time),
        Value::Time(end),
        Value::Text(url.into()),
        Value::Int(views),
        p95,
    ];
    SinkRow { time, values }
}

pub(crate) fn time(text: &str) -> EventTime {
    text.parse().unwrap()
}

pub(crate) fn context(run: &str, worker: usize, workers: usize) -> SinkContext {
    SinkContext {
        name: "history".into(),
        worker,
        workers,
        run: run.into(),
        place: StatePlace::none(),
        columns: columns(),
        registry: Arc::new(Registry::default()),
    }
}

impl Run {
    /// Checks the sink and opens it on every worker.
    pub(crate) fn start(sink: &dyn Sink, name: &str, workers: usize) -> Result<Self, BoxError> {
        let first = context(name, 0, workers);
        sink.check(&first)?;
        let open = |worker| {
            sink.open(&SinkContext {
                worker,
                ..first.clone()
            })
        };
        let parts = (0..workers).map(open).collect::<Result<_, _>>()?;
        Ok(Run {
            parts,
            epoch: Epoch::first_of_run(1),
            now: time("2026-11-25T12:00:00Z"),
        })
    }

    /// Writes one epoch of rows on one worker.
    pub(crate) fn write(&mut self, worker: usize, rows: impl IntoIterator<Item = SinkRow>) {
        self.epoch = self.epoch.next();
        let mut rows = rows.into_iter().collect();
        self.parts[worker].write(self.epoch, &mut rows).unwrap();
        assert!(rows.is_empty(), "write leaves nothing behind");
    }

    pub(crate) fn stage(&mut self, worker: usize, watermark: &str) -> Vec<Staged> {
        self.try_stage(worker, time(watermark), false).unwrap()
    }

    pub(crate) fn stage_last(&mut self, worker: usize, watermark: EventTime) -> Vec<Staged> {
        self.try_stage(worker, watermark, true).unwrap()
    }

    pub(crate) fn try_stage(
        &mut self,
        worker: usize,
        watermark: EventTime,
        last: bool,
    ) -> Result<Vec<Staged>, BoxError> {
        let at = StageAt {
            epoch: self.epoch,
            watermark,
            now: self.now,
            last,
        };
        self.parts[worker].stage(at)
    }

    pub(crate) fn publish(&mut self, worker: usize, staged: &[Staged]) -> Vec<Published> {
        self.parts[worker].publish(staged).unwrap()
    }

    /// Stages and publishes; gives how many rows each published thing has.
    pub(crate) fn commit(&mut self, worker: usize, watermark: &str) -> Vec<u64> {
        let staged = self.stage(worker, watermark);
        self.publish(worker, &staged)
            .iter()
            .map(|published| published.rows)
            .collect()
    }

    /// The last commit of a worker.
    pub(crate) fn finish(&mut self, worker: usize, watermark: EventTime) -> Vec<u64> {
        let staged = self.stage_last(worker, watermark);
        self.publish(worker, &staged)
            .iter()
            .map(|published| published.rows)
            .collect()
    }
}

pub(crate) fn start_parquet(root: &Path, run: &str, workers: usize) -> Run {
    Run::start(&ParquetFiles::new(root), run, workers).unwrap()
}

/// Every file below `root`, hidden ones too, by its path from there.
pub(crate) fn all_files(root: &Path) -> Vec<String> {
    fn walk(folder: &Path, found: &mut Vec<String>, root: &Path) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found, root);
            } else {
                let below = path.strip_prefix(root).unwrap();
                found.push(below.to_str().unwrap().replace('\\', "/"));
            }
        }
    }
    let mut found = Vec::new();
    walk(root, &mut found, root);
    found.sort();
    found
}

/// What a reader with the glob `root/**/*.parquet` finds, even one that looks into hidden folders.
pub(crate) fn visible_files(root: &Path) -> Vec<String> {
    all_files(root)
        .into_iter()
        .filter(|path| path.ends_with(".parquet"))
        .collect()
}

/// The manifest of a partition, if it has one.
pub(crate) fn manifest(root: &Path, partition: &str) -> Option<Json> {
    let json = fs::read(root.join(partition).join("_manifest.json")).ok()?;
    Some(serde_json::from_slice(&json).unwrap())
}

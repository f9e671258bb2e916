//! Fills a folder with Parquet files as a windowed count by url would, on two workers.
//!
//! `cargo run -p millstream-connectors --example partitioned_files -- FOLDER`, and then read it with
//! `python3 tests/read_parquet.py FOLDER`. A sink is driven here as the engine drives it: every worker writes an epoch,
//! stages what is due, and publishes it.

use std::sync::Arc;

use millstream_connectors::ParquetFiles;
use millstream_engine::{
    BoxError, Column, ColumnType, Epoch, EventTime, Registry, Sink, SinkContext, SinkRow, StageAt,
    Value, minutes,
};

const WORKERS: usize = 2;

fn main() -> Result<(), BoxError> {
    let folder = std::env::args()
        .nth(1)
        .ok_or("give the folder to fill as the argument")?;
    let sink = ParquetFiles::new(folder).partition_by_hour();
    let cx = context();
    sink.check(&cx)?;
    let mut parts = Vec::new();
    for worker in 0..WORKERS {
        parts.push(sink.open(&SinkContext {
            worker,
            ..cx.clone()
        })?);
    }

    let begin: EventTime = "2026-11-23T22:30:00Z".parse()?;
    let mut epoch = Epoch::first_of_run(1);
    for minute in 0..180 {
        let start = begin.plus(minutes(minute));
        let watermark = start.plus(minutes(1));
        for (worker, part) in parts.iter_mut().enumerate() {
            let mut rows = (0..20)
                .filter(|page| page % WORKERS == worker)
                .map(|page| row(start, page))
                .collect();
            part.write(epoch, &mut rows)?;
            let staged = part.stage(StageAt {
                epoch,
                watermark,
                now: begin,
                last: minute == 179,
            })?;
            part.publish(&staged)?;
        }
        epoch = epoch.next();
    }
    Ok(())
}

fn context() -> SinkContext {
    let columns = [
        Column::new("window_start", ColumnType::Timestamp),
        Column::new("window_end", ColumnType::Timestamp),
        Column::new("url", ColumnType::Text),
        Column::new("views", ColumnType::Int64),
        Column::new("p95_duration_ms", ColumnType::Float64).nullable(),
        Column::new("revenue", ColumnType::Decimal),
    ];
    SinkContext {
        name: "history".into(),
        worker: 0,
        workers: WORKERS,
        run: "r1".into(),
        place: millstream_engine::StatePlace::none(),
        columns: columns.into(),
        registry: Arc::new(Registry::default()),
    }
}

/// The count of one page in the minute that begins at `start`.
fn row(start: EventTime, page: usize) -> SinkRow {
    let views = i64::try_from(page).expect("pages are few");
    let p95 = if page == 0 {
        Value::Null
    } else {
        Value::Float(12.5 * views as f64)
    };
    let values = vec![
        Value::Time(start),
        Value::Time(start.plus(minutes(1))),
        Value::Text(format!("/page/{page}")),
        Value::Int(views),
        p95,
        Value::Decimal(views.into()),
    ];
    SinkRow {
        time: start,
        values,
    }
}

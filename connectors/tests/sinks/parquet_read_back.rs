//! What a reader of Parquet finds in a file: columns, types, values, order, compression, statistics.

use std::fs::File;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;
use millstream_connectors::{ParquetFiles, arrow_schema, write_parquet};
use millstream_engine::{
    Column, ColumnType, EventTime, Sink, SinkContext, SinkRow, StageAt, Value,
};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::Compression;
use parquet::file::metadata::ParquetMetaData;

use crate::kit::{columns, context, row, start_parquet};

/// The batches of `file` as one, and what its footer says.
fn read(file: File) -> (RecordBatch, Arc<ParquetMetaData>) {
    let builder = ParquetRecordBatchReaderBuilder::try_new(file)
        .unwrap()
        .with_batch_size(1 << 20);
    let metadata = Arc::clone(builder.metadata());
    let mut batches = builder.build().unwrap();
    let batch = batches.next().unwrap().unwrap();
    assert!(batches.next().is_none());
    (batch, metadata)
}

#[test]
fn rows_sorted_by_window_then_key_with_the_types_of_the_columns() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = start_parquet(folder.path(), "r1", 1);
    let (early, late) = ("2026-11-23T10:00:00Z", "2026-11-23T10:01:00Z");
    run.write(0, [row(late, "/a", 4), row(early, "/b", 2)]);
    run.write(
        0,
        [row(late, "/b", 0), row(early, "/a", 1), row(early, "/c", 3)],
    );
    let staged = run.stage_last(0, EventTime::MAX);
    let published = run.publish(0, &staged);
    let (batch, metadata) = read(File::open(&published[0].name).unwrap());

    assert_eq!(batch.schema().fields(), arrow_schema(&columns()).fields());
    let urls: Vec<_> = batch["url"].as_string::<i32>().iter().flatten().collect();
    assert_eq!(urls, ["/a", "/b", "/c", "/a", "/b"]);
    assert_eq!(
        batch["views"].as_primitive::<Int64Type>().values(),
        &[1, 2, 3, 4, 0]
    );
    let starts = batch["window_start"].as_primitive::<TimestampMicrosecondType>();
    assert_eq!(
        starts.value(0),
        early.parse::<EventTime>().unwrap().micros()
    );
    assert!(batch["p95_duration_ms"].is_null(4));

    assert!(
        metadata
            .file_metadata()
            .created_by()
            .unwrap()
            .starts_with("millstream version ")
    );
    let column = metadata.row_group(0).column(3);
    assert!(matches!(column.compression(), Compression::ZSTD(_)));
    assert_eq!(
        column.statistics().unwrap().max_bytes_opt(),
        Some(&4_i64.to_le_bytes()[..])
    );
    let parquet_types = metadata.file_metadata().schema_descr();
    let logical = format!("{:?}", parquet_types.column(0).logical_type_ref().unwrap());
    assert!(
        logical.contains("adjusted_to_u_t_c: true") && logical.contains("MICROS"),
        "{logical}"
    );
}

#[test]
fn every_type_of_column() {
    let columns = [
        Column::new("bool", ColumnType::Bool),
        Column::new("decimal", ColumnType::Decimal).nullable(),
        Column::new("time", ColumnType::Timestamp).nullable(),
    ];
    let rows = [
        [
            Value::Bool(true),
            Value::Decimal("-1.5".parse().unwrap()),
            Value::Time(EventTime::MAX),
        ],
        [Value::Bool(false), Value::Null, Value::Null],
    ];
    let file = tempfile::tempfile().unwrap();
    assert_eq!(write_parquet(&columns, &rows, &file).unwrap(), 2);
    let (batch, _) = read(file);
    assert!(batch["bool"].as_boolean().value(0) && !batch["bool"].as_boolean().value(1));
    assert_eq!(batch["decimal"].data_type(), &DataType::Decimal128(38, 18));
    assert_eq!(
        batch["decimal"]
            .as_primitive::<Decimal128Type>()
            .value_as_string(0),
        "-1.500000000000000000"
    );
    assert_eq!(
        batch["time"]
            .as_primitive::<TimestampMicrosecondType>()
            .value(0),
        i64::MAX
    );
    assert_eq!(
        (batch["decimal"].null_count(), batch["time"].null_count()),
        (1, 1)
    );
}

#[test]
fn many_batches_and_none() {
    let columns = [Column::new("n", ColumnType::Int64)];
    let file = tempfile::tempfile().unwrap();
    assert_eq!(
        write_parquet(&columns, (0..20_000).map(|n| [Value::Int(n)]), &file).unwrap(),
        20_000
    );
    let (batch, _) = read(file);
    assert!(
        batch["n"]
            .as_primitive::<Int64Type>()
            .values()
            .iter()
            .copied()
            .eq(0..20_000)
    );

    let mut empty = tempfile::tempfile().unwrap();
    let none: [[Value; 1]; 0] = [];
    assert_eq!(write_parquet(&columns, none, &mut empty).unwrap(), 0);
    let builder = ParquetRecordBatchReaderBuilder::try_new(empty).unwrap();
    assert_eq!(builder.schema().fields(), arrow_schema(&columns).fields());
}

#[test]
fn a_decimal_that_does_not_fit_names_file_and_column() {
    let folder = tempfile::tempdir().unwrap();
    let columns = [Column::new("price", ColumnType::Decimal)].into();
    let cx = SinkContext {
        columns,
        ..context("r1", 0, 1)
    };
    let mut part = ParquetFiles::new(folder.path()).open(&cx).unwrap();
    let values = vec![Value::Decimal("100000000000000000000".parse().unwrap())];
    let epoch = millstream_engine::Epoch::first_of_run(1);
    part.write(
        epoch,
        &mut vec![SinkRow {
            time: EventTime::MIN,
            values,
        }],
    )
    .unwrap();
    let at = StageAt {
        epoch,
        watermark: EventTime::MAX,
        now: EventTime::MIN,
        last: true,
    };
    let error = part.stage(at).unwrap_err().to_string();
    assert!(
        error.contains("part-r1-1.0-0-0.parquet") && error.contains("\"price\""),
        "{error}"
    );
}

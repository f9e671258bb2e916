//! Rows as one Parquet file: the encoding that the sink, the export and the HTTP answer share.
//!
//! zstd at its fastest level (a few percent larger than at level 3, in half the time), statistics for every page,
//! types as in `schema`. Rows are encoded a batch at a time, so memory grows with the encoded row group only.

use std::io::Write;

use millstream_engine::{Column, Value};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};

use crate::schema::{arrow_schema, record_batch};
use crate::sink_error::SinkError;

/// Rows that are turned into Arrow arrays at a time.
const BATCH_ROWS: usize = 8192;

/// The form in which readers of Parquet expect a writer's name and version.
const CREATED_BY: &str = concat!("millstream version ", env!("CARGO_PKG_VERSION"));

/// Writes `rows` to `out` as one whole Parquet file; gives how many there were.
///
/// Rows stay in the order they come in. A file without rows is a valid one with columns.
///
/// # Errors
/// [`SinkError::Parquet`] when `out` refuses the bytes, [`SinkError::DecimalTooLarge`] for a decimal that its column
/// cannot hold. What was written until then is not a file.
///
/// # Panics
/// If a row does not fit the columns.
///
/// # Examples
/// ```
/// use millstream_connectors::write_parquet;
/// use millstream_engine::{Column, ColumnType, Value};
///
/// let mut file = Vec::new();
/// let rows = [[Value::Int(1)], [Value::Int(2)]];
/// assert_eq!(write_parquet(&[Column::new("n", ColumnType::Int64)], rows, &mut file)?, 2);
/// assert!(file.starts_with(b"PAR1") && file.ends_with(b"PAR1"));
/// # Ok::<(), millstream_connectors::SinkError>(())
/// ```
pub fn write_parquet<R: AsRef<[Value]>>(
    columns: &[Column],
    rows: impl IntoIterator<Item = R>,
    out: impl Write + Send,
) -> Result<u64, SinkError> {
    let properties = WriterProperties::builder()
        .set_created_by(CREATED_BY.into())
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_statistics_enabled(EnabledStatistics::Page)
        .build();
    let mut writer =
        ArrowWriter::try_new(out, arrow_schema(columns), Some(properties)).map_err(parquet)?;
    let mut rows = rows.into_iter();
    let mut n_rows = 0;
    loop {
        let batch: Vec<R> = rows.by_ref().take(BATCH_ROWS).collect();
        if batch.is_empty() {
            break;
        }
        writer
            .write(&record_batch(columns, &batch)?)
            .map_err(parquet)?;
        n_rows += batch.len() as u64;
    }
    writer.close().map_err(parquet)?;
    Ok(n_rows)
}

fn parquet(source: ParquetError) -> SinkError {
    SinkError::Parquet { source }
}

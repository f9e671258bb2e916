//! Rows as bytes: which of the connectors' encoders writes which format, and rows as one JSON array.
//!
//! HTTP answers, server-sent events, exported files and sinks write values alike, because one place does.

use millstream_connectors::RowJson;
use millstream_engine::{BoxError, Column, Value};
use serde::ser::{Serialize, SerializeSeq, Serializer};

pub(crate) use millstream_connectors::ValueJson;

/// Rows as a JSON array of objects.
pub(crate) struct RowsJson<'a> {
    pub(crate) columns: &'a [Column],
    pub(crate) rows: &'a [&'a [Value]],
}

impl Serialize for RowsJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut rows = serializer.serialize_seq(Some(self.rows.len()))?;
        for values in self.rows {
            rows.serialize_element(&RowJson {
                columns: self.columns,
                values,
            })?;
        }
        rows.end()
    }
}

/// Appends `rows` as one JSON array of objects, with a line break at its end.
pub(crate) fn write_json(
    columns: &[Column],
    rows: &[&[Value]],
    out: &mut Vec<u8>,
) -> Result<(), BoxError> {
    serde_json::to_writer(&mut *out, &RowsJson { columns, rows })?;
    out.push(b'\n');
    Ok(())
}

/// Appends `rows` as one JSON object a line.
pub(crate) fn write_ndjson(
    columns: &[Column],
    rows: &[&[Value]],
    out: &mut Vec<u8>,
) -> Result<(), BoxError> {
    millstream_connectors::write_ndjson(columns, rows, out)?;
    Ok(())
}

/// Appends `rows` as CSV with a header.
pub(crate) fn write_csv(
    columns: &[Column],
    rows: &[&[Value]],
    out: &mut Vec<u8>,
) -> Result<(), BoxError> {
    millstream_connectors::write_csv(columns, rows, out)?;
    Ok(())
}

/// Appends `rows` as one Parquet file.
pub(crate) fn write_parquet(
    columns: &[Column],
    rows: &[&[Value]],
    out: &mut Vec<u8>,
) -> Result<(), BoxError> {
    millstream_connectors::write_parquet(columns, rows, out)?;
    Ok(())
}

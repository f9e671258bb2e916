//! Sources, sinks and formats for Millstream: bytes in, bytes out.

mod console;
mod held;
mod memory;
mod parquet;
mod row_csv;
mod row_json;
mod schema;
mod sink_error;

pub use crate::parquet::{ParquetFiles, write_parquet};
pub use console::Console;
pub use memory::Memory;
pub use row_csv::write_csv;
pub use row_json::{RowJson, ValueJson, write_ndjson};
pub use schema::{arrow_schema, record_batch};
pub use sink_error::SinkError;

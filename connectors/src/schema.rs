//! From the engine's columns to Arrow's: one schema and one batch of rows.
//!
//! | column | Arrow | Parquet |
//! |---|---|---|
//! | `Bool` | `Boolean` | `BOOLEAN` |
//! | `Int64` | `Int64` | `INT64` |
//! | `Float64` | `Float64` | `DOUBLE` |
//! | `Text` | `Utf8` | `STRING` |
//! | `Timestamp` | `Timestamp(Microsecond, "UTC")` | `TIMESTAMP(MICROS, UTC)` |
//! | `Decimal` | `Decimal128(38, 18)` | `DECIMAL(38, 18)` |
//!
//! An Arrow column has one scale, a decimal value brings its own (up to 28 digits after the point). 38 digits with 18
//! of them after the point is what Spark gives a decimal of unknown scale: it holds money and the smallest unit of
//! common currencies exactly, and 20 digits before the point. Digits beyond the 18th, which only a division makes, are
//! rounded half to even; a value with more than 20 digits before the point is an error, never a wrong number.
//!
//! *Invariants*: a value is of its column's type, or null in a column that may be null; a row has one value a column.

use std::sync::Arc;

use arrow_array::builder::{
    BooleanBuilder, Decimal128Builder, Float64Builder, Int64Builder, StringBuilder,
    TimestampMicrosecondBuilder,
};
use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use millstream_engine::{Column, ColumnType, Value};
use rust_decimal::Decimal;

use crate::sink_error::SinkError;

/// Digits of a decimal column.
const PRECISION: u8 = 38;
/// How many of them stand after the point.
const SCALE: u32 = 18;

/// The Arrow schema of `columns`, in their order and with their nullability.
///
/// # Examples
/// ```
/// use millstream_connectors::arrow_schema;
/// use millstream_engine::{Column, ColumnType};
///
/// let schema = arrow_schema(&[Column::new("views", ColumnType::Int64).nullable()]);
/// assert_eq!(schema.field(0).data_type().to_string(), "Int64");
/// assert!(schema.field(0).is_nullable());
/// ```
#[must_use]
pub fn arrow_schema(columns: &[Column]) -> SchemaRef {
    let field = |column: &Column| Field::new(&column.name, data_type(column.kind), column.nullable);
    Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()))
}

fn data_type(kind: ColumnType) -> DataType {
    match kind {
        ColumnType::Bool => DataType::Boolean,
        ColumnType::Int64 => DataType::Int64,
        ColumnType::Float64 => DataType::Float64,
        ColumnType::Text => DataType::Utf8,
        ColumnType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        ColumnType::Decimal => {
            DataType::Decimal128(PRECISION, i8::try_from(SCALE).expect("a scale is small"))
        }
    }
}

/// The rows as one Arrow batch with the schema that [`arrow_schema()`] gives for `columns`.
///
/// # Errors
/// [`SinkError::DecimalTooLarge`] for a decimal with more than 20 digits before the point.
///
/// # Panics
/// If a row does not fit the columns: another number of values, another type, or null where null may not be.
///
/// # Examples
/// ```
/// use millstream_connectors::record_batch;
/// use millstream_engine::{Column, ColumnType, Value};
///
/// let columns = [Column::new("url", ColumnType::Text), Column::new("views", ColumnType::Int64)];
/// let rows = [[Value::Text("/a".into()), Value::Int(2)], [Value::Text("/b".into()), Value::Int(1)]];
/// let batch = record_batch(&columns, &rows)?;
/// assert_eq!((batch.num_rows(), batch.num_columns()), (2, 2));
/// # Ok::<(), millstream_connectors::SinkError>(())
/// ```
pub fn record_batch<R: AsRef<[Value]>>(
    columns: &[Column],
    rows: &[R],
) -> Result<RecordBatch, SinkError> {
    for row in rows {
        let n_values = row.as_ref().len();
        assert_eq!(
            n_values,
            columns.len(),
            "a row has one value for each column"
        );
    }
    let arrays: Vec<ArrayRef> = columns
        .iter()
        .enumerate()
        .map(|(at, column)| array(column, rows.iter().map(|row| &row.as_ref()[at])))
        .collect::<Result<_, _>>()?;
    // The count is given because a batch without columns has no other way to know it.
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    Ok(
        RecordBatch::try_new_with_options(arrow_schema(columns), arrays, &options)
            .expect("arrays were made for this schema"),
    )
}

/// Builds one array: `$take` is the pattern of the column's type, `$give` what Arrow keeps of it.
macro_rules! build {
    ($builder:expr, $column:ident, $values:ident, $take:pat => $give:expr) => {{
        let mut builder = $builder;
        for value in $values {
            match value {
                $take => builder.append_value($give),
                Value::Null if $column.nullable => builder.append_null(),
                other => broken($column, other),
            }
        }
        Arc::new(builder.finish()) as ArrayRef
    }};
}

fn array<'r>(
    column: &Column,
    values: impl Iterator<Item = &'r Value>,
) -> Result<ArrayRef, SinkError> {
    Ok(match column.kind {
        ColumnType::Bool => {
            build!(BooleanBuilder::new(), column, values, Value::Bool(value) => *value)
        }
        ColumnType::Int64 => {
            build!(Int64Builder::new(), column, values, Value::Int(value) => *value)
        }
        ColumnType::Float64 => {
            build!(Float64Builder::new(), column, values, Value::Float(value) => *value)
        }
        ColumnType::Text => {
            build!(StringBuilder::new(), column, values, Value::Text(value) => value)
        }
        ColumnType::Timestamp => {
            let builder = TimestampMicrosecondBuilder::new().with_timezone("UTC");
            build!(builder, column, values, Value::Time(value) => value.micros())
        }
        ColumnType::Decimal => {
            let builder = Decimal128Builder::new().with_data_type(data_type(column.kind));
            build!(builder, column, values, Value::Decimal(value) => units(column, *value)?)
        }
    })
}

/// `value` in units of 10⁻¹⁸.
fn units(column: &Column, value: Decimal) -> Result<i128, SinkError> {
    let rounded = value.round_dp(SCALE);
    let missing_digits = SCALE - rounded.scale();
    rounded
        .mantissa()
        .checked_mul(10_i128.pow(missing_digits))
        .filter(|units| units.unsigned_abs() < 10_u128.pow(u32::from(PRECISION)))
        .ok_or_else(|| SinkError::DecimalTooLarge {
            column: column.name.clone(),
            value: value.to_string(),
        })
}

fn broken(column: &Column, value: &Value) -> ! {
    // Invariant: who names the columns of a row also makes its values.
    panic!(
        "column {:?} of {:?} was given {value:?}",
        column.name, column.kind
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<i128>) {
        let column = Column::new("price", ColumnType::Decimal);
        let value: Decimal = text.parse().unwrap();
        assert_eq!(units(&column, value).ok(), expected, "{text}");
    }

    #[test]
    fn decimals_keep_eighteen_digits_after_the_point() {
        check("0", Some(0));
        check("-1.5", Some(-1_500_000_000_000_000_000));
        check("0.000000000000000001", Some(1));
        check("0.0000000000000000005", Some(0));
        check("0.0000000000000000015", Some(2));
        check(
            "99999999999999999999.99999999",
            Some(10_i128.pow(38) - 10_i128.pow(10)),
        );
        check("100000000000000000000", None);
        check("-100000000000000000000", None);
        check("79228162514264337593543950335", None);
    }

    #[test]
    fn too_large_a_decimal_is_named_with_its_column() {
        let columns = [Column::new("price", ColumnType::Decimal)];
        let rows = [[Value::Decimal(Decimal::MAX)]];
        let text = record_batch(&columns, &rows).unwrap_err().to_string();
        assert!(text.contains("\"price\"") && text.contains("79228162514264337593543950335"));
    }

    #[test]
    fn nulls_go_where_they_may() {
        let columns = [Column::new("visitors", ColumnType::Int64).nullable()];
        let batch = record_batch(&columns, &[[Value::Null], [Value::Int(3)]]).unwrap();
        assert_eq!(batch.column(0).null_count(), 1);
        let no_rows: [[Value; 1]; 0] = [];
        assert_eq!(record_batch(&columns, &no_rows).unwrap().num_rows(), 0);
    }

    #[test]
    #[should_panic(expected = "column \"views\" of Int64 was given Null")]
    fn null_where_it_may_not_be_is_a_broken_invariant() {
        let _ = record_batch(&[Column::new("views", ColumnType::Int64)], &[[Value::Null]]);
    }

    #[test]
    #[should_panic(expected = "one value for each column")]
    fn a_short_row_is_a_broken_invariant() {
        let _ = record_batch(
            &[Column::new("views", ColumnType::Int64)],
            &[[Value::Null; 0]],
        );
    }
}

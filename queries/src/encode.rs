//! Rows as bytes: JSON, NDJSON, CSV and Parquet.
//!
//! Every encoder takes the same three things, columns, rows and a buffer, so that HTTP answers and exported
//! files are written by the same code. In JSON an integer beyond 2⁵³ is a string, because readers would
//! round it; a decimal is a string; NaN and the infinities are null; a time is RFC 3339 in UTC. CSV is
//! RFC 4180 with a header: null is an empty field, the empty text is `""`.

use std::io::Write;

use millstream_engine::{BoxError, Column, Value};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

/// Integers up to here, either side of zero, are exact in every JSON reader.
const EXACT_IN_JSON: u64 = 1 << 53;

/// One row as a JSON object, its members in the order of the columns.
pub(crate) struct RowJson<'a> {
    pub(crate) columns: &'a [Column],
    pub(crate) values: &'a [Value],
}

impl Serialize for RowJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut row = serializer.serialize_map(Some(self.columns.len()))?;
        for (column, value) in self.columns.iter().zip(self.values) {
            row.serialize_entry(&column.name, &ValueJson(value))?;
        }
        row.end()
    }
}

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

/// One value as JSON.
pub(crate) struct ValueJson<'a>(pub(crate) &'a Value);

impl Serialize for ValueJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(b) => serializer.serialize_bool(*b),
            Value::Int(i) if i.unsigned_abs() > EXACT_IN_JSON => serializer.collect_str(i),
            Value::Int(i) => serializer.serialize_i64(*i),
            Value::Float(f) if f.is_finite() => serializer.serialize_f64(*f),
            Value::Float(_) => serializer.serialize_unit(),
            Value::Text(text) => serializer.serialize_str(text),
            Value::Time(time) => serializer.collect_str(time),
            Value::Decimal(decimal) => serializer.collect_str(decimal),
        }
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
    for values in rows {
        serde_json::to_writer(&mut *out, &RowJson { columns, values })?;
        out.push(b'\n');
    }
    Ok(())
}

/// Appends `rows` as CSV with a header.
pub(crate) fn write_csv(
    columns: &[Column],
    rows: &[&[Value]],
    out: &mut Vec<u8>,
) -> Result<(), BoxError> {
    for (i, column) in columns.iter().enumerate() {
        separate(i, out);
        write_csv_text(&column.name, out);
    }
    out.extend(b"\r\n");
    for values in rows {
        for (i, value) in values.iter().enumerate() {
            separate(i, out);
            write_csv_value(value, out)?;
        }
        out.extend(b"\r\n");
    }
    Ok(())
}

fn separate(i: usize, out: &mut Vec<u8>) {
    if i > 0 {
        out.push(b',');
    }
}

fn write_csv_value(value: &Value, out: &mut Vec<u8>) -> Result<(), BoxError> {
    match value {
        Value::Null => {}
        Value::Bool(b) => write!(out, "{b}")?,
        Value::Int(i) => write!(out, "{i}")?,
        Value::Float(f) => write!(out, "{f}")?,
        Value::Text(text) => write_csv_text(text, out),
        Value::Time(time) => write!(out, "{time}")?,
        Value::Decimal(decimal) => write!(out, "{decimal}")?,
    }
    Ok(())
}

fn write_csv_text(text: &str, out: &mut Vec<u8>) {
    let plain = !text.is_empty() && !text.contains(['"', ',', '\r', '\n']);
    // A leading or trailing space is kept by the standard and dropped by many readers.
    if plain && text.trim().len() == text.len() {
        out.extend(text.as_bytes());
        return;
    }
    out.push(b'"');
    out.extend(text.replace('"', "\"\"").as_bytes());
    out.push(b'"');
}

/// Appends `rows` as one Parquet file.
pub(crate) fn write_parquet(
    _columns: &[Column],
    _rows: &[&[Value]],
    _out: &mut Vec<u8>,
) -> Result<(), BoxError> {
    Err("this build cannot write Parquet".into())
}

#[cfg(test)]
mod tests {
    use millstream_engine::{ColumnType, EventTime};

    use super::*;

    fn columns() -> Vec<Column> {
        vec![
            Column::new("a,b", ColumnType::Text),
            Column::new("n", ColumnType::Int64).nullable(),
        ]
    }

    #[test]
    fn values_as_json() {
        let check = |value: Value, expected: &str| {
            assert_eq!(serde_json::to_string(&ValueJson(&value)).unwrap(), expected);
        };
        check(Value::Null, "null");
        check(Value::Int(1 << 53), "9007199254740992");
        check(Value::Int((1 << 53) + 1), "\"9007199254740993\"");
        check(Value::Int(i64::MIN), "\"-9223372036854775808\"");
        check(Value::Float(f64::NAN), "null");
        check(Value::Float(f64::NEG_INFINITY), "null");
        check(Value::Float(0.5), "0.5");
        check(
            Value::Time(EventTime::from_micros(1)),
            "\"1970-01-01T00:00:00.000001Z\"",
        );
        check(Value::Text("\"<\n".into()), "\"\\\"<\\n\"");
    }

    #[test]
    fn members_come_in_the_order_of_the_columns() {
        let (columns, row) = (columns(), [Value::Text("x".into()), Value::Int(1)]);
        let json = serde_json::to_string(&RowJson {
            columns: &columns,
            values: &row,
        })
        .unwrap();
        assert_eq!(json, r#"{"a,b":"x","n":1}"#);
    }

    #[test]
    fn csv_quotes_what_needs_it_and_tells_null_from_empty() {
        let rows = [
            [Value::Text("plain".into()), Value::Int(-1)],
            [Value::Text("say \"hi\", twice\n".into()), Value::Null],
            [Value::Text(String::new()), Value::Int(2)],
            [Value::Text(" x".into()), Value::Int(3)],
        ];
        let rows: Vec<&[Value]> = rows.iter().map(|row| &row[..]).collect();
        let mut out = Vec::new();
        write_csv(&columns(), &rows, &mut out).unwrap();
        let expected =
            "\"a,b\",n\r\nplain,-1\r\n\"say \"\"hi\"\", twice\n\",\r\n\"\",2\r\n\" x\",3\r\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}

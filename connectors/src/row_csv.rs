//! Rows as CSV, as RFC 4180 has it: a header, commas, CRLF, quotes where they are needed.
//!
//! Values look as they do in JSON (see `row_json`), without its quotes. CSV has no null of its own: null is an empty
//! field, and an empty text is a quoted empty field, so that a reader that cares can tell them apart. A program that
//! opens CSV as a sheet may take a text beginning with `=` for a formula; it is written as it is, since this is data.

use std::io::{self, Write};

use millstream_engine::{Column, Value};

use crate::row_json::rfc_3339;

/// Writes a header and then the rows; gives how many rows there were.
///
/// # Errors
/// What `out` said.
///
/// # Panics
/// If a row has another number of values than there are columns.
///
/// # Examples
/// ```
/// use millstream_connectors::write_csv;
/// use millstream_engine::{Column, ColumnType, Value};
///
/// let columns = [Column::new("url", ColumnType::Text), Column::new("views", ColumnType::Int64)];
/// let mut out = Vec::new();
/// write_csv(&columns, [[Value::Text("/a,b".into()), Value::Int(2)]], &mut out)?;
/// assert_eq!(out, b"url,views\r\n\"/a,b\",2\r\n");
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn write_csv<R: AsRef<[Value]>>(
    columns: &[Column],
    rows: impl IntoIterator<Item = R>,
    mut out: impl Write,
) -> io::Result<u64> {
    for (at, column) in columns.iter().enumerate() {
        separate(at, &mut out)?;
        text(&column.name, &mut out)?;
    }
    out.write_all(b"\r\n")?;
    let mut n_rows = 0;
    for row in rows {
        let values = row.as_ref();
        assert_eq!(
            values.len(),
            columns.len(),
            "a row has one value for each column"
        );
        for (at, value) in values.iter().enumerate() {
            separate(at, &mut out)?;
            field(value, &mut out)?;
        }
        out.write_all(b"\r\n")?;
        n_rows += 1;
    }
    Ok(n_rows)
}

fn separate(at: usize, out: &mut impl Write) -> io::Result<()> {
    if at == 0 { Ok(()) } else { out.write_all(b",") }
}

fn field(value: &Value, out: &mut impl Write) -> io::Result<()> {
    match value {
        Value::Null => Ok(()),
        Value::Bool(value) => write!(out, "{value}"),
        Value::Int(value) => write!(out, "{value}"),
        Value::Float(value) if value.is_finite() => write!(out, "{value}"),
        Value::Float(_) => Ok(()),
        Value::Text(value) => text(value, out),
        Value::Time(value) => {
            rfc_3339(*value).map_or(Ok(()), |text| out.write_all(text.as_bytes()))
        }
        Value::Decimal(value) => write!(out, "{value}"),
    }
}

fn text(text: &str, out: &mut impl Write) -> io::Result<()> {
    if !text.is_empty() && !text.contains(['"', ',', '\r', '\n']) {
        return out.write_all(text.as_bytes());
    }
    write!(out, "\"{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use millstream_engine::{ColumnType, EventTime};

    use super::*;

    fn check(value: Value, expected: &str) {
        let mut out = Vec::new();
        let columns = [Column::new("c", ColumnType::Text)];
        assert_eq!(write_csv(&columns, [[value]], &mut out).unwrap(), 1);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            format!("c\r\n{expected}\r\n")
        );
    }

    #[test]
    fn fields_are_quoted_where_they_must_be() {
        check(Value::Text("plain text".into()), "plain text");
        check(Value::Text("a,b".into()), "\"a,b\"");
        check(Value::Text("a\"b".into()), "\"a\"\"b\"");
        check(Value::Text("a\r\nb".into()), "\"a\r\nb\"");
    }

    #[test]
    fn null_and_empty_text_differ() {
        check(Value::Null, "");
        check(Value::Text(String::new()), "\"\"");
    }

    #[test]
    fn numbers_and_times_are_bare() {
        check(Value::Int(i64::MAX), "9223372036854775807");
        check(Value::Float(f64::NAN), "");
        check(Value::Float(1.5), "1.5");
        check(Value::Decimal("1.50".parse().unwrap()), "1.50");
        check(
            Value::Time(EventTime::from_micros(0)),
            "1970-01-01T00:00:00Z",
        );
        check(Value::Time(EventTime::MAX), "");
    }
}

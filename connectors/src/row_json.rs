//! Rows as JSON and NDJSON: the one place that decides how a value looks in them.
//!
//! | value | JSON |
//! |---|---|
//! | integer up to 2⁵³ | number |
//! | integer beyond | string: JavaScript would round the number |
//! | float | number; NaN and the infinities are null |
//! | decimal | string, with the digits it has |
//! | event time | RFC 3339 in UTC, `"2025-01-15T10:30:00Z"`; null outside the calendar |
//! | null | null |
//!
//! A row is an object whose members stand in the order of the columns, each under its name. It is written member by
//! member into whatever serializer asks for it: no map is built, so the order needs no feature of a JSON library.

use std::io::{self, Write};

use millstream_engine::{Column, EventTime, Value};
use serde::ser::{Serialize, SerializeMap, Serializer};

/// Integers up to here, either side of zero, are exact in every reader of JSON.
const EXACT_MAX: u64 = 1 << 53;

/// One value as it looks in JSON.
///
/// # Examples
/// ```
/// use millstream_connectors::ValueJson;
/// use millstream_engine::Value;
///
/// assert_eq!(serde_json::to_value(ValueJson(&Value::Int(7)))?, serde_json::json!(7));
/// assert_eq!(serde_json::to_value(ValueJson(&Value::Int(1 << 60)))?, serde_json::json!("1152921504606846976"));
/// assert_eq!(serde_json::to_value(ValueJson(&Value::Float(f64::NAN)))?, serde_json::json!(null));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ValueJson<'a>(pub &'a Value);

impl Serialize for ValueJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Int(value) if value.unsigned_abs() <= EXACT_MAX => {
                serializer.serialize_i64(*value)
            }
            Value::Int(value) => serializer.collect_str(value),
            Value::Float(value) if value.is_finite() => serializer.serialize_f64(*value),
            Value::Float(_) => serializer.serialize_unit(),
            Value::Text(value) => serializer.serialize_str(value),
            Value::Time(value) => match rfc_3339(*value) {
                Some(text) => serializer.serialize_str(&text),
                None => serializer.serialize_unit(),
            },
            Value::Decimal(value) => serializer.collect_str(value),
        }
    }
}

/// `time` as text, if the calendar has it.
pub(crate) fn rfc_3339(time: EventTime) -> Option<String> {
    time.finite()
        .map(|time| time.to_string())
        .filter(|text| text.ends_with('Z'))
}

/// One row as a JSON object, its members in the order of the columns.
///
/// Serializes as a map, so it can also be flattened into a larger object.
///
/// # Panics
/// While serializing, if the row has another number of values than there are columns.
///
/// # Examples
/// ```
/// use millstream_connectors::RowJson;
/// use millstream_engine::{Column, ColumnType, Value};
///
/// let columns = [Column::new("url", ColumnType::Text), Column::new("views", ColumnType::Int64)];
/// let values = [Value::Text("/a".into()), Value::Int(2)];
/// let text = serde_json::to_string(&RowJson { columns: &columns, values: &values })?;
/// assert_eq!(text, r#"{"url":"/a","views":2}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct RowJson<'a> {
    /// The names.
    pub columns: &'a [Column],
    /// One value for each.
    pub values: &'a [Value],
}

impl Serialize for RowJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        assert_eq!(
            self.values.len(),
            self.columns.len(),
            "a row has one value for each column"
        );
        let mut map = serializer.serialize_map(Some(self.columns.len()))?;
        for (column, value) in self.columns.iter().zip(self.values) {
            map.serialize_entry(&column.name, &ValueJson(value))?;
        }
        map.end()
    }
}

/// Writes each row as one JSON object on a line of its own; gives how many there were.
///
/// # Errors
/// What `out` said.
///
/// # Panics
/// If a row has another number of values than there are columns.
///
/// # Examples
/// ```
/// use millstream_connectors::write_ndjson;
/// use millstream_engine::{Column, ColumnType, Value};
///
/// let mut out = Vec::new();
/// write_ndjson(&[Column::new("n", ColumnType::Int64)], [[Value::Int(1)], [Value::Int(2)]], &mut out)?;
/// assert_eq!(out, b"{\"n\":1}\n{\"n\":2}\n");
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn write_ndjson<R: AsRef<[Value]>>(
    columns: &[Column],
    rows: impl IntoIterator<Item = R>,
    mut out: impl Write,
) -> io::Result<u64> {
    let mut n_rows = 0;
    for row in rows {
        serde_json::to_writer(
            &mut out,
            &RowJson {
                columns,
                values: row.as_ref(),
            },
        )?;
        out.write_all(b"\n")?;
        n_rows += 1;
    }
    Ok(n_rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &Value, expected: &str) {
        let text = serde_json::to_string(&ValueJson(value)).unwrap();
        assert_eq!(text, expected, "{value:?}");
    }

    #[test]
    fn numbers_are_exact_or_text_or_null() {
        check(&Value::Int(9_007_199_254_740_992), "9007199254740992");
        check(&Value::Int(-9_007_199_254_740_992), "-9007199254740992");
        check(&Value::Int(9_007_199_254_740_993), "\"9007199254740993\"");
        check(&Value::Int(i64::MIN), "\"-9223372036854775808\"");
        check(&Value::Float(0.1), "0.1");
        check(&Value::Float(f64::NAN), "null");
        check(&Value::Float(f64::NEG_INFINITY), "null");
        check(&Value::Decimal("1.50".parse().unwrap()), "\"1.50\"");
    }

    #[test]
    fn times_are_utc_and_null_outside_the_calendar() {
        check(
            &Value::Time(EventTime::from_micros(1)),
            "\"1970-01-01T00:00:00.000001Z\"",
        );
        check(&Value::Time(EventTime::MAX), "null");
        check(&Value::Time(EventTime::MIN), "null");
        check(&Value::Time(EventTime::from_micros(i64::MAX - 1)), "null");
    }

    #[test]
    fn text_is_escaped_and_null_is_null() {
        check(&Value::Text("a\"b\n".into()), "\"a\\\"b\\n\"");
        check(&Value::Null, "null");
        check(&Value::Bool(true), "true");
    }
}

//! Filters: which rows of a view are asked for.
//!
//! ```text
//! url=/home          the column is equal           views.gte=10       at least        views.gt=10   more than
//! url.eq=/home       the same                      views.lte=10       at most         views.lt=10   less than
//! ```
//!
//! The text is read by the column's type and compared as that type: numbers as numbers, times as times.
//! All filters must hold. Null is equal to nothing but the empty text (of a column that is not text), and
//! neither more nor less than anything; NaN is like null.

use std::cmp::Ordering;

use millstream_engine::{Column, ColumnType, EventTime, Value};

/// A parameter that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("parameter {parameter:?}: {reason}")]
pub(crate) struct BadParameter {
    pub(crate) parameter: String,
    pub(crate) reason: String,
}

impl BadParameter {
    pub(crate) fn new(parameter: &str, reason: impl Into<String>) -> Self {
        BadParameter {
            parameter: parameter.into(),
            reason: reason.into(),
        }
    }
}

/// Conditions that a row must fulfil, all of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Filter(Vec<Condition>);

#[derive(Clone, Debug, PartialEq)]
struct Condition {
    column: usize,
    operator: Operator,
    value: Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    AtLeast,
    More,
    AtMost,
    Less,
}

impl Operator {
    const NAMES: &'static str = "eq, gte, gt, lte and lt";

    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "eq" => Operator::Equal,
            "gte" => Operator::AtLeast,
            "gt" => Operator::More,
            "lte" => Operator::AtMost,
            "lt" => Operator::Less,
            _ => return None,
        })
    }

    fn holds(self, ordering: Ordering) -> bool {
        match self {
            Operator::Equal => ordering.is_eq(),
            Operator::AtLeast => ordering.is_ge(),
            Operator::More => ordering.is_gt(),
            Operator::AtMost => ordering.is_le(),
            Operator::Less => ordering.is_lt(),
        }
    }
}

impl Filter {
    /// Adds the condition that `parameter=text` states about a row of `columns`.
    pub(crate) fn add(
        &mut self,
        columns: &[Column],
        parameter: &str,
        text: &str,
    ) -> Result<(), BadParameter> {
        let (column, operator) = find(columns, parameter)?;
        let value =
            parse(&columns[column], text).map_err(|reason| BadParameter::new(parameter, reason))?;
        if value_is_null(&value) && operator != Operator::Equal {
            return Err(BadParameter::new(
                parameter,
                "a value is needed to compare with",
            ));
        }
        self.0.push(Condition {
            column,
            operator,
            value,
        });
        Ok(())
    }

    /// Whether the row fulfils every condition.
    pub(crate) fn holds(&self, row: &[Value]) -> bool {
        self.0.iter().all(|condition| {
            compare(&row[condition.column], &condition.value)
                .is_some_and(|ordering| condition.operator.holds(ordering))
        })
    }
}

fn value_is_null(value: &Value) -> bool {
    matches!(value, Value::Null)
}

/// The column and the operator that a parameter names.
fn find(columns: &[Column], parameter: &str) -> Result<(usize, Operator), BadParameter> {
    // A name may have dots in it, so the whole is tried first.
    if let Some(column) = columns.iter().position(|column| column.name == parameter) {
        return Ok((column, Operator::Equal));
    }
    if let Some((name, operator)) = parameter.rsplit_once('.')
        && let Some(column) = columns.iter().position(|column| column.name == name)
    {
        let operator = Operator::parse(operator).ok_or_else(|| {
            let reason = format!(
                "there is no operator {operator:?}: there are {}",
                Operator::NAMES
            );
            BadParameter::new(parameter, reason)
        })?;
        return Ok((column, operator));
    }
    Err(BadParameter::new(parameter, unknown_column(columns)))
}

/// What to say of a column that is not there.
pub(crate) fn unknown_column(columns: &[Column]) -> String {
    let names: Vec<_> = columns.iter().map(|column| column.name.as_str()).collect();
    format!("there is no such column: there are {}", names.join(", "))
}

fn parse(column: &Column, text: &str) -> Result<Value, String> {
    if text.is_empty() && column.kind != ColumnType::Text {
        return if column.nullable {
            Ok(Value::Null)
        } else {
            Err("a value is needed, the column is never null".into())
        };
    }
    let not_a = |what: &str| {
        format!(
            "{:?} is not {what}",
            text.chars().take(64).collect::<String>()
        )
    };
    match column.kind {
        ColumnType::Bool => text
            .parse()
            .map(Value::Bool)
            .map_err(|_| not_a("true or false")),
        ColumnType::Int64 => text
            .parse()
            .map(Value::Int)
            .map_err(|_| not_a("a whole number of 64 bits")),
        ColumnType::Float64 => match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Value::Float(number)),
            _ => Err(not_a("a number")),
        },
        ColumnType::Text => Ok(Value::Text(text.into())),
        ColumnType::Timestamp => parse_time(text).map(Value::Time),
        ColumnType::Decimal => text
            .parse()
            .map(Value::Decimal)
            .map_err(|_| not_a("a decimal number")),
    }
}

/// A time; a `+` before its offset may have become a space, since that is what it means in a query.
fn parse_time(text: &str) -> Result<EventTime, String> {
    let repaired = || {
        let (time, offset) = text.rsplit_once(' ')?;
        format!("{time}+{offset}").parse().ok()
    };
    text.parse()
        .or_else(|error: millstream_engine::ParseTimeError| {
            repaired().ok_or_else(|| error.to_string())
        })
}

/// How a row's value stands to a filter's, which is of the same type; `None` where they do not compare.
fn compare(value: &Value, with: &Value) -> Option<Ordering> {
    match (value, with) {
        (Value::Null, Value::Null) => Some(Ordering::Equal),
        (Value::Null, _) => None,
        (Value::Float(a), Value::Null) if a.is_nan() => Some(Ordering::Equal),
        (_, Value::Null) => None,
        // Not the total order of values: −0 is 0 to whoever asks.
        (Value::Float(a), Value::Float(b)) => a.partial_cmp(b),
        (a, b) => Some(a.cmp(b)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns() -> Vec<Column> {
        vec![
            Column::new("url", ColumnType::Text),
            Column::new("views", ColumnType::Int64),
            Column::new("p95.ms", ColumnType::Float64).nullable(),
            Column::new("at", ColumnType::Timestamp),
            Column::new("price", ColumnType::Decimal).nullable(),
            Column::new("final", ColumnType::Bool),
        ]
    }

    fn row() -> Vec<Value> {
        vec![
            Value::Text("/a".into()),
            Value::Int(10),
            Value::Float(-0.0),
            Value::Time(EventTime::from_micros(0)),
            Value::Null,
            Value::Bool(false),
        ]
    }

    #[test]
    fn conditions_compare_by_type() {
        let check = |parameter: &str, text: &str, expected: bool| {
            let mut filter = Filter::default();
            filter.add(&columns(), parameter, text).unwrap();
            assert_eq!(filter.holds(&row()), expected, "{parameter}={text}");
        };
        check("url", "/a", true);
        check("url", "", false);
        check("url.lt", "/b", true);
        check("views", "10", true);
        check("views", "+10", true);
        check("views.eq", "9", false);
        check("views.gte", "10", true);
        check("views.gt", "10", false);
        check("views.gt", "9", true); // As text "10" would be less than "9".
        check("views.lte", "9", false);
        check("views.lt", "11", true);
        check("p95.ms", "0", true);
        check("p95.ms.gte", "-1e3", true);
        check("p95.ms", "", false);
        check("at", "1970-01-01T01:00:00+01:00", true);
        check("at", "1970-01-01T01:00:00 01:00", true);
        check("at.gt", "1969-12-31T23:59:59Z", true);
        check("price", "", true);
        check("price.gte", "0", false);
        check("price", "0", false);
        check("final", "false", true);
    }

    #[test]
    fn what_cannot_be_understood_is_named() {
        let check = |parameter: &str, text: &str, reason: &str| {
            let error = Filter::default()
                .add(&columns(), parameter, text)
                .unwrap_err();
            assert_eq!(error.parameter, parameter);
            assert!(error.reason.contains(reason), "{error}");
        };
        check("uri", "/a", "no such column: there are url, views");
        check("uri.gte", "/a", "no such column");
        check("views.ge", "1", "no operator \"ge\"");
        check("views", "1.5", "whole number");
        check("views", "99999999999999999999", "whole number");
        check("views", "", "never null");
        check("p95.ms", "NaN", "not a number");
        check("p95.ms.lt", "", "a value is needed");
        check("at", "yesterday", "RFC 3339");
        check("final", "1", "true or false");
        check("price", "x", "decimal");
    }

    #[test]
    fn all_conditions_must_hold() {
        let mut filter = Filter::default();
        filter.add(&columns(), "views.gte", "5").unwrap();
        assert!(filter.holds(&row()));
        filter.add(&columns(), "views.lt", "10").unwrap();
        assert!(!filter.holds(&row()));
    }
}

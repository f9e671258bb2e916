//! Values and columns: rows whose shape is known only when the pipeline is built.
//!
//! Inside a pipeline records are plain Rust types. Where they leave it, as a row of a view or of a file, they become a
//! list of [`Value`]s described by a list of [`Column`]s, so that JSON, CSV and Parquet are written from one place. The
//! order of values is total (`NaN` after every number, null first), so that rows can be sorted and paged through.

use std::cmp::Ordering;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::time::EventTime;

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ColumnType {
    /// True or false.
    Bool,
    /// 64-bit signed integer.
    Int64,
    /// 64-bit float; NaN is null in JSON.
    Float64,
    /// UTF-8 text.
    Text,
    /// Event time, microseconds, UTC.
    Timestamp,
    /// Exact decimal with up to 28 digits; a string in JSON.
    Decimal,
}

/// Name and type of a column.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Column {
    /// The name, unique within its row.
    pub name: String,
    /// The type of its values.
    #[serde(rename = "type")]
    pub kind: ColumnType,
    /// Whether a value may be null.
    pub nullable: bool,
}

impl Column {
    /// A column that is never null.
    pub fn new(name: impl Into<String>, kind: ColumnType) -> Self {
        Column {
            name: name.into(),
            kind,
            nullable: false,
        }
    }

    /// The same column, allowed to be null.
    #[must_use]
    pub fn nullable(mut self) -> Self {
        self.nullable = true;
        self
    }
}

/// Columns in words: `url Text, views Int64`.
pub(crate) fn in_words<'a>(columns: impl IntoIterator<Item = &'a Column>) -> String {
    let word = |column: &Column| {
        let null = if column.nullable { " or null" } else { "" };
        format!("{} {:?}{null}", column.name, column.kind)
    };
    let words: Vec<_> = columns.into_iter().map(word).collect();
    words.join(", ")
}

/// One value of a row.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Value {
    /// No value.
    Null,
    /// Of a [`ColumnType::Bool`] column.
    Bool(bool),
    /// Of a [`ColumnType::Int64`] column.
    Int(i64),
    /// Of a [`ColumnType::Float64`] column.
    Float(f64),
    /// Of a [`ColumnType::Text`] column.
    Text(String),
    /// Of a [`ColumnType::Timestamp`] column.
    Time(EventTime),
    /// Of a [`ColumnType::Decimal`] column.
    Decimal(Decimal),
}

impl Value {
    fn rank(&self) -> u8 {
        match self {
            Value::Null => 0,
            Value::Bool(_) => 1,
            Value::Int(_) => 2,
            Value::Float(_) => 3,
            Value::Text(_) => 4,
            Value::Time(_) => 5,
            Value::Decimal(_) => 6,
        }
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Value {}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Value {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
            (Value::Int(a), Value::Int(b)) => a.cmp(b),
            (Value::Float(a), Value::Float(b)) => a.total_cmp(b),
            (Value::Text(a), Value::Text(b)) => a.cmp(b),
            (Value::Time(a), Value::Time(b)) => a.cmp(b),
            (Value::Decimal(a), Value::Decimal(b)) => a.cmp(b),
            (a, b) => a.rank().cmp(&b.rank()),
        }
    }
}

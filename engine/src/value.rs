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

/// A Rust type that fills one column.
///
/// Integers beyond 63 bits are shown as the nearest that an `Int64` holds: one absurd value must not stop a pipeline.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot fill a column",
    note = "columns hold bool, integers up to 64 bits, f64, String, EventTime, Decimal, and Option of these"
)]
pub trait Scalar {
    /// The type of the column.
    const KIND: ColumnType;
    /// Whether the column may be null.
    const NULLABLE: bool = false;
    /// This value as one of a row.
    fn value(&self) -> Value;
}

macro_rules! integer_scalars {
    ($($t:ty),*) => { $(impl Scalar for $t {
        const KIND: ColumnType = ColumnType::Int64;
        #[allow(unused_comparisons, reason = "only the signed can be below")]
        fn value(&self) -> Value {
            let nearest = if *self < 0 { i64::MIN } else { i64::MAX };
            Value::Int(i64::try_from(*self).unwrap_or(nearest))
        }
    })* };
}
integer_scalars!(i8, i16, i32, i64, i128, u8, u16, u32, u64, usize);

macro_rules! scalars {
    ($($t:ty => $kind:ident, $this:ident, $value:expr;)*) => { $(impl Scalar for $t {
        const KIND: ColumnType = ColumnType::$kind;
        fn value(&self) -> Value {
            let $this = self;
            $value
        }
    })* };
}
scalars! {
    bool => Bool, this, Value::Bool(*this);
    f64 => Float64, this, Value::Float(*this);
    f32 => Float64, this, Value::Float(f64::from(*this));
    String => Text, this, Value::Text(this.clone());
    str => Text, this, Value::Text(this.into());
    EventTime => Timestamp, this, Value::Time(*this);
    Decimal => Decimal, this, Value::Decimal(*this);
}

impl<T: Scalar> Scalar for Option<T> {
    const KIND: ColumnType = T::KIND;
    const NULLABLE: bool = true;
    fn value(&self) -> Value {
        self.as_ref().map_or(Value::Null, Scalar::value)
    }
}

impl<T: Scalar + ?Sized> Scalar for &T {
    const KIND: ColumnType = T::KIND;
    const NULLABLE: bool = T::NULLABLE;
    fn value(&self) -> Value {
        (**self).value()
    }
}

/// A Rust type that fills several columns: the unit type fills none, a [`Scalar`] one, a tuple one for each part.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot fill columns",
    note = "use a scalar (bool, integer, f64, String, EventTime, Decimal, Option of these) or a tuple of scalars"
)]
pub trait Columns {
    /// Types and nullability, in order.
    fn kinds() -> Vec<(ColumnType, bool)>;
    /// Appends one value per column to `row`.
    fn append(&self, row: &mut Vec<Value>);
}

impl<T: Scalar> Columns for T {
    fn kinds() -> Vec<(ColumnType, bool)> {
        vec![(T::KIND, T::NULLABLE)]
    }
    fn append(&self, row: &mut Vec<Value>) {
        row.push(self.value());
    }
}

impl Columns for () {
    fn kinds() -> Vec<(ColumnType, bool)> {
        Vec::new()
    }
    fn append(&self, _row: &mut Vec<Value>) {}
}

macro_rules! tuple_columns {
    ($($name:ident),+) => {
        impl<$($name: Scalar),+> Columns for ($($name,)+) {
            fn kinds() -> Vec<(ColumnType, bool)> {
                vec![$(($name::KIND, $name::NULLABLE)),+]
            }
            #[allow(non_snake_case)]
            fn append(&self, row: &mut Vec<Value>) {
                let ($($name,)+) = self;
                $(row.push($name.value());)+
            }
        }
    };
}
tuple_columns!(A);
tuple_columns!(A, B);
tuple_columns!(A, B, C);
tuple_columns!(A, B, C, D);
tuple_columns!(A, B, C, D, E);
tuple_columns!(A, B, C, D, E, F);
tuple_columns!(A, B, C, D, E, F, G);
tuple_columns!(A, B, C, D, E, F, G, H);

/// Names for columns: `()`, one `&str`, or a tuple of `&str`.
pub trait Names {
    /// The names in order.
    fn names(&self) -> Vec<String>;
}

impl Names for () {
    fn names(&self) -> Vec<String> {
        Vec::new()
    }
}

impl Names for &str {
    fn names(&self) -> Vec<String> {
        vec![(*self).into()]
    }
}

macro_rules! tuple_names {
    ($($name:ident: $t:ty),+) => {
        impl Names for ($($t,)+) {
            fn names(&self) -> Vec<String> {
                let ($($name,)+) = self;
                vec![$((*$name).into()),+]
            }
        }
    };
}
tuple_names!(a: &str);
tuple_names!(a: &str, b: &str);
tuple_names!(a: &str, b: &str, c: &str);
tuple_names!(a: &str, b: &str, c: &str, d: &str);
tuple_names!(a: &str, b: &str, c: &str, d: &str, e: &str);
tuple_names!(a: &str, b: &str, c: &str, d: &str, e: &str, f: &str);
tuple_names!(a: &str, b: &str, c: &str, d: &str, e: &str, f: &str, g: &str);
tuple_names!(a: &str, b: &str, c: &str, d: &str, e: &str, f: &str, g: &str, h: &str);

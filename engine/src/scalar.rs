//! Scalars: which Rust types fill the columns of a row, and what the columns are called.
//!
//! A pipeline says what leaves it in plain Rust: `|e| (e.user.clone(), e.ms)` under the names `("user", "ms")`. The types
//! say what the columns are before the first record has come: a [`Scalar`] fills one column, [`Columns`] are a tuple or an
//! array of them or of such, and [`Names`] go with either. Where the row leaves they become the values and columns of the module `value`.

use rust_decimal::Decimal;

use crate::time::EventTime;
use crate::value::{ColumnType, Value};

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

/// A Rust type that fills several columns: the unit type fills none, a [`Scalar`] one, a tuple or an array those of its
/// parts.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot fill columns",
    note = "use a scalar (bool, integer, f64, String, EventTime, Decimal, Option of these) or a tuple or array of these"
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
        impl<$($name: Columns),+> Columns for ($($name,)+) {
            fn kinds() -> Vec<(ColumnType, bool)> {
                let mut kinds = Vec::new();
                $(kinds.extend($name::kinds());)+
                kinds
            }
            #[allow(non_snake_case)]
            fn append(&self, row: &mut Vec<Value>) {
                let ($($name,)+) = self;
                $($name.append(row);)+
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

impl<C: Columns, const N: usize> Columns for [C; N] {
    fn kinds() -> Vec<(ColumnType, bool)> {
        (0..N).flat_map(|_| C::kinds()).collect()
    }
    fn append(&self, row: &mut Vec<Value>) {
        self.iter().for_each(|columns| columns.append(row));
    }
}

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

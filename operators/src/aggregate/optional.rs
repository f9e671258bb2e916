//! A value, or perhaps none: how a closure's type decides whether its column may be null.
//!
//! A closure that picks a value out of a record returns `V`, or `Option<V>` where the record may lack it. `None` is
//! skipped. A window exists only once it has a record, so a closure that returns `V` always gave a value and its column
//! is never null; one that returns `Option<V>` may have given none, and then its column is null. Nobody has to say so:
//! the return type does.

use millstream_engine::{Data, EventTime, Scalar};
use rust_decimal::Decimal;

/// What a closure may return: a value, or an `Option` of one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be aggregated",
    note = "return a bool, integer up to 64 bits, f64, f32, String, EventTime or Decimal, or an Option of one, by value"
)]
pub trait Optional: 'static {
    /// The value, if there is one.
    type Value: 'static;
    /// The column that says an `X` about such values: `X` itself, or `Option<X>`.
    type Or<X: Scalar + Data + PartialEq>: Scalar + Data + PartialEq;

    /// The value, or `None` where it is to be skipped.
    fn given(self) -> Option<Self::Value>;
    /// What to say: `found`, and where nothing was found either null or `otherwise()`.
    fn or<X: Scalar + Data + PartialEq>(
        found: Option<X>,
        otherwise: impl FnOnce() -> X,
    ) -> Self::Or<X>;
}

macro_rules! always_given {
    ($($t:ty),*) => { $(impl Optional for $t {
        type Value = $t;
        type Or<X: Scalar + Data + PartialEq> = X;
        fn given(self) -> Option<$t> {
            Some(self)
        }
        fn or<X: Scalar + Data + PartialEq>(found: Option<X>, otherwise: impl FnOnce() -> X) -> X {
            found.unwrap_or_else(otherwise)
        }
    })* };
}
always_given!(
    bool, i8, i16, i32, i64, u8, u16, u32, u64, usize, f32, f64, String, EventTime, Decimal
);

impl<V: 'static> Optional for Option<V> {
    type Value = V;
    type Or<X: Scalar + Data + PartialEq> = Option<X>;
    fn given(self) -> Option<V> {
        self
    }
    fn or<X: Scalar + Data + PartialEq>(found: Option<X>, _: impl FnOnce() -> X) -> Option<X> {
        found
    }
}

/// The closure that gives a reference, as one that might not.
pub(super) fn always<T, Q, F>(value: F) -> impl for<'a> Fn(&'a T) -> Option<&'a Q> + use<T, Q, F>
where
    Q: ?Sized,
    F: for<'a> Fn(&'a T) -> &'a Q + 'static,
{
    move |record| Some(value(record))
}

/// The closure that gives a reference, as one that gives none where `holds` gives false.
pub(super) fn where_it_holds<T, Q, F, P>(
    value: F,
    holds: P,
) -> impl for<'a> Fn(&'a T) -> Option<&'a Q> + use<T, Q, F, P>
where
    Q: ?Sized,
    F: for<'a> Fn(&'a T) -> &'a Q + 'static,
    P: Fn(&T) -> bool + 'static,
{
    move |record| holds(record).then(|| value(record))
}

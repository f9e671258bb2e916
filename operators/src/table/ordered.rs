//! What aggregates say, as values that have an order.

use millstream_engine::{Columns, EventTime, Float, Row};
use rust_decimal::Decimal;

/// What an aggregate says, in a form that can be the value of a row over which steps go: floats become
/// [`Float`], all else stays what it is.
///
/// # Examples
/// ```
/// use millstream_engine::Float;
/// use millstream_operators::Ordered;
/// assert_eq!((3_u64, Some(0.5)).ordered(), (3, Some(Float(0.5))));
/// ```
#[diagnostic::on_unimplemented(
    message = "what `{Self}` says has no order that is known",
    note = "implement `Ordered` for the output of an aggregate of your own"
)]
pub trait Ordered {
    /// The same with an order.
    type Ordered: Row + Columns;
    /// Gives it.
    fn ordered(self) -> Self::Ordered;
}

macro_rules! ordered {
    ($($t:ty),*) => { $(impl Ordered for $t {
        type Ordered = $t;
        fn ordered(self) -> $t {
            self
        }
    })* };
}
ordered!(
    bool,
    i8,
    i16,
    i32,
    i64,
    i128,
    u8,
    u16,
    u32,
    u64,
    usize,
    String,
    EventTime,
    Decimal,
    Float,
    ()
);

impl Ordered for f64 {
    type Ordered = Float;
    fn ordered(self) -> Float {
        Float(self)
    }
}

impl Ordered for f32 {
    type Ordered = Float;
    fn ordered(self) -> Float {
        Float(self.into())
    }
}

impl<T: Ordered> Ordered for Option<T>
where
    Option<T::Ordered>: Columns,
{
    type Ordered = Option<T::Ordered>;
    fn ordered(self) -> Option<T::Ordered> {
        self.map(Ordered::ordered)
    }
}

impl<T: Ordered, const N: usize> Ordered for [T; N]
where
    [T::Ordered; N]: Row,
    T::Ordered: Columns,
{
    type Ordered = [T::Ordered; N];
    fn ordered(self) -> Self::Ordered {
        self.map(Ordered::ordered)
    }
}

macro_rules! tuple_ordered {
    ($($name:ident),+) => {
        impl<$($name: Ordered),+> Ordered for ($($name,)+) {
            type Ordered = ($($name::Ordered,)+);
            #[allow(non_snake_case)]
            fn ordered(self) -> Self::Ordered {
                let ($($name,)+) = self;
                ($($name.ordered(),)+)
            }
        }
    };
}
tuple_ordered!(A);
tuple_ordered!(A, B);
tuple_ordered!(A, B, C);
tuple_ordered!(A, B, C, D);
tuple_ordered!(A, B, C, D, E);
tuple_ordered!(A, B, C, D, E, F);
tuple_ordered!(A, B, C, D, E, F, G);
tuple_ordered!(A, B, C, D, E, F, G, H);

//! Numbers that can be summed, and the tallies that sum them exactly.
//!
//! A *tally* is a sum that has not been rounded yet, and a count of what went in. Integers add up in 128 bits, decimals
//! as a whole part and a fraction, floats in a fixed-point number as wide as the range of a float: each without loss, so
//! that the order of adding cannot show. `sum` and `mean` read the same tally.

mod decimal;
mod float;
mod integer;

use millstream_engine::{Data, Scalar};
use rust_decimal::Decimal;

use decimal::DecimalTally;
use float::FloatTally;
use integer::IntegerTally;

/// A number that can be summed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be summed",
    note = "sum and mean take integers up to 64 bits, f64, f32 and Decimal, and Options of these"
)]
pub trait Number: 'static {
    /// The sum such numbers are added to.
    type Tally: Tally;
    /// Adds this number to `tally`; a `NaN` is skipped.
    fn add_to(self, tally: &mut Self::Tally);
}

/// An exact sum, not yet rounded, and how many numbers are in it.
pub trait Tally: Default + Data {
    /// What adds up here, in a word.
    const KIND: &'static str;
    /// The type of the sum when it is read.
    type Total: Scalar + Data + PartialEq;
    /// The type of the mean.
    type Mean: Scalar + Data + PartialEq;

    /// Adds all that was added to `other`.
    fn merge(&mut self, other: Self);
    /// How many numbers were added.
    fn count(&self) -> u64;
    /// The sum.
    fn total(&self) -> Self::Total;
    /// The sum divided by the count.
    fn mean(&self) -> Self::Mean;
    /// About how many bytes are kept on the heap.
    fn heap_bytes(&self) -> usize {
        0
    }
}

macro_rules! integers {
    ($($t:ty),*) => { $(impl Number for $t {
        type Tally = IntegerTally;
        fn add_to(self, tally: &mut IntegerTally) {
            // Lossless: 128 bits hold every one of these types.
            tally.add(self as i128);
        }
    })* };
}
integers!(i8, i16, i32, i64, u8, u16, u32, u64, usize);

impl Number for f64 {
    type Tally = FloatTally;
    fn add_to(self, tally: &mut FloatTally) {
        tally.add(self);
    }
}

impl Number for f32 {
    type Tally = FloatTally;
    fn add_to(self, tally: &mut FloatTally) {
        tally.add(f64::from(self));
    }
}

impl Number for Decimal {
    type Tally = DecimalTally;
    fn add_to(self, tally: &mut DecimalTally) {
        tally.add(self);
    }
}

//! Floats with a total order.
//!
//! Tables that change find rows again by comparing them, and group and rank them by what they hold. A plain `f64` cannot be
//! compared with everything; a [`Float`] can.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;

use serde::{Deserialize, Serialize};

use crate::scalar::Scalar;
use crate::value::{ColumnType, Value};

/// An `f64` in the order of [`f64::total_cmp`]: every two are less, equal or greater, `NaN` comes after all numbers, and
/// equal means equal to the last bit. It fills a column as an `f64` does.
///
/// # Examples
/// ```
/// use millstream_engine::Float;
/// let mut prices = [Float(2.5), Float(f64::NAN), Float(-1.0)];
/// prices.sort();
/// assert_eq!(prices[..2], [Float(-1.0), Float(2.5)]);
/// assert_eq!(*prices[1] * 2.0, 5.0);
/// ```
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Float(pub f64);

impl From<f64> for Float {
    fn from(number: f64) -> Self {
        Float(number)
    }
}

impl From<Float> for f64 {
    fn from(number: Float) -> Self {
        number.0
    }
}

impl Deref for Float {
    type Target = f64;
    fn deref(&self) -> &f64 {
        &self.0
    }
}

impl PartialEq for Float {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl Eq for Float {}

impl PartialOrd for Float {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Float {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl Hash for Float {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

impl fmt::Debug for Float {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Float {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Scalar for Float {
    const KIND: ColumnType = ColumnType::Float64;
    fn value(&self) -> Value {
        Value::Float(self.0)
    }
}

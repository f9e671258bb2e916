//! The value below which a share of the values lie, to within 0.5 %.
//!
//! Values are counted in *buckets*: each power of two is divided into 128 buckets of equal width, on both sides of zero.
//! A bucket is as wide as 1/128 of its lower end at most, and its middle stands for all in it, so the error is at most
//! 1/256 of the value. Sketches that choose what to keep (KLL, t-digest) need less room, but they are randomised or show
//! the order in which values came; counts in fixed buckets do neither, and merge by adding.
//!
//! The bucket of a float is read off its bits: exponent and seven bits of the fraction are its number.
//!
//! Source: Masson, Rim and Lee, *DDSketch*, VLDB 2019, for the error bound; the linear division within a power of two is
//! that of HdrHistogram.

use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

use super::min_max::Ranked;
use super::{Aggregate, Optional};

/// How many low bits of a float do not tell buckets apart: 52 of its fraction less seven.
const SHIFT: u32 = 52 - 7;

/// A number that can be measured on a scale of floats.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no quantiles",
    note = "quantile takes f64, f32 and integers up to 64 bits, and Options of these"
)]
pub trait Measure: 'static {
    /// The float nearest to this number.
    fn measure(self) -> f64;
}

macro_rules! measures {
    ($($t:ty),*) => { $(impl Measure for $t {
        fn measure(self) -> f64 {
            self as f64
        }
    })* };
}
measures!(f64, f32, i8, i16, i32, i64, u8, u16, u32, u64, usize);

/// Counts values in buckets; made by [`Of::quantile`](super::Of::quantile).
pub struct Quantile<V, F> {
    name: String,
    q: f64,
    value: F,
    given: PhantomData<fn() -> V>,
}

impl<V, F> Quantile<V, F> {
    #[track_caller]
    pub(super) fn new(name: &str, q: f64, value: F) -> Self {
        assert!(
            (0.0..=1.0).contains(&q),
            "quantile {name:?} is to be between 0 and 1, not {q}"
        );
        Quantile {
            name: name.into(),
            q,
            value,
            given: PhantomData,
        }
    }
}

/// How many values are in which bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Buckets {
    // By number of the bucket, ascending.
    counts: Vec<(i32, u64)>,
    count: u64,
    // Exact, as ranks: what any quantile lies between.
    least: Option<i64>,
    greatest: Option<i64>,
}

impl Buckets {
    /// Counts `value`; skips `NaN`.
    fn add(&mut self, value: f64) {
        // Minus zero is zero here.
        let Some(rank) = (value + 0.0).rank() else {
            return;
        };
        self.add_many(bucket_of(value), 1);
        self.span(rank, rank);
    }

    fn add_many(&mut self, bucket: i32, count: u64) {
        match self.counts.binary_search_by_key(&bucket, |entry| entry.0) {
            Ok(at) => self.counts[at].1 += count,
            Err(at) => self.counts.insert(at, (bucket, count)),
        }
        self.count += count;
    }

    fn span(&mut self, least: i64, greatest: i64) {
        self.least = Some(self.least.map_or(least, |kept| kept.min(least)));
        self.greatest = Some(self.greatest.map_or(greatest, |kept| kept.max(greatest)));
    }

    fn merge(&mut self, mut other: Self) {
        if other.counts.len() > self.counts.len() {
            std::mem::swap(self, &mut other);
        }
        if let (Some(least), Some(greatest)) = (other.least, other.greatest) {
            self.span(least, greatest);
        }
        for (bucket, count) in other.counts {
            self.add_many(bucket, count);
        }
    }

    /// The value at `q`, or `None` where there are no values.
    fn quantile(&self, q: f64) -> Option<f64> {
        let (least, greatest) = (f64::ranked(&self.least?), f64::ranked(&self.greatest?));
        let place = nearest_rank(q, self.count);
        if place == self.count {
            return Some(greatest);
        }
        let mut below = 0;
        let (bucket, _) = self.counts.iter().find(|(_, count)| {
            below += count;
            place <= below
        })?;
        Some(middle_of(*bucket).clamp(least, greatest))
    }
}

/// The number of the bucket `value` is in; numbers ascend with values, and 0 is that of zero.
fn bucket_of(value: f64) -> i32 {
    let bucket = (value.abs().to_bits() >> SHIFT) as i32;
    if value < 0.0 { -bucket } else { bucket }
}

/// The value that stands for all in `bucket`.
fn middle_of(bucket: i32) -> f64 {
    let lower = u64::from(bucket.unsigned_abs()) << SHIFT;
    let infinite = f64::INFINITY.to_bits();
    // Zero and infinity stand for themselves.
    let middle = if lower == 0 || lower == infinite {
        lower
    } else {
        lower | (1 << (SHIFT - 1))
    };
    f64::from_bits(middle).copysign(f64::from(bucket))
}

/// The place, counted from 1, of the quantile `q` among `count` values in order: `q · count`, rounded up.
///
/// A product within a billionth of a whole number is that number: 0.07 is a little more than 7/100 in binary, yet the
/// quantile 0.07 of a hundred values is the seventh.
fn nearest_rank(q: f64, count: u64) -> u64 {
    let place = q * count as f64;
    let whole = place.round();
    let place = if (place - whole).abs() <= whole * 1e-9 {
        whole
    } else {
        place.ceil()
    };
    (place as u64).clamp(1, count)
}

impl<T, V, F> Aggregate<T> for Quantile<V, F>
where
    V: Optional,
    V::Value: Measure,
    F: Fn(&T) -> V + 'static,
{
    type State = Buckets;
    type Output = V::Or<f64>;

    fn names(&self) -> Vec<String> {
        vec![self.name.clone()]
    }

    fn add(&self, state: &mut Buckets, record: &T) {
        if let Some(value) = (self.value)(record).given() {
            state.add(value.measure());
        }
    }

    fn merge(&self, state: &mut Buckets, other: Buckets) {
        state.merge(other);
    }

    fn output(&self, state: &Buckets) -> Self::Output {
        V::or(state.quantile(self.q), || f64::NAN)
    }

    fn heap_bytes(&self, state: &Buckets) -> usize {
        state.counts.capacity() * size_of::<(i32, u64)>()
    }

    fn kind(&self) -> String {
        // The same buckets answer for any share.
        "quantile".into()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn places_are_those_of_exact_arithmetic() {
        let table = [
            (0.0, 10, 1),
            (0.07, 100, 7),
            (0.5, 4, 2),
            (0.5, 5, 3),
            (0.95, 20, 19),
            (0.95, 21, 20),
            (0.99, 1, 1),
            (1.0, 7, 7),
        ];
        for (q, count, expected) in table {
            assert_eq!(nearest_rank(q, count), expected, "quantile {q} of {count}");
        }
    }

    #[test]
    fn the_ends_are_exact_and_infinities_stand() {
        let mut buckets = Buckets::default();
        assert_eq!(buckets.quantile(0.5), None);
        for value in [f64::NEG_INFINITY, -0.0, f64::NAN, 3.3, f64::INFINITY] {
            buckets.add(value);
        }
        let found: Vec<_> = [0.25, 0.5, 0.75, 1.0]
            .map(|q| buckets.quantile(q).unwrap())
            .into();
        assert_eq!(found[0], f64::NEG_INFINITY);
        assert_eq!(found[1].to_bits(), 0.0_f64.to_bits());
        assert!((found[2] - 3.3).abs() <= 3.3 / 256.0);
        assert_eq!(found[3], f64::INFINITY);
    }

    #[test]
    fn there_is_one_zero() {
        let mut buckets = Buckets::default();
        buckets.add(-0.0);
        assert_eq!(buckets.quantile(0.5).map(f64::to_bits), Some(0));
    }

    proptest! {
        #[test]
        fn a_bucket_is_narrow(value in any::<f64>()) {
            prop_assume!(value == 0.0 || value.abs() >= f64::MIN_POSITIVE);
            let middle = middle_of(bucket_of(value));
            prop_assert!((middle - value).abs() <= value.abs() / 256.0, "{} for {}", middle, value);
        }

        #[test]
        fn buckets_ascend_with_values(a in any::<f64>(), b in any::<f64>()) {
            let (a, b) = if a <= b { (a, b) } else { (b, a) };
            prop_assert!(bucket_of(a) <= bucket_of(b));
            prop_assert!(middle_of(bucket_of(a)) <= middle_of(bucket_of(b)));
        }
    }
}

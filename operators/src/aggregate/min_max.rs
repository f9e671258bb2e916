//! The least and the greatest of the values a closure picks.
//!
//! Which of two values is kept must not depend on which came first. So values are ranked by a total order in which only
//! values that look the same are equal: floats by their bits (`-0.0` before `0.0`), decimals with equal value by their
//! digits (`1.0` before `1.00`).

use std::cmp::Ordering;
use std::marker::PhantomData;

use millstream_engine::{Data, EventTime, Scalar};
use rust_decimal::Decimal;

use super::heap::heap_of;
use super::{Aggregate, Optional};

/// A value that has a least and a greatest.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no least and greatest",
    note = "min and max take bool, integers up to 64 bits, f64, f32, String, EventTime and Decimal, and Options of these"
)]
pub trait Ranked: Scalar + Data + PartialEq {
    /// How such a value is kept.
    type Rank: Data;
    /// What such values are ranked as, in a word: another rank means something else.
    const RANKED_AS: &'static str;

    /// How to keep this value; `None` for one that has no rank and is skipped.
    fn rank(self) -> Option<Self::Rank>;
    /// The value that was kept so.
    fn ranked(rank: &Self::Rank) -> Self;
    /// Which of two comes first.
    fn order(a: &Self::Rank, b: &Self::Rank) -> Ordering;

    /// What to say where no value had a rank.
    ///
    /// # Panics
    /// Unless the type has values without a rank: a window that is read has a record.
    fn unranked() -> Self {
        panic!("a state is read only after a record was folded into it")
    }
}

macro_rules! ranked_by_themselves {
    ($($kind:literal: $($t:ty),*;)*) => { $($(impl Ranked for $t {
        type Rank = $t;
        const RANKED_AS: &'static str = $kind;
        fn rank(self) -> Option<$t> {
            Some(self)
        }
        fn ranked(rank: &$t) -> $t {
            rank.clone()
        }
        fn order(a: &$t, b: &$t) -> Ordering {
            a.cmp(b)
        }
    })*)* };
}
ranked_by_themselves! {
    "bool": bool;
    "integer": i8, i16, i32, i64, u8, u16, u32, u64, usize;
    "text": String;
}

// Kept as integers of the same order: exact in any encoding of a state, also infinities in JSON.
macro_rules! ranked_by_bits {
    ($($t:ty as $bits:ty, $unsigned:ty;)*) => { $(impl Ranked for $t {
        type Rank = $bits;
        const RANKED_AS: &'static str = stringify!($t);
        fn rank(self) -> Option<$bits> {
            (!self.is_nan()).then(|| flip_negative(self.to_bits() as $bits, <$bits>::MAX))
        }
        fn ranked(rank: &$bits) -> $t {
            <$t>::from_bits(flip_negative(*rank, <$bits>::MAX) as $unsigned)
        }
        fn order(a: &$bits, b: &$bits) -> Ordering {
            a.cmp(b)
        }
        fn unranked() -> $t {
            <$t>::NAN
        }
    })* };
}
ranked_by_bits! { f64 as i64, u64; f32 as i32, u32; }

/// Turns the bits of a float into an integer of the same order, and back: larger bits of a negative float are a smaller
/// float, so all but the sign are flipped.
fn flip_negative<I: Copy + PartialOrd + Default + std::ops::BitXor<Output = I>>(
    bits: I,
    mask: I,
) -> I {
    if bits < I::default() {
        bits ^ mask
    } else {
        bits
    }
}

impl Ranked for EventTime {
    type Rank = i64;
    const RANKED_AS: &'static str = "time";
    fn rank(self) -> Option<i64> {
        Some(self.micros())
    }
    fn ranked(rank: &i64) -> EventTime {
        EventTime::from_micros(*rank)
    }
    fn order(a: &i64, b: &i64) -> Ordering {
        a.cmp(b)
    }
}

impl Ranked for Decimal {
    type Rank = Decimal;
    const RANKED_AS: &'static str = "decimal";
    fn rank(mut self) -> Option<Decimal> {
        if self.is_zero() {
            self.set_sign_positive(true);
        }
        Some(self)
    }
    fn ranked(rank: &Decimal) -> Decimal {
        *rank
    }
    fn order(a: &Decimal, b: &Decimal) -> Ordering {
        a.cmp(b).then(a.scale().cmp(&b.scale()))
    }
}

/// Keeps the least or the greatest value; made by [`Of::min`](super::Of::min) and [`Of::max`](super::Of::max).
pub struct Extreme<V, F> {
    name: String,
    value: F,
    // A value takes the place of the one kept where it compares so to it.
    replaces: Ordering,
    given: PhantomData<fn() -> V>,
}

impl<V, F> Extreme<V, F> {
    pub(super) fn least(name: &str, value: F) -> Self {
        Extreme {
            name: name.into(),
            value,
            replaces: Ordering::Less,
            given: PhantomData,
        }
    }

    pub(super) fn greatest(name: &str, value: F) -> Self {
        Extreme {
            name: name.into(),
            value,
            replaces: Ordering::Greater,
            given: PhantomData,
        }
    }

    fn keep<R: Ranked>(&self, state: &mut Option<R::Rank>, rank: R::Rank) {
        if state
            .as_ref()
            .is_none_or(|kept| R::order(&rank, kept) == self.replaces)
        {
            *state = Some(rank);
        }
    }
}

impl<T, V, F> Aggregate<T> for Extreme<V, F>
where
    V: Optional,
    V::Value: Ranked,
    F: Fn(&T) -> V + 'static,
{
    type State = Option<<V::Value as Ranked>::Rank>;
    type Output = V::Or<V::Value>;

    fn names(&self) -> Vec<String> {
        vec![self.name.clone()]
    }

    fn add(&self, state: &mut Self::State, record: &T) {
        if let Some(rank) = (self.value)(record).given().and_then(Ranked::rank) {
            self.keep::<V::Value>(state, rank);
        }
    }

    fn merge(&self, state: &mut Self::State, other: Self::State) {
        if let Some(rank) = other {
            self.keep::<V::Value>(state, rank);
        }
    }

    fn output(&self, state: &Self::State) -> Self::Output {
        V::or(state.as_ref().map(Ranked::ranked), Ranked::unranked)
    }

    fn heap_bytes(&self, state: &Self::State) -> usize {
        state.as_ref().map_or(0, heap_of)
    }

    fn kind(&self) -> String {
        let end = if self.replaces == Ordering::Less {
            "min"
        } else {
            "max"
        };
        format!("{end}({})", V::Value::RANKED_AS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_rank_as_they_compare() {
        let floats = [
            f64::NEG_INFINITY,
            -1.5,
            -1e-310,
            -0.0,
            0.0,
            1e-310,
            1.5,
            f64::INFINITY,
        ];
        let ranks: Vec<_> = floats.iter().map(|float| float.rank().unwrap()).collect();
        assert!(ranks.is_sorted_by(|a, b| a < b), "{ranks:?}");
        for (float, rank) in floats.iter().zip(&ranks) {
            assert_eq!(f64::ranked(rank).to_bits(), float.to_bits());
        }
        assert_eq!(f64::NAN.rank(), None);
        assert_eq!(f32::ranked(&(-1.5_f32).rank().unwrap()), -1.5);
    }
}

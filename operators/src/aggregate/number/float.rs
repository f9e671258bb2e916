//! Floats add up in a fixed-point number as wide as the range of a float, and are rounded once.
//!
//! A float is a whole number of units of 2⁻¹⁰⁷⁴, the smallest float above zero, so a sum of floats is one too; it only
//! has up to 2,100 bits. They are cut into *limbs* of 32 bits. A float adds its 53 bits, shifted by up to 31, to one limb,
//! which has 128 bits to take it; limbs carry into each other only when the sum is read. A limb that got nothing is not
//! kept, and values of one kind touch two or three, so a tally is small and adding is a short search and an addition.
//!
//! What a limb holds is a sum of integers and does not depend on their order, so neither does the result. It is the float
//! nearest to the exact sum: `1e300 + 1.0 - 1e300` is `1.0`.
//!
//! Source: Kulisch and Miranker, *The Arithmetic of the Digital Computer: A New Approach*, SIAM Review 28 (1986), for the
//! long accumulator.

use serde::{Deserialize, Serialize};

use super::Tally;

const LIMB_BITS: u32 = 32;
/// 64 limbs reach the largest float; four more take what they may carry.
const LIMBS: usize = 68;
/// The exponent of the lowest bit of the lowest limb.
const UNIT: i32 = -1074;
const FRACTION_BITS: u32 = 52;

/// The exact sum of floats.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FloatTally {
    // By index of the limb, ascending. 85 bits a number leave 42 for how many.
    limbs: Vec<(u8, i128)>,
    count: u64,
    infinite: bool,
    minus_infinite: bool,
}

impl FloatTally {
    /// Adds `number`; skips `NaN`.
    pub(super) fn add(&mut self, number: f64) {
        if number.is_nan() {
            return;
        }
        self.count += 1;
        if number.is_infinite() {
            self.infinite |= number > 0.0;
            self.minus_infinite |= number < 0.0;
            return;
        }
        let bits = number.abs().to_bits();
        let exponent = (bits >> FRACTION_BITS) as u32;
        let fraction = bits & ((1 << FRACTION_BITS) - 1);
        // A float of exponent 0 has no hidden bit, and the unit of exponent 1.
        let units = if exponent == 0 {
            fraction
        } else {
            fraction | (1 << FRACTION_BITS)
        };
        let shift = exponent.max(1) - 1;
        let part = i128::from(units) << (shift % LIMB_BITS);
        self.add_limb(
            (shift / LIMB_BITS) as u8,
            if number < 0.0 { -part } else { part },
        );
    }

    fn add_limb(&mut self, index: u8, part: i128) {
        match self.limbs.binary_search_by_key(&index, |limb| limb.0) {
            Ok(at) => self.limbs[at].1 += part,
            Err(at) => self.limbs.insert(at, (index, part)),
        }
    }

    /// The digits of the sum, or of its opposite, to base 2³², lowest first; and whether the sum is less than that.
    fn digits(&self, negated: bool) -> ([u32; LIMBS], bool) {
        let mut digits = [0; LIMBS];
        let mut limbs = self.limbs.iter().peekable();
        let mut carry = 0_i128;
        for (index, digit) in digits.iter_mut().enumerate() {
            if let Some((_, part)) = limbs.next_if(|limb| usize::from(limb.0) == index) {
                carry += if negated { -part } else { *part };
            }
            *digit = carry as u32; // the low 32 bits
            carry >>= LIMB_BITS;
        }
        (digits, carry < 0)
    }
}

/// The float nearest to the number with these digits.
fn nearest(digits: &[u32; LIMBS]) -> f64 {
    let Some(highest) = digits.iter().rposition(|digit| *digit != 0) else {
        return 0.0;
    };
    // The upper four digits have at least 97 bits; the float keeps 53. Of the digits below it matters only whether there
    // is anything, for a sum that would else lie half way between two floats.
    let lowest = highest.saturating_sub(3);
    let upper = (lowest..=highest).rev().fold(0_u128, |upper, index| {
        (upper << LIMB_BITS) | u128::from(digits[index])
    });
    let rest = digits[..lowest].iter().any(|digit| *digit != 0);
    let exponent = UNIT + (lowest as i32) * (LIMB_BITS as i32);
    (upper | u128::from(rest)) as f64 * power_of_two(exponent)
}

/// 2 to the `exponent`, which is at least -1074 and at most 1023.
fn power_of_two(exponent: i32) -> f64 {
    let bits = if exponent < -1022 {
        1 << (exponent - UNIT)
    } else {
        ((exponent + 1023) as u64) << FRACTION_BITS
    };
    f64::from_bits(bits)
}

impl Tally for FloatTally {
    const KIND: &'static str = "float";
    type Total = f64;
    type Mean = f64;

    fn merge(&mut self, other: Self) {
        for (index, part) in other.limbs {
            self.add_limb(index, part);
        }
        self.count += other.count;
        self.infinite |= other.infinite;
        self.minus_infinite |= other.minus_infinite;
    }

    fn count(&self) -> u64 {
        self.count
    }

    fn total(&self) -> f64 {
        match (self.infinite, self.minus_infinite) {
            _ if self.count == 0 => f64::NAN,
            (true, true) => f64::NAN,
            (true, false) => f64::INFINITY,
            (false, true) => f64::NEG_INFINITY,
            (false, false) => {
                let (digits, negative) = self.digits(false);
                if negative {
                    -nearest(&self.digits(true).0)
                } else {
                    nearest(&digits)
                }
            }
        }
    }

    fn mean(&self) -> f64 {
        self.total() / self.count as f64
    }

    fn heap_bytes(&self) -> usize {
        self.limbs.capacity() * size_of::<(u8, i128)>()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn total(numbers: &[f64]) -> f64 {
        let mut tally = FloatTally::default();
        numbers.iter().for_each(|number| tally.add(*number));
        tally.total()
    }

    #[test]
    fn the_sum_is_rounded_once() {
        let (tiny, half) = (f64::from_bits(1), 2_f64.powi(-53));
        let table: &[(&[f64], f64)] = &[
            (&[0.1; 10], 1.0),
            (&[1e300, 1.0, -1e300], 1.0),
            (&[-1e300, -1.0, 1e300], -1.0),
            (&[1e16, 1.0, 1.0], 1e16 + 2.0),
            (&[1.0, half], 1.0),
            (&[1.0, half, tiny], 1.0 + f64::EPSILON),
            (&[1.0, half, -tiny], 1.0),
            (&[-1.0, -half, -tiny], -1.0 - f64::EPSILON),
            (&[tiny, tiny, tiny], f64::from_bits(3)),
            (&[f64::MIN_POSITIVE, -tiny], f64::MIN_POSITIVE - tiny),
            (&[f64::MAX, f64::MAX, -f64::MAX], f64::MAX),
            (&[f64::MAX, f64::MAX], f64::INFINITY),
            (&[f64::MIN, f64::MIN], f64::NEG_INFINITY),
            (&[f64::INFINITY, -1.0], f64::INFINITY),
            (&[1.0, f64::NAN, 2.0], 3.0),
            (&[-0.0], 0.0),
        ];
        for (numbers, expected) in table {
            assert_eq!(
                total(numbers).to_bits(),
                expected.to_bits(),
                "{numbers:?} is not {expected}"
            );
        }
    }

    #[test]
    fn nothing_and_opposite_infinities_are_no_number() {
        assert!(total(&[]).is_nan());
        assert!(total(&[f64::NAN]).is_nan());
        assert!(total(&[f64::INFINITY, f64::NEG_INFINITY]).is_nan());
    }

    proptest! {
        #[test]
        fn one_number_is_itself(number in any::<f64>()) {
            prop_assume!(number != 0.0);
            prop_assert_eq!(total(&[number]).to_bits(), number.to_bits());
        }

        #[test]
        fn two_numbers_are_as_the_machine_adds_them(a in any::<f64>(), b in any::<f64>()) {
            prop_assert_eq!(total(&[a, b]), a + b);
        }

        #[test]
        fn three_numbers_are_nearer_than_the_machine_adds_them(n in any::<[i64; 3]>()) {
            // 64-bit integers as floats: the exact sum is an integer of 128 bits, which rounds once.
            let exact: i128 = n.iter().map(|n| *n as f64 as i128).sum();
            prop_assert_eq!(total(&n.map(|n| n as f64)), exact as f64);
        }
    }
}

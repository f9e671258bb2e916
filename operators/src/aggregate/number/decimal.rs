//! Decimals add up as a whole part and a fraction of 28 digits.
//!
//! Adding two `Decimal`s rounds when the sum needs more than 28 digits, and then the order of adding shows. So the two
//! parts are added apart, each in 128 bits; no digit of any decimal is lost.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::Tally;

/// The digits a decimal may have after its point.
const DIGITS: u32 = 28;
/// One, in units of the fraction.
const ONE: i128 = 10_i128.pow(DIGITS);

/// The exact sum of decimals.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecimalTally {
    whole: i128,
    // Invariant: 0 ≤ fraction < ONE, also of a negative sum, so that equal sums are equal tallies.
    fraction: i128,
    // The most digits after the point that any number had: 1.10 and 2.2 make 3.30.
    digits: u32,
    count: u64,
}

impl DecimalTally {
    pub(super) fn add(&mut self, number: Decimal) {
        let unit = 10_i128.pow(number.scale());
        let whole = number.mantissa().div_euclid(unit);
        let fraction = number.mantissa().rem_euclid(unit) * 10_i128.pow(DIGITS - number.scale());
        self.merge(DecimalTally {
            whole,
            fraction,
            digits: number.scale(),
            count: 1,
        });
    }
}

impl Tally for DecimalTally {
    const KIND: &'static str = "decimal";
    type Total = Decimal;
    type Mean = Decimal;

    fn merge(&mut self, other: Self) {
        let fraction = self.fraction + other.fraction;
        // Saturates after two billion numbers of the largest size, far beyond what `total` can show.
        self.whole = self
            .whole
            .saturating_add(other.whole)
            .saturating_add(i128::from(fraction >= ONE));
        self.fraction = fraction % ONE;
        self.digits = self.digits.max(other.digits);
        self.count += other.count;
    }

    fn count(&self) -> u64 {
        self.count
    }

    /// A sum beyond the largest decimal is shown as the largest; digits after the point that do not fit are rounded.
    fn total(&self) -> Decimal {
        let bound = if self.whole < 0 {
            Decimal::MIN
        } else {
            Decimal::MAX
        };
        let Ok(whole) = Decimal::try_from_i128_with_scale(self.whole, 0) else {
            return bound;
        };
        let fraction = self.fraction / 10_i128.pow(DIGITS - self.digits);
        let fraction = Decimal::from_i128_with_scale(fraction, self.digits);
        let mut total = whole.checked_add(fraction).unwrap_or(bound);
        // Adding a fraction of zero leaves its digits out.
        total.rescale(self.digits);
        total
    }

    fn mean(&self) -> Decimal {
        self.total()
            .checked_div(Decimal::from(self.count))
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn total(numbers: &[&str]) -> String {
        let mut tally = DecimalTally::default();
        numbers
            .iter()
            .for_each(|number| tally.add(number.parse().unwrap()));
        tally.total().to_string()
    }

    #[test]
    fn digits_are_kept_as_adding_by_hand_would() {
        assert_eq!(total(&["1.10", "2.2"]), "3.30");
        assert_eq!(total(&["-3.3"]), "-3.3");
        assert_eq!(total(&["-1234567890.25", "0.250"]), "-1234567890.000");
        assert_eq!(
            total(&["0.0000000000000000000000000001", "-80"]),
            "-80.00000000000000000000000000"
        );
        assert_eq!(total(&[]), "0");
    }

    #[test]
    fn nothing_is_lost_on_the_way() {
        let max = "79228162514264337593543950335";
        let min = "-79228162514264337593543950335";
        assert_eq!(total(&[max, "0.1", min]), "0.1");
        assert_eq!(total(&[max, max, min, "0.5", min]), "0.5");
        assert_eq!(total(&[max, max]), max);
        assert_eq!(total(&[min, min]), min);
    }

    #[test]
    fn a_mean_is_a_decimal() {
        let mut tally = DecimalTally::default();
        tally.add("0.1".parse().unwrap());
        tally.add("0.2".parse().unwrap());
        assert_eq!(tally.mean(), "0.15".parse().unwrap());
        assert_eq!(DecimalTally::default().mean(), Decimal::ZERO);
    }
}

//! Integers add up in 128 bits, which 2⁶⁴ numbers of 64 bits cannot overflow.

use serde::{Deserialize, Serialize};

use super::Tally;

/// The exact sum of integers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntegerTally {
    total: i128,
    count: u64,
}

impl IntegerTally {
    pub(super) fn add(&mut self, number: i128) {
        self.total += number;
        self.count += 1;
    }
}

impl Tally for IntegerTally {
    const KIND: &'static str = "integer";
    type Total = i64;
    type Mean = f64;

    fn merge(&mut self, other: Self) {
        self.total += other.total;
        self.count += other.count;
    }

    fn count(&self) -> u64 {
        self.count
    }

    /// A sum beyond 64 bits is shown as the nearest number of 64 bits: the numbers come from outside, so they may add up
    /// to anything, and no input may stop a pipeline.
    fn total(&self) -> i64 {
        let shown = self.total.clamp(i64::MIN.into(), i64::MAX.into());
        i64::try_from(shown).expect("it was clamped to 64 bits")
    }

    fn mean(&self) -> f64 {
        self.total as f64 / self.count as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(numbers: &[i128]) -> IntegerTally {
        let mut tally = IntegerTally::default();
        numbers.iter().for_each(|number| tally.add(*number));
        tally
    }

    #[test]
    fn a_sum_may_leave_64_bits_and_come_back() {
        let max = i128::from(i64::MAX);
        assert_eq!(tally(&[max, max, -max]).total(), i64::MAX);
        assert_eq!(tally(&[max, 1]).total(), i64::MAX);
        assert_eq!(tally(&[-max, -max]).total(), i64::MIN);
        assert_eq!(tally(&[max, max]).mean(), i64::MAX as f64);
        assert!(tally(&[]).mean().is_nan());
    }
}

//! Prices: from one to a million, in cents; each order of magnitude is as likely as any other.
//!
//! A price is 100 · 10^(6u) for a random u between 0 and 1. The power is looked up for the first 12 bits of u and
//! multiplied by a short series for the rest, which is exact to a millionth of a cent: faster than a general power, and the
//! same on every platform.

use super::Making;

const N_STEPS: usize = 4_096;

/// 10^(6/4096), and its natural logarithm.
const STEP: f64 = 1.003_378_622_102_704_8;
const LN_STEP: f64 = 0.003_372_927_382_315_497;

/// 10^(6i/4096), by i.
static POWERS: [f64; N_STEPS] = {
    let mut powers = [1.0; N_STEPS];
    let mut i = 1;
    while i < N_STEPS {
        powers[i] = powers[i - 1] * STEP;
        i += 1;
    }
    powers
};

impl Making<'_> {
    /// A price in cents.
    pub(super) fn price(&mut self) -> u64 {
        price(self.random.next())
    }
}

fn price(bits: u64) -> u64 {
    let coarse = POWERS[(bits >> 52) as usize];
    let fine = (bits << 12) as f64 / 2_f64.powi(64);
    let x = fine * LN_STEP;
    let power = coarse * (1.0 + x * (1.0 + x * (0.5 + x / 6.0)));
    (100.0 * power).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_the_formula_says() {
        for n in 0..10_000_u64 {
            let bits = n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let u = bits as f64 / 2_f64.powi(64);
            let exact = 100.0 * 10_f64.powf(6.0 * u);
            let given = price(bits) as f64;
            assert!((given - exact).abs() <= 0.500_01, "{u}: {given}, {exact}");
        }
        assert_eq!((price(0), price(u64::MAX)), (100, 100_000_000));
    }
}

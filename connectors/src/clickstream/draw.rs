//! Draws: numbers that look like chance and are a function of a seed and a counter.

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// What a number is drawn for: draws for different things have nothing to do with each other.
#[derive(Clone, Copy)]
pub(super) enum For {
    Slot = 1,
    Page,
    Referrer,
    Duration,
    Delay,
    SlotLength,
    SlotPhase,
    Session,
    User,
    Device,
    Country,
}

/// 64 random bits, always the same for the same arguments.
#[inline]
pub(super) fn draw(seed: u64, what_for: For, n: u64) -> u64 {
    // The constant spreads the purposes, so that neighbouring seeds do not share draws.
    let spread = (what_for as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    xxh3_64_with_seed(&n.to_le_bytes(), seed ^ spread)
}

/// A number below `n` from the upper half of a draw's bits.
#[inline]
pub(super) fn below(n: u64, bits: u64) -> u64 {
    scale(n, bits >> 32)
}

/// `n` × `fraction` / 2³².
#[inline]
pub(super) fn scale(n: u64, fraction: u64) -> u64 {
    (n * (fraction & 0xffff_ffff)) >> 32
}

/// Chooses among things of different weights in constant time (the alias method).
///
/// Every cell belongs to one thing up to a threshold, and to another above it. All in whole numbers, so that it is the
/// same on every machine.
///
/// Source: M. D. Vose, *A Linear Algorithm for Generating Random Numbers with a Given Distribution*, IEEE TSE 17 (1991).
pub(super) struct Weighted {
    cells: Vec<Cell>,
}

#[derive(Clone, Copy)]
struct Cell {
    threshold: u32,
    other: u32,
}

impl Weighted {
    /// Chooses thing `i` in proportion to `weights[i]`, which are less than 2⁴⁰.
    pub(super) fn new(weights: &[u64]) -> Self {
        let n = weights.len() as u128;
        let total: u128 = weights.iter().map(|&weight| u128::from(weight)).sum();
        // In units in which a full cell has `total`.
        let mut left: Vec<u128> = weights
            .iter()
            .map(|&weight| u128::from(weight) * n)
            .collect();
        let mut cells: Vec<Cell> = (0..weights.len())
            .map(|i| Cell {
                threshold: u32::MAX,
                other: i as u32,
            })
            .collect();
        let (mut poor, mut rich): (Vec<usize>, Vec<usize>) =
            (0..weights.len()).partition(|&i| left[i] < total);
        while let (Some(&giver), Some(taker)) = (rich.last(), poor.pop()) {
            let threshold = (left[taker] << 32) / total;
            cells[taker] = Cell {
                threshold: u32::try_from(threshold).unwrap_or(u32::MAX),
                other: giver as u32,
            };
            left[giver] -= total - left[taker];
            if left[giver] < total {
                rich.pop();
                poor.push(giver);
            }
        }
        Weighted { cells }
    }

    /// The thing that `bits` stands for.
    #[inline]
    pub(super) fn choose(&self, bits: u64) -> usize {
        let i = below(self.cells.len() as u64, bits) as usize;
        let cell = self.cells[i];
        if (bits as u32) < cell.threshold {
            i
        } else {
            cell.other as usize
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_are_chosen_in_proportion_to_their_weights() {
        let weights = [5, 0, 1, 90, 4];
        let weighted = Weighted::new(&weights);
        let mut chosen = [0; 5];
        let n_draws = 100_000;
        for n in 0..n_draws {
            chosen[weighted.choose(draw(3, For::Page, n))] += 1;
        }
        assert_eq!(chosen[1], 0);
        for (chosen, weight) in chosen.iter().zip(weights) {
            let expected = weight * n_draws / 100;
            assert!(
                i64::abs(chosen - expected as i64) < 500,
                "{chosen} for {expected}"
            );
        }
    }

    #[test]
    fn draws_are_the_same_on_every_machine() {
        assert_eq!(draw(1, For::Slot, 0), 13_410_407_292_408_671_279);
        assert_eq!(draw(1, For::Slot, 1), 7_674_900_269_962_226_363);
        assert_eq!(draw(1, For::Page, 0), 2_975_147_988_231_710_814);
        assert_eq!(draw(2, For::Slot, 0), 18_114_676_920_663_082_412);
    }
}

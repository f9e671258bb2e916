//! Doubt: whether it is worth while to try what may be in vain.
//!
//! There are types that nothing but the parser can read, and producers that write what only it understands. Whoever walks
//! through their records first has done that in vain, so after some failures it is not tried for some time.

/// By how much a failure weighs more than a success.
const FAILURE: u32 = 8;

/// What failures may weigh before it is not tried.
const DOUBT_MAX: u32 = 512;

/// For how many records it is not tried then.
const RECORDS_UNTRIED: u32 = 4096;

/// Keeps count of tries that were in vain.
pub(super) struct Doubt {
    weight: u32,
    n_untried: u32,
}

impl Doubt {
    pub(super) const fn new() -> Self {
        Doubt {
            weight: 0,
            n_untried: 0,
        }
    }

    /// Whether to try it with the next record.
    #[inline]
    pub(super) fn allows(&mut self) -> bool {
        if self.n_untried == 0 {
            return true;
        }
        self.n_untried -= 1;
        false
    }

    /// It was not in vain.
    #[inline]
    pub(super) fn lessen(&mut self) {
        self.weight = self.weight.saturating_sub(1);
    }

    /// It was in vain, or not tried.
    pub(super) fn grow(&mut self) {
        if self.n_untried > 0 {
            return;
        }
        self.weight += FAILURE;
        if self.weight > DOUBT_MAX {
            // The next tries are few if they fail as well.
            self.weight = DOUBT_MAX - FAILURE;
            self.n_untried = RECORDS_UNTRIED;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_is_tried_now_and_then_and_what_does_not_is_tried() {
        let n_tried = |fails: fn(u32) -> bool| {
            let mut doubt = Doubt::new();
            let tries = (0..1_000_000).filter(|&n| {
                let is_tried = doubt.allows();
                match is_tried && !fails(n) {
                    true => doubt.lessen(),
                    false => doubt.grow(),
                }
                is_tried
            });
            tries.count()
        };
        assert!(n_tried(|_| true) < 1000);
        assert_eq!(n_tried(|n| n % 10 == 0), 1_000_000);
        assert!(n_tried(|n| n < 1000) > 990_000);
    }
}

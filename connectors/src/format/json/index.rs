//! An index of literals: where the one is that is written as some bytes.
//!
//! ```text
//!  hash of ,"ms":  ──▶  slots │ – │ 4 │ 0 │ – │ 2 │ …     4 is looked at, it is another; 0 is looked at, that is it
//! ```
//!
//! Slots are looked at from the one that the hash names, up to one that is empty. Whoever gives the bytes may choose them so
//! that many are looked at, which is why the caller counts.

use xxhash_rust::xxh3::xxh3_64;

use super::shape::MemberIdx;

const N_SLOTS_FIRST: usize = 16;

/// The places of literals in a list that is kept elsewhere.
pub(super) struct Index {
    /// As many as a power of two, or none; half of them at least are empty.
    slots: Vec<MemberIdx>,
    n: usize,
}

impl Index {
    pub(super) const fn new() -> Self {
        Index {
            slots: Vec::new(),
            n: 0,
        }
    }

    /// An index of `literals` with room for as many again.
    pub(super) fn of<'a>(literals: impl ExactSizeIterator<Item = &'a [u8]>) -> Self {
        let n_slots = N_SLOTS_FIRST.max(literals.len().next_power_of_two() * 4);
        let mut index = Index {
            slots: vec![MemberIdx::NONE; n_slots],
            n: 0,
        };
        for (n, literal) in literals.enumerate() {
            index.add(literal, MemberIdx::new(n));
        }
        index
    }

    /// Whether there is no room for another.
    pub(super) fn is_full(&self) -> bool {
        self.n * 2 >= self.slots.len()
    }

    /// Adds a literal that is not there, if it is not [full](Self::is_full).
    pub(super) fn add(&mut self, literal: &[u8], idx: MemberIdx) {
        let mask = self.slots.len() - 1;
        let mut slot = hash(literal) & mask;
        while self.slots[slot] != MemberIdx::NONE {
            slot = (slot + 1) & mask;
        }
        self.slots[slot] = idx;
        self.n += 1;
    }

    /// The place of `literal`, the first of those that it may be that `is_it`, and how many were looked at: at most
    /// `n_looks_max`, and then it is not found.
    #[inline]
    pub(super) fn find(
        &self,
        literal: &[u8],
        n_looks_max: usize,
        is_it: impl Fn(MemberIdx) -> bool,
    ) -> (Option<MemberIdx>, usize) {
        let Some(mask) = self.slots.len().checked_sub(1) else {
            return (None, 0);
        };
        let mut slot = hash(literal) & mask;
        for n_looks in 0..n_looks_max {
            match self.slots[slot] {
                MemberIdx::NONE => return (None, n_looks),
                idx if is_it(idx) => return (Some(idx), n_looks + 1),
                _ => slot = (slot + 1) & mask,
            }
        }
        (None, n_looks_max)
    }
}

/// Of which the low bits name a slot.
#[inline]
fn hash(literal: &[u8]) -> usize {
    xxh3_64(literal) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_is_found() {
        let literals: Vec<String> = (0..1000).map(|n| format!(",\"{n}\":")).collect();
        let mut index = Index::new();
        for n in 0..literals.len() {
            if index.is_full() {
                index = Index::of(literals[..n].iter().map(String::as_bytes));
            }
            let find = |index: &Index, at: usize| {
                let literal = literals[at].as_bytes();
                let is_it = |idx: MemberIdx| literals[idx.as_usize()] == literals[at];
                index.find(literal, usize::MAX, is_it).0
            };
            assert!(find(&index, n).is_none());
            index.add(literals[n].as_bytes(), MemberIdx::new(n));
            for at in [0, n / 2, n] {
                assert!(find(&index, at) == Some(MemberIdx::new(at)), "{at} of {n}");
            }
        }
    }
}

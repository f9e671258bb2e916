//! The hash by which values are counted that come from outside.
//!
//! Its seed is drawn anew in each process, so that nobody who sends values can know which of them collide. Within a process it
//! is one: a set that is merged into another brings its hashes along.
//!
//! *Invariants*: no such hash leaves the process. What is written of a set are its values, and they are hashed anew when they
//! are read.

use std::hash::BuildHasher;

use foldhash::SharedSeed;
use foldhash::fast::FoldHasher;

/// Tells the hashes of values from other hashes that use the seed.
const VALUES: u64 = 0x76_61_6c_75_65_73;

/// Makes hashers of the process's seed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seeded;

impl BuildHasher for Seeded {
    type Hasher = FoldHasher<'static>;

    #[inline]
    fn build_hasher(&self) -> FoldHasher<'static> {
        FoldHasher::with_seed(VALUES, SharedSeed::global_random())
    }
}

#[cfg(test)]
mod tests {
    use foldhash::fast::FixedState;

    use super::*;

    #[test]
    fn hashes_are_the_same_within_a_process_and_not_those_of_another() {
        let on_another_thread = std::thread::spawn(|| Seeded.hash_one("visitor"));
        let hash = Seeded.hash_one("visitor");
        assert_eq!(hash, on_another_thread.join().expect("it hashes"));
        // What a sender could compute.
        let known = FixedState::with_seed(VALUES).hash_one("visitor");
        assert_ne!(hash, known);
    }
}

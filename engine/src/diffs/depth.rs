//! How deep in loops a collection lies, which decides what its timestamps are.

use differential_dataflow::lattice::Lattice;
use timely::order::Product;
use timely::progress::Timestamp;

/// A depth.
pub trait Depth: sealed::Sealed + 'static {
    /// What diffs are timed by.
    type Time: Timestamp + Lattice;
}

/// Outside of loops: by epochs.
#[derive(Clone, Copy, Debug)]
pub struct Outside;

/// Inside of a loop: by epochs and rounds.
#[derive(Clone, Copy, Debug)]
pub struct Inside;

impl Depth for Outside {
    type Time = u64;
}

impl Depth for Inside {
    type Time = Product<u64, u64>;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Outside {}
    impl Sealed for super::Inside {}
}

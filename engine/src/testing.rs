//! For tests of what builds on this crate: parts of the world that fail when they are told to.

mod fault_store;
#[cfg(test)]
pub(crate) mod random;

pub use fault_store::FaultStore;

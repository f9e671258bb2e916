//! What a run came to.

/// What a run came to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured {
    pub(crate) events: u64,
    pub(crate) rows: u64,
    /// How many were committed.
    pub(crate) snapshots: u64,
    pub(crate) seconds: f64,
}

impl Measured {
    pub(crate) fn per_second(self) -> f64 {
        self.events as f64 / self.seconds
    }
}

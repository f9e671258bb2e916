//! What the tests of several files of this crate need.

mod killed;

use std::sync::Arc;

use millstream_engine::{EventTime, Registry, SourceContext, StatePlace, SystemClock, Waker};
use xxhash_rust::xxh3::xxh3_64_with_seed;

pub(crate) use killed::{Buckets, Killed, TestedPart, context as sink_context, numbered};

/// Numbers that are the same for the same seed.
pub(crate) struct Random {
    seed: u64,
    n_drawn: u64,
}

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Random { seed, n_drawn: 0 }
    }

    /// A number from 0 to `n` − 1.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.n_drawn += 1;
        (xxh3_64_with_seed(&self.n_drawn.to_le_bytes(), self.seed) % n as u64) as usize
    }
}

/// What source `name` may know of a run that started at `started`.
pub(crate) fn context(name: &str, started: EventTime) -> SourceContext {
    SourceContext {
        app: "tests".into(),
        name: name.into(),
        run: "run".into(),
        workers: 2,
        started,
        clock: Arc::new(SystemClock::new()),
        registry: Arc::new(Registry::default()),
        place: StatePlace::none(),
    }
}

/// A waker that nobody listens to.
pub(crate) fn unheard() -> Waker {
    Waker::new(|| {})
}

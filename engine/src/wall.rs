//! The wall clock: the one place where a run asks what time it is.
//!
//! Nothing inside an operator reads a clock. Sources, the epoch clock and the worker loop ask this one, so that a test
//! can put a [`VirtualClock`] in its place and let hours pass in no time.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use crate::time::{EventTime, micros_of};

/// Something that knows what time it is.
pub trait WallClock: Send + Sync + 'static {
    /// The time now; never goes back.
    fn now(&self) -> EventTime;
    /// Whether waiting until a time of this clock means waiting that long for real.
    fn is_real(&self) -> bool;
    /// Asks for a call of `wake` whenever the time was moved by hand.
    fn on_jump(&self, wake: Box<dyn Fn() + Send + Sync>);
}

/// The system's clock, read once at the start and then followed by the monotonic one.
#[derive(Debug)]
pub struct SystemClock {
    started: EventTime,
    since: Instant,
}

impl SystemClock {
    /// A clock that starts at the system's time.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place where time enters")]
    pub fn new() -> Self {
        let since_1970 = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        SystemClock {
            started: EventTime::from_micros(micros_of(since_1970)),
            since: Instant::now(),
        }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl WallClock for SystemClock {
    fn now(&self) -> EventTime {
        self.started.plus(self.since.elapsed())
    }
    fn is_real(&self) -> bool {
        true
    }
    fn on_jump(&self, _wake: Box<dyn Fn() + Send + Sync>) {}
}

/// A clock that stands still until it is told to move.
///
/// # Examples
/// ```
/// use millstream_engine::{EventTime, VirtualClock, WallClock, seconds};
/// let clock = VirtualClock::starting_at(EventTime::from_micros(0));
/// clock.advance(seconds(3600));
/// assert_eq!(clock.now(), EventTime::from_micros(3_600_000_000));
/// ```
#[derive(Clone)]
pub struct VirtualClock(Arc<Inner>);

struct Inner {
    now: AtomicI64,
    wakes: Mutex<Vec<Box<dyn Fn() + Send + Sync>>>,
}

impl VirtualClock {
    /// A clock that stands at `start`.
    #[must_use]
    pub fn starting_at(start: EventTime) -> Self {
        VirtualClock(Arc::new(Inner {
            now: AtomicI64::new(start.micros()),
            wakes: Mutex::default(),
        }))
    }

    /// Moves the clock on by `by` and wakes whoever waits for it.
    pub fn advance(&self, by: Duration) {
        self.0.now.fetch_add(micros_of(by), Ordering::SeqCst);
        for wake in self
            .0
            .wakes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
        {
            wake();
        }
    }
}

impl WallClock for VirtualClock {
    fn now(&self) -> EventTime {
        EventTime::from_micros(self.0.now.load(Ordering::SeqCst))
    }
    fn is_real(&self) -> bool {
        false
    }
    fn on_jump(&self, wake: Box<dyn Fn() + Send + Sync>) {
        self.0
            .wakes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(wake);
    }
}

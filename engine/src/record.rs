//! Records: a value and the event time it happened at.
//!
//! The event time travels beside the value through every step, and so does one more thing: where a record came *behind*
//! the watermark of its own partition, that watermark. A record at or after its partition's watermark can never be late,
//! and one behind it can be judged by any step downstream from what it carries, so that lateness depends on the input
//! alone and not on how records fall into epochs or over workers.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::time::EventTime;

/// What a stream may carry: plain owned data that can be copied, moved to another worker and written down.
pub trait Data: Clone + Send + Serialize + DeserializeOwned + 'static {}

impl<T: Clone + Send + Serialize + DeserializeOwned + 'static> Data for T {}

/// A value, its event time, and the watermark it came behind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record<T> {
    /// What happened.
    pub value: T,
    /// When it happened.
    pub time: EventTime,
    /// The watermark its partition had when it came, if the record was behind it; else [`EventTime::MIN`].
    pub behind: EventTime,
}

impl<T> Record<T> {
    /// A record that is not behind its watermark.
    pub fn new(value: T, time: EventTime) -> Self {
        Record {
            value,
            time,
            behind: EventTime::MIN,
        }
    }

    /// The value, and the rest of the record: to be put together again [with](Self::with) another value.
    pub fn parted(self) -> (T, Record<()>) {
        let Record {
            value,
            time,
            behind,
        } = self;
        let rest = Record {
            value: (),
            time,
            behind,
        };
        (value, rest)
    }

    /// The same record with another value.
    pub fn with<U>(&self, value: U) -> Record<U> {
        Record {
            value,
            time: self.time,
            behind: self.behind,
        }
    }
}

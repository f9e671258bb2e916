//! The collector: events that are pushed in, by HTTP clients or by the program itself, and kept before they are
//! acknowledged.
//!
//! ```text
//!  any thread                                            the log                 a worker
//!  offer(body) ─▶ split ─▶ decode each ─▶ append ─▶ … durable ─▶ receipt, token  partition ─▶ accept, or reject
//! ```
//!
//! A body is one JSON value, an array of values, or a value a line; or one or more CloudEvents. Each value is an event,
//! counted from 0 where a receipt tells of errors (blank lines are none). They are decoded at once, so that the client is
//! told which of its events were refused and why; these become dead letters, and the others are taken all the same.
//!
//! Nobody can be asked for a posted event again, so the collector keeps it in a log ([`Topic`]) of its own and answers
//! when it is durable there. The pipeline reads the log like any other source that can give again what was lost. The
//! partition is a hash of the event's id, and an id is taken once: a client that got no answer sends the same events again
//! and nothing is counted twice.
//!
//! In a run that keeps no state the log is in memory, and gone with the process like everything else.
//!
//! *Invariants*: what a receipt calls accepted is durable, if the run keeps state. How far the log is ahead of the pipeline
//! is bounded.

mod access;
mod body;
mod body_error;
mod cloud_event;
mod encoding;
mod events;
mod front;
mod keeping;
mod kind;
mod limits;
mod source;
mod token;

use crate::format::Decode;
use crate::log::{Topic, TopicSettings};
use access::Access;
use keeping::{Keeping, Settings};
use limits::Limits;

pub use source::CollectorSource;

/// A source that events are pushed into; [`decode`](Self::decode) says what they are.
///
/// # Examples
/// ```
/// use millstream_connectors::{Collector, Event, Json};
/// let views = Collector::new().ahead_events(10_000).decode(Json::<Event<u32>>::new());
/// ```
#[derive(Clone, Debug)]
pub struct Collector {
    settings: Settings,
}

impl Collector {
    /// A collector that anyone may push events into. It takes bodies of up to 16 MiB, or 64 MiB decompressed, with up to
    /// 100,000 events of up to 1 MiB, until the pipeline is 1,000,000 events or 256 MiB behind; and keeps them for a week or 1 GiB,
    /// and in any case until the pipeline has read them for good.
    #[must_use]
    pub fn new() -> Self {
        Collector {
            settings: Settings {
                limits: Limits::default(),
                access: Access::default(),
                ahead_events: 1_000_000,
                ahead_bytes: 256 * 1024 * 1024,
                keeping: Keeping::WithState(TopicSettings::new()),
            },
        }
    }

    /// Takes events from clients that send `authorization: Bearer` and this key, and from those with another key of this
    /// collector.
    ///
    /// May be said several times, so that a key can be replaced without a gap. Keys are visible ASCII of up to 512 bytes; one
    /// that is not, or is empty, is an error when the run starts.
    ///
    /// # Examples
    /// ```
    /// use millstream_connectors::Collector;
    /// let collector = Collector::new().bearer_key("this-year").bearer_key("last-year");
    /// assert!(!format!("{collector:?}").contains("year"));
    /// ```
    #[must_use]
    pub fn bearer_key(mut self, key: impl AsRef<str>) -> Self {
        self.settings.access.add_bearer(key.as_ref());
        self
    }

    /// Takes events from clients that send `authorization: Basic` with this name and secret, and from those with another
    /// key of this collector.
    ///
    /// May be said several times. Together they have up to 511 bytes, and the name has no colon; an empty or longer one is
    /// an error when the run starts.
    #[must_use]
    pub fn basic_key(mut self, name: impl AsRef<str>, secret: impl AsRef<str>) -> Self {
        self.settings
            .access
            .add_basic(name.as_ref(), secret.as_ref());
        self
    }

    /// Lets the log be up to `n` events ahead of the pipeline, 1,000,000 if not said otherwise; then clients are to come
    /// again later.
    ///
    /// A body that finds the log less far ahead is taken as a whole.
    #[must_use]
    pub fn ahead_events(mut self, n: u64) -> Self {
        self.settings.ahead_events = n;
        self
    }

    /// Lets what came in this run and the pipeline has not read have up to `n` bytes, 256 MiB if not said otherwise; then
    /// clients are to come again later.
    #[must_use]
    pub fn ahead_bytes(mut self, n: u64) -> Self {
        self.settings.ahead_bytes = n;
        self
    }

    /// Keeps events in a log of these settings, beside the state of the run; in memory if it keeps none.
    ///
    /// One partition, which is what there is if nothing else is said, is read by one worker; it is synced in less time than
    /// several, and no quiet one holds up the watermark. More of them are for pipelines whose decoding is the work.
    #[must_use]
    pub fn kept(mut self, settings: TopicSettings) -> Self {
        self.settings.keeping = Keeping::WithState(settings);
        self
    }

    /// Keeps events in `topic`, which others may read and write too.
    #[must_use]
    pub fn in_topic(mut self, topic: Topic) -> Self {
        self.settings.keeping = Keeping::InTopic(topic);
        self
    }

    /// Takes bodies of up to `bytes` as they are sent; 16 MiB if not said otherwise.
    #[must_use]
    pub fn body_bytes_max(mut self, bytes: usize) -> Self {
        self.settings.limits.body_bytes = bytes;
        self
    }

    /// Takes bodies that were compressed and have up to `bytes` when they no longer are; 64 MiB if not said otherwise.
    ///
    /// No more than this is ever held of one, whatever it says it is.
    #[must_use]
    pub fn decoded_bytes_max(mut self, bytes: usize) -> Self {
        self.settings.limits.decoded_bytes = bytes;
        self
    }

    /// Takes bodies with up to `n` events, rejected ones among them; 100,000 if not said otherwise.
    #[must_use]
    pub fn body_events_max(mut self, n: usize) -> Self {
        self.settings.limits.body_events = n;
        self
    }

    /// Takes events of up to `bytes`, 1 MiB if not said otherwise; a larger one becomes a dead letter.
    #[must_use]
    pub fn event_bytes_max(mut self, bytes: usize) -> Self {
        self.settings.limits.event_bytes = bytes;
        self
    }

    /// A source of the values that `format` makes of the events.
    pub fn decode<F: Decode>(self, format: F) -> CollectorSource<F> {
        CollectorSource {
            settings: self.settings,
            format,
        }
    }
}

impl Default for Collector {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests;

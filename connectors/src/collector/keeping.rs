//! Keeping: where a collector's events are kept, and how much of them at once.
//!
//! Beside the state of the run, where they belong to it and to nobody else; in memory, if it keeps none; or in a topic that
//! the user has opened, and that others may read and write too.

use std::sync::{Arc, Weak};

use millstream_engine::{BoxError, Registry, StatePlace};

use super::access::Access;
use super::limits::Limits;
use crate::log::{self, MemoryStore, Retention, SyncPolicy, Topic, TopicSettings};

/// What is said of a collector.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) limits: Limits,
    pub(super) access: Access,
    /// How many events may be in the log that the pipeline has not read.
    pub(super) ahead_events: u64,
    /// And how many bytes of those that came in this run.
    pub(super) ahead_bytes: u64,
    pub(super) keeping: Keeping,
}

/// Where events are kept.
#[derive(Clone, Debug)]
pub(super) enum Keeping {
    /// In a topic beside the state of the run.
    WithState(TopicSettings),
    /// In a topic that others may read too.
    InTopic(Topic),
}

impl Keeping {
    /// Opens the topic for source `source`; one of the run is closed when that is over, and has no reader but `reader`.
    pub(super) fn open(
        &self,
        (source, reader): (&str, &str),
        place: &StatePlace,
        registry: &Weak<Registry>,
    ) -> Result<Topic, BoxError> {
        let settings = match self {
            Keeping::InTopic(topic) => return Ok(topic.clone()),
            Keeping::WithState(settings) => settings.clone(),
        };
        let name = log::store_name("source", source);
        let topic = match place.within(&name)? {
            Some(store) => Topic::open_in(store, settings)?,
            None => Topic::open_in(Arc::new(MemoryStore::new()), in_memory(settings))?,
        };
        if let Some(registry) = registry.upgrade() {
            let closing = topic.clone();
            registry.at_end(move || {
                if let Err(error) = closing.close() {
                    tracing::warn!(%error, "a topic was not closed in order; it is looked through when it is opened");
                }
            });
        }
        let others = topic.readers();
        // The log goes with the state, whatever the application is called now: nobody else will read it.
        for other in others.iter().filter(|other| *other != reader) {
            topic.forget_reader(other)?;
        }
        Ok(topic)
    }
}

/// The settings of a log in memory: what was read and committed is of no use any more.
fn in_memory(settings: TopicSettings) -> TopicSettings {
    let nothing = Retention {
        bytes: 0,
        ..Retention::default()
    };
    // Nothing is gained by putting it off, and whoever stops waits for what was answered to be there.
    let settings = settings.retention(nothing).sync(SyncPolicy::EveryGroup);
    settings.segment_bytes(1024 * 1024)
}

//! What is under the handles of a topic: its partitions, what waits for the writer, and whether it still writes.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use millstream_engine::Store;

use super::error::LogError;
use super::group::Queue;
use super::open::Cut;
use super::readers::Readers;
use super::sequence::Sequence;
use super::settings::TopicSettings;

/// What handles, readers and the writer share.
pub(super) struct Inner {
    /// Where it is.
    pub(super) place: String,
    id: String,
    pub(super) settings: TopicSettings,
    pub(super) store: Arc<dyn Store>,
    pub(super) sequences: Vec<Sequence>,
    pub(super) queue: Queue,
    readers: Mutex<Readers>,
    cuts: Vec<Cut>,
    failure: OnceLock<LogError>,
    /// The partition of the next call without ids.
    turn: AtomicU32,
}

impl Inner {
    pub(super) fn new(
        (place, id): (String, String),
        settings: TopicSettings,
        store: Arc<dyn Store>,
        sequences: Vec<Sequence>,
        readers: Readers,
        cuts: Vec<Cut>,
    ) -> Self {
        Inner {
            place,
            id,
            queue: Queue::new(settings.pending_bytes_max),
            settings,
            store,
            sequences,
            readers: Mutex::new(readers),
            cuts,
            failure: OnceLock::new(),
            turn: AtomicU32::new(0),
        }
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn cuts(&self) -> &[Cut] {
        &self.cuts
    }

    pub(super) fn readers(&self) -> MutexGuard<'_, Readers> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn sequence(&self, partition: u32) -> Result<&Sequence, LogError> {
        let sequence = self.sequences.get(partition as usize);
        sequence.ok_or_else(|| LogError::NoPartition {
            place: self.place.clone(),
            partition,
            partitions: self.settings.partitions,
        })
    }

    pub(super) fn known(&self, partition: u32) -> &Sequence {
        match self.sequence(partition) {
            Ok(sequence) => sequence,
            Err(error) => panic!("{error}"),
        }
    }

    /// The partition for a call without ids.
    pub(super) fn next_turn(&self) -> u32 {
        self.turn.fetch_add(1, Ordering::Relaxed) % self.settings.partitions
    }

    pub(super) fn failure(&self) -> Option<LogError> {
        self.failure.get().cloned()
    }

    pub(super) fn closed(&self) -> LogError {
        LogError::Closed {
            place: self.place.clone(),
        }
    }

    pub(super) fn failure_or_closed(&self) -> LogError {
        self.failure().unwrap_or_else(|| self.closed())
    }

    pub(super) fn check_open(&self) -> Result<(), LogError> {
        if let Some(failure) = self.failure() {
            return Err(failure);
        }
        match self.queue.is_closed() {
            true => Err(self.closed()),
            false => Ok(()),
        }
    }

    pub(super) fn beyond_end(&self, partition: u32, offset: u64, end: u64) -> LogError {
        LogError::BeyondEnd {
            place: self.place.clone(),
            partition,
            offset,
            end,
        }
    }

    /// Nothing is written from now on; everyone who waits for more is told.
    pub(super) fn fail(&self, error: LogError) {
        if self.failure.set(error).is_ok() {
            for sequence in &self.sequences {
                sequence.shelf.end();
            }
        }
    }

    /// An error is the end of all writing.
    pub(super) fn or_fail<T>(&self, result: Result<T, LogError>) -> Result<T, LogError> {
        if let Err(error) = &result {
            self.fail(error.clone());
        }
        result
    }
}

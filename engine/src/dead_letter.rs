//! Dead letters: records that could not be processed, kept with the reason.
//!
//! Bad input is data. It is counted, written down and readable; it never stops a pipeline and never loses its neighbours.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use crate::error::BoxError;

/// How many bytes of a record a dead letter keeps.
pub const RAW_BYTES_MAX: usize = 64 * 1024;

/// A record that could not be processed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// The name of the source.
    pub source: String,
    /// The partition of the source.
    pub partition: u32,
    /// Where in the partition it stood.
    pub offset: u64,
    /// Why it could not be processed, in a sentence.
    pub reason: String,
    /// Its bytes, the first [`RAW_BYTES_MAX`].
    pub raw: Vec<u8>,
}

/// Where dead letters go.
pub trait DeadLetters: Send + Sync + 'static {
    /// Takes `letters`, in the order of their partition. Called by worker threads, a batch at a time.
    ///
    /// # Errors
    /// What went wrong; ends the run.
    fn write(&self, letters: Vec<DeadLetter>) -> Result<(), BoxError>;

    /// Makes readable what was written so far. Called at publish epochs and at the end.
    ///
    /// # Errors
    /// What went wrong; ends the run.
    fn flush(&self) -> Result<(), BoxError> {
        Ok(())
    }
}

/// The last thousand dead letters, in memory: where they go if nobody says otherwise.
#[derive(Debug, Default)]
pub struct RecentDeadLetters(Mutex<VecDeque<DeadLetter>>);

impl RecentDeadLetters {
    const KEPT: usize = 1000;

    /// The letters kept, oldest first.
    #[must_use]
    pub fn letters(&self) -> Vec<DeadLetter> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .cloned()
            .collect()
    }
}

impl DeadLetters for RecentDeadLetters {
    fn write(&self, letters: Vec<DeadLetter>) -> Result<(), BoxError> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend(letters);
        let excess = kept.len().saturating_sub(Self::KEPT);
        kept.drain(..excess);
        Ok(())
    }
}

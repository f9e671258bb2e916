//! A letter as it stands in the log: the row of a dead letter as a JSON object.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use millstream_engine::{EventTime, Trial};
use serde::{Deserialize, Serialize};

/// A dead letter in a letter book.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Letter {
    /// Its number in the book.
    #[serde(default)]
    pub number: u64,
    /// The name of the source.
    pub source: String,
    /// The partition of the source.
    pub partition: u32,
    /// Where in the partition it stood.
    pub offset: u64,
    /// When it happened, if it could be read that far.
    pub event_time: Option<EventTime>,
    /// Why it could not be processed.
    pub reason: String,
    /// The record, or the first 64 KiB of it, if it is text.
    pub raw: Option<String>,
    /// The same in base64, if it is none.
    pub raw_base64: Option<String>,
    /// How many bytes it had.
    pub bytes: u64,
    /// When it was rejected for the first time.
    pub first_seen: EventTime,
    /// How often it was rejected.
    pub attempts: u32,
    /// Whether it was sent through the pipeline again since.
    #[serde(default)]
    pub replayed: bool,
}

impl Letter {
    pub(super) fn parse(number: u64, payload: &[u8]) -> serde_json::Result<Self> {
        let mut letter: Letter = serde_json::from_slice(payload)?;
        letter.number = number;
        Ok(letter)
    }

    /// How many bytes it holds.
    pub(super) fn held_bytes(&self) -> usize {
        let raw = self.raw.iter().chain(&self.raw_base64);
        self.reason.len() + raw.map(String::len).sum::<usize>()
    }

    /// The record as it came, if all of it is there.
    pub(super) fn whole(&self) -> Option<Vec<u8>> {
        let raw = match (&self.raw, &self.raw_base64) {
            (Some(text), _) => text.clone().into_bytes(),
            (None, Some(base64)) => STANDARD.decode(base64).ok()?,
            (None, None) => return None,
        };
        (raw.len() as u64 == self.bytes).then_some(raw)
    }

    pub(super) fn trial(&self) -> Trial {
        Trial {
            first_seen: self.first_seen,
            attempts: self.attempts,
        }
    }
}

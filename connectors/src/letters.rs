//! The letter book: dead letters in a log, to be read, and to be sent through the pipeline again.
//!
//! ```text
//!  sink "dead-letters" ──rows──▶ topic: letter │ letter │ sending 0,1 │ letter │ sent 0,1 │ …
//!                                  │ page                    ▲                     ▲
//!                                  └─ replay ─ pick ─────────┴─▶ inlet of source ──┘
//! ```
//!
//! A letter stays where it is: that it was sent again is a mark behind it. A mark is made before the letters are handed
//! to their source, and another when the source has them for certain; what lies between the two when a process dies is
//! handed over once more by the next, under the same keys, and the source takes each key once. So a letter is sent again
//! once, whatever happens; if it fails again there is a new one, which says how often it was tried.

mod filter;
mod letter;
mod replay;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::log::{LogError, NewRecord, Topic};

pub use filter::LetterFilter;
pub use letter::Letter;
pub use replay::{Replay, ReplayError};

/// The dead letters of a run.
pub struct LetterBook {
    topic: Topic,
    marks: Mutex<Marks>,
    /// One replay at a time.
    replaying: Mutex<()>,
}

/// Which letters were sent again, by their offset in the topic.
#[derive(Default)]
struct Marks {
    sent: BTreeSet<u64>,
    /// Handed to their source, by which it is not known whether it has them.
    sending: BTreeSet<u64>,
}

/// Some letters, oldest first.
#[derive(Clone, Debug, PartialEq)]
pub struct LetterPage {
    /// The letters.
    pub letters: Vec<Letter>,
    /// Where the next page begins, if there may be more.
    pub next: Option<u64>,
}

/// Why the letter book could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LetterError {
    /// The log could not be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The topic has more than one partition.
    #[error(
        "the topic of dead letters {place} has {partitions} partitions, and a letter book has one: \
         leave TopicSettings::partitions as it is, and give the topic another place"
    )]
    Partitions {
        /// Where the topic is.
        place: String,
        /// How many it has.
        partitions: u32,
    },
    /// Something in the topic is neither a letter nor a mark.
    #[error("record {offset} of {place} is no dead letter: {reason}")]
    NoLetter {
        /// Where the topic is.
        place: String,
        /// The offset of the record.
        offset: u64,
        /// What is wrong with it.
        reason: String,
    },
}

/// How long the records and reasons on a page are together, but for the first.
const PAGE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// What the header `mark` of a record says; letters have none.
const SENDING: &[u8] = br#"{"mark":"sending"}"#;
const SENT: &[u8] = br#"{"mark":"sent"}"#;

impl LetterBook {
    /// The book in `topic`, which has one partition; reads all of it once, for the marks.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn open(topic: Topic) -> Result<Self, LetterError> {
        if topic.partitions() != 1 {
            return Err(LetterError::Partitions {
                place: topic.place(),
                partitions: topic.partitions(),
            });
        }
        let mut marks = Marks::default();
        let start = topic.start(0);
        let mut reader = topic.read(0, start);
        while let Some(record) = reader.next()? {
            if record.headers.is_empty() {
                continue;
            }
            let offset = record.offset;
            let of_letters: BTreeSet<u64> = serde_json::from_slice(record.payload)
                .map_err(|error| no_letter(&topic, offset, &error))?;
            if record.headers == SENDING {
                marks.sending.extend(of_letters);
            } else {
                marks.sending.retain(|letter| !of_letters.contains(letter));
                marks.sent.extend(of_letters);
            }
        }
        marks.sent.retain(|letter| *letter >= start);
        drop(reader);
        Ok(LetterBook {
            topic,
            marks: Mutex::new(marks),
            replaying: Mutex::new(()),
        })
    }

    /// Up to `limit` letters that `filter` holds for, from number `from` on; fewer, if they are long.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub fn page(
        &self,
        filter: &LetterFilter,
        from: u64,
        limit: usize,
    ) -> Result<LetterPage, LetterError> {
        let mut letters = Vec::new();
        let (mut n_bytes, mut next) = (0, None);
        self.each(from, |letter| {
            if filter.holds(&letter) {
                n_bytes += letter.held_bytes();
                if letters.len() == limit || (n_bytes > PAGE_BYTES_MAX && !letters.is_empty()) {
                    next = Some(letter.number);
                    return false;
                }
                letters.push(letter);
            }
            true
        })?;
        Ok(LetterPage { letters, next })
    }

    /// Calls `visit` with every letter from number `from` on, oldest first, for as long as it says so.
    fn each(&self, from: u64, mut visit: impl FnMut(Letter) -> bool) -> Result<(), LetterError> {
        let mut reader = self.topic.read(0, from.max(self.topic.start(0)));
        while let Some(record) = reader.next()? {
            if !record.headers.is_empty() {
                continue;
            }
            let mut letter = Letter::parse(record.offset, record.payload)
                .map_err(|error| no_letter(&self.topic, record.offset, &error))?;
            letter.replayed = self.marks().sent.contains(&letter.number);
            if !visit(letter) {
                break;
            }
        }
        Ok(())
    }

    /// Notes durably what becomes of `letters`.
    fn mark(&self, headers: &[u8], letters: &BTreeMap<u64, Letter>) -> Result<(), LogError> {
        let numbers: Vec<u64> = letters.keys().copied().collect();
        let payload = serde_json::to_vec(&numbers).expect("numbers are JSON");
        let mark = NewRecord::new(payload).headers(headers);
        self.topic.append_and_wait(vec![mark])?;
        let mut marks = self.marks();
        if headers == SENDING {
            marks.sending.extend(numbers);
        } else {
            marks.sending.retain(|letter| !letters.contains_key(letter));
            marks.sent.extend(numbers);
        }
        Ok(())
    }

    fn marks(&self) -> MutexGuard<'_, Marks> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn no_letter(topic: &Topic, offset: u64, error: &serde_json::Error) -> LetterError {
    LetterError::NoLetter {
        place: topic.place(),
        offset,
        reason: error.to_string(),
    }
}

#[cfg(test)]
mod tests;

//! Dead letters: records that could not be processed, kept with the reason.
//!
//! Bad input is data. It is counted, written down and readable; it never stops a pipeline and never loses its neighbours.
//!
//! ```text
//!  a partition rejects ──▶ letter@e ──▶ the last thousand, in memory
//!                              └──▶ the sink for dead letters, if the application has one ──▶ commit, like any row
//! ```
//!
//! Letters flow to their sink as rows do, so they are published with the epoch that rejected them, once. The columns of
//! these rows are [`DeadLetter::columns`].

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::sink::SinkRow;
use crate::time::EventTime;
use crate::value::{Column, ColumnType, Value};

/// How many bytes of a record a dead letter keeps.
pub const RAW_BYTES_MAX: usize = 64 * 1024;

/// A record that could not be processed.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct DeadLetter {
    /// The name of the source.
    pub source: String,
    /// The partition of the source.
    pub partition: u32,
    /// Where in the partition it stood.
    pub offset: u64,
    /// When it happened, if it could be read that far.
    pub event_time: Option<EventTime>,
    /// Why it could not be processed, in a sentence.
    pub reason: String,
    /// Its bytes, the first [`RAW_BYTES_MAX`].
    pub raw: Vec<u8>,
    /// How many bytes it had.
    pub bytes: u64,
    /// When it was tried for the first time, and how often.
    pub trial: Trial,
}

/// When a record was tried for the first time, and how often it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Trial {
    /// The wall clock when it was rejected for the first time.
    pub first_seen: EventTime,
    /// How often it was rejected, this time included.
    pub attempts: u32,
}

impl DeadLetter {
    /// The columns of a letter as a row; its text is in `raw`, or its bytes are in `raw_base64` if they are no text.
    #[must_use]
    pub fn columns() -> Vec<Column> {
        use ColumnType::{Int64, Text, Timestamp};
        vec![
            Column::new("source", Text),
            Column::new("partition", Int64),
            Column::new("offset", Int64),
            Column::new("event_time", Timestamp).nullable(),
            Column::new("reason", Text),
            Column::new("raw", Text).nullable(),
            Column::new("raw_base64", Text).nullable(),
            Column::new("bytes", Int64),
            Column::new("first_seen", Timestamp),
            Column::new("attempts", Int64),
        ]
    }

    /// The letter as a row; its time is the event time, or if that is not known when it was first seen.
    #[must_use]
    pub fn row(&self) -> SinkRow {
        let (text, base64) = match self.text() {
            Some(text) => (Value::Text(text.to_owned()), Value::Null),
            None => (Value::Null, Value::Text(STANDARD.encode(&self.raw))),
        };
        let number = |n: u64| Value::Int(i64::try_from(n).unwrap_or(i64::MAX));
        SinkRow {
            time: self.event_time.unwrap_or(self.trial.first_seen),
            values: vec![
                Value::Text(self.source.clone()),
                Value::Int(self.partition.into()),
                number(self.offset),
                self.event_time.map_or(Value::Null, Value::Time),
                Value::Text(self.reason.clone()),
                text,
                base64,
                number(self.bytes),
                Value::Time(self.trial.first_seen),
                Value::Int(self.trial.attempts.into()),
            ],
        }
    }

    /// The letter that [`row`](Self::row) made these values of; `None` if they are no letter.
    #[must_use]
    pub fn from_values(values: &[Value]) -> Option<DeadLetter> {
        let [
            Value::Text(source),
            Value::Int(partition),
            Value::Int(offset),
            event_time,
            Value::Text(reason),
            text,
            base64,
            Value::Int(bytes),
            Value::Time(first_seen),
            Value::Int(attempts),
        ] = values
        else {
            return None;
        };
        let raw = match (text, base64) {
            (Value::Text(text), Value::Null) => text.clone().into_bytes(),
            (Value::Null, Value::Text(base64)) => STANDARD.decode(base64).ok()?,
            _ => return None,
        };
        Some(DeadLetter {
            source: source.clone(),
            partition: u32::try_from(*partition).ok()?,
            offset: u64::try_from(*offset).ok()?,
            event_time: match event_time {
                Value::Time(time) => Some(*time),
                _ => None,
            },
            reason: reason.clone(),
            raw,
            bytes: u64::try_from(*bytes).ok()?,
            trial: Trial {
                first_seen: *first_seen,
                attempts: u32::try_from(*attempts).ok()?,
            },
        })
    }

    /// Its bytes as text, if they are text; if they were cut within a character the rest of that is missing.
    fn text(&self) -> Option<&str> {
        match std::str::from_utf8(&self.raw) {
            Ok(text) => Some(text),
            Err(error) if error.error_len().is_none() && self.raw.len() == RAW_BYTES_MAX => {
                std::str::from_utf8(&self.raw[..error.valid_up_to()]).ok()
            }
            Err(_) => None,
        }
    }
}

/// The last thousand dead letters of a run.
#[derive(Debug, Default)]
pub(crate) struct RecentLetters(Mutex<VecDeque<DeadLetter>>);

impl RecentLetters {
    const KEPT: usize = 1000;

    /// The letters kept, oldest first.
    pub(crate) fn letters(&self) -> Vec<DeadLetter> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().cloned().collect()
    }

    pub(crate) fn take(&self, letters: &[DeadLetter]) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = letters.len().saturating_sub(Self::KEPT);
        kept.extend(letters[newest..].iter().cloned());
        let excess = kept.len().saturating_sub(Self::KEPT);
        kept.drain(..excess);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(raw: &[u8]) -> DeadLetter {
        DeadLetter {
            source: "clicks".into(),
            partition: 1,
            offset: 7,
            event_time: None,
            reason: "why".into(),
            raw: raw.to_vec(),
            bytes: raw.len() as u64,
            trial: Trial {
                first_seen: EventTime::from_micros(5),
                attempts: 2,
            },
        }
    }

    #[test]
    fn a_row_has_a_value_for_each_column() {
        let columns = DeadLetter::columns();
        for raw in [&b"x\"\n"[..], &[0xff, 0]] {
            let row = letter(raw).row();
            assert_eq!(row.values.len(), columns.len());
            assert_eq!(row.time, EventTime::from_micros(5));
            let is_null = |value: &Value| matches!(value, Value::Null);
            assert_eq!(is_null(&row.values[5]), raw[0] == 0xff, "text as text");
            assert_eq!(is_null(&row.values[6]), raw[0] != 0xff, "bytes as base64");
            assert_eq!(DeadLetter::from_values(&row.values), Some(letter(raw)));
            assert_eq!(DeadLetter::from_values(&row.values[1..]), None);
        }
    }

    #[test]
    fn text_that_was_cut_within_a_character_stays_text() {
        let mut raw = vec![b'a'; RAW_BYTES_MAX - 1];
        raw.push("é".as_bytes()[0]);
        let cut = letter(&raw);
        assert_eq!(cut.text().map(str::len), Some(RAW_BYTES_MAX - 1));
        assert_eq!(letter(&raw[1..]).text(), None, "this one was not cut");
    }

    #[test]
    fn the_last_thousand_are_kept() {
        let recent = RecentLetters::default();
        for offset in 0..1500 {
            let of_offset = DeadLetter {
                offset,
                ..letter(b"")
            };
            recent.take(&[of_offset]);
        }
        let kept = recent.letters();
        assert_eq!((kept.len(), kept[0].offset), (1000, 500));
    }
}

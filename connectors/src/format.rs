//! Formats: from the bytes of one record to a Rust value.
//!
//! A source finds out where a record begins and ends; a format makes a value of what lies between. A record that cannot
//! be decoded becomes a dead letter with the sentence of its [`DecodeError`]: it says what is wrong, and where.

mod json;

use std::fmt;

use millstream_engine::Data;

pub use json::Json;
pub(crate) use json::{explain, text_of};

/// Makes values of the bytes of records.
///
/// Each partition has a copy of its own, so a format may learn from the records of a stream how to read the next ones.
/// What it makes of a record must not depend on that.
pub trait Decode: Clone + Send + Sync + 'static {
    /// What a record becomes.
    type Item: Data;

    /// Decodes one record, which is given whole and without its line ending.
    ///
    /// # Errors
    /// What is wrong with the record and where; it becomes a dead letter.
    fn decode(&mut self, record: &[u8]) -> Result<Self::Item, DecodeError>;

    /// The same for a record that is known to be UTF-8.
    ///
    /// Worth its own way only for a format that would look whether it is.
    ///
    /// # Errors
    /// As [`decode`](Self::decode) has.
    #[inline]
    fn decode_text(&mut self, record: &str) -> Result<Self::Item, DecodeError> {
        self.decode(record.as_bytes())
    }

    /// What names the event in `record`, if the format knows of names: an event that is sent again has the same name.
    ///
    /// Asked of records that do not decode, too; should be quick, since it is asked of each event that is pushed in.
    fn event_id(&mut self, _record: &[u8]) -> Option<String> {
        None
    }
}

/// A place in a record, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The line; a record of a file of lines has only one.
    pub line: usize,
    /// The byte within the line.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 1 {
            write!(f, "line {}, ", self.line)?;
        }
        write!(f, "column {}", self.column)
    }
}

/// Why a record could not be decoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// There is no value.
    #[error("the record is empty, expected one value")]
    Empty,
    /// The bytes are no text.
    #[error("not UTF-8 at {place}")]
    NotUtf8 {
        /// The first byte that does not belong.
        place: Place,
    },
    /// Something follows the value.
    #[error("found more after the first value at {place}, expected one value a record")]
    MoreThanOne {
        /// Where the rest begins.
        place: Place,
    },
    /// An array stands where a value with named fields should.
    #[error(
        "found an array at {place}, expected an object: a record is one event, \
         so make each element of the array a record of its own (in NDJSON a line)"
    )]
    ArrayForObject {
        /// Where the array begins.
        place: Place,
    },
    /// The bytes do not follow the format.
    #[error("not {format} at {place}: {reason}")]
    Malformed {
        /// The format, as people call it.
        format: &'static str,
        /// Where it was noticed.
        place: Place,
        /// What is wrong.
        reason: String,
    },
    /// The bytes follow the format, but the value is not what the type asks for.
    #[error("not what is expected at {place}: {reason}")]
    Unexpected {
        /// Where it was noticed.
        place: Place,
        /// What is wrong.
        reason: String,
    },
}

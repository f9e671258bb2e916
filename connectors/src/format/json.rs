//! JSON: one record is one value.
//!
//! Records of a stream are much alike, so most of them are not parsed. A [walk](walk) goes through the text together with the
//! type that is made of it, with the [shapes](shapes) of the records before at hand. Whatever is not as plain as that is left
//! to `serde_json`, which alone says what is wrong with a record that is wrong.
//!
//! Text is checked to be UTF-8 first and as a whole: the parser would pass over bad bytes in fields that nobody asked for.
//! It nests at most 128 deep in what it keeps; what it passes over it goes through without recursion.

mod asker;
mod doubt;
mod elements;
mod event_id;
mod index;
mod literal;
mod members;
mod name;
mod names;
mod probe;
mod scan;
mod shape;
mod shapes;
mod skip;
mod value;
mod variant;
mod walk;

use std::marker::PhantomData;

use millstream_engine::Data;
use serde_json::error::Category;

use doubt::Doubt;
use probe::wants_object;
use scan::space_end;
use shapes::Shapes;

use super::{Decode, DecodeError, Place};

/// Decodes one JSON value a record into a `T`, by its serde implementation.
///
/// # Examples
/// ```
/// use millstream_connectors::{Decode, Json};
/// let mut numbers = Json::<Vec<u32>>::new();
/// assert_eq!(numbers.decode(b"[1, 2]").unwrap(), [1, 2]);
/// let error = numbers.decode(b"[1, 2] [3]").unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "found more after the first value at column 8, expected one value a record"
/// );
/// ```
pub struct Json<T> {
    wants_object: bool,
    shapes: Shapes,
    /// Learnt from the same records, by whom nothing but their ids is asked for.
    shapes_to_id: Shapes,
    doubt: Doubt,
    of: PhantomData<fn() -> T>,
}

impl<T: Data> Json<T> {
    /// A format that gives values of `T`.
    #[must_use]
    pub fn new() -> Self {
        Self::unlearned(wants_object::<T>())
    }
}

impl<T> Json<T> {
    fn unlearned(wants_object: bool) -> Self {
        Json {
            wants_object,
            shapes: Shapes::new(),
            shapes_to_id: Shapes::new(),
            doubt: Doubt::new(),
            of: PhantomData,
        }
    }
}

impl<T: Data> Decode for Json<T> {
    type Item = T;

    #[inline]
    fn decode(&mut self, record: &[u8]) -> Result<T, DecodeError> {
        self.decode_text(text_of(record)?)
    }

    #[inline]
    fn decode_text(&mut self, text: &str) -> Result<T, DecodeError> {
        let bytes = text.as_bytes();
        // A derived struct would also take its fields from an array, by place: nobody means that.
        let is_wanted = bytes
            .get(space_end(bytes, 0))
            .is_some_and(|&first| first == b'{' || !self.wants_object);
        if is_wanted
            && self.doubt.allows()
            && let Ok(value) = walk::read(text, &mut self.shapes)
        {
            // What the parser reads for the most part, it had better read alone.
            match self.shapes.n_parsed > text.len() / 2 {
                true => self.doubt.grow(),
                false => self.doubt.lessen(),
            }
            return Ok(value);
        }
        self.parse(text)
    }

    /// The `eventId` of the object, if it is a string that is not empty, or a number.
    fn event_id(&mut self, record: &[u8]) -> Option<String> {
        event_id::find(record, &mut self.shapes_to_id)
    }
}

impl<T: Data> Json<T> {
    /// Decodes by the parser alone.
    #[cold]
    fn parse(&mut self, text: &str) -> Result<T, DecodeError> {
        let record = text.as_bytes();
        match record.iter().position(|byte| !b" \t\r\n".contains(byte)) {
            None => return Err(DecodeError::Empty),
            Some(at) if self.wants_object && record[at] == b'[' => {
                return Err(DecodeError::ArrayForObject {
                    place: place(record, at),
                });
            }
            Some(_) => {}
        }
        let parsed = serde_json::from_str(text).map_err(|error| explain(&error))?;
        self.doubt.grow();
        Ok(parsed)
    }
}

/// `record` as text.
#[inline]
pub(crate) fn text_of(record: &[u8]) -> Result<&str, DecodeError> {
    std::str::from_utf8(record).map_err(|error| DecodeError::NotUtf8 {
        place: place(record, error.valid_up_to()),
    })
}

/// The place of the byte at `at`.
fn place(record: &[u8], at: usize) -> Place {
    let line_start = memchr::memrchr(b'\n', &record[..at]).map_or(0, |newline| newline + 1);
    Place {
        line: memchr::memchr_iter(b'\n', &record[..at]).count() + 1,
        column: at - line_start + 1,
    }
}

#[cold]
pub(crate) fn explain(error: &serde_json::Error) -> DecodeError {
    let place = Place {
        line: error.line().max(1),
        column: error.column().max(1),
    };
    let text = error.to_string();
    let suffix = format!(" at line {} column {}", error.line(), error.column());
    let reason = text.strip_suffix(&suffix).unwrap_or(&text).to_owned();
    match error.classify() {
        Category::Data => DecodeError::Unexpected { place, reason },
        _ if reason == "trailing characters" => DecodeError::MoreThanOne { place },
        _ => DecodeError::Malformed {
            format: "JSON",
            place,
            reason,
        },
    }
}

/// The copy has learnt nothing yet.
impl<T> Clone for Json<T> {
    fn clone(&self) -> Self {
        Self::unlearned(self.wants_object)
    }
}

impl<T: Data> Default for Json<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> std::fmt::Debug for Json<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Json<{}>", std::any::type_name::<T>())
    }
}

#[cfg(test)]
mod tests;

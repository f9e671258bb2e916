//! JSON: one record is one value.
//!
//! Text is checked to be UTF-8 first and as a whole: the parser would pass over bad bytes in fields that nobody asked for.
//! It nests at most 128 deep in what it keeps; what it passes over it goes through without recursion.

mod event_id;

use std::cell::Cell;
use std::marker::PhantomData;

use millstream_engine::Data;
use serde::de::value::Error as ProbeError;
use serde::de::{Error as _, Visitor};
use serde::{Deserialize, Deserializer, forward_to_deserialize_any};
use serde_json::error::Category;

use super::{Decode, DecodeError, Place};

/// Decodes one JSON value a record into a `T`, by its serde implementation.
///
/// # Examples
/// ```
/// use millstream_connectors::{Decode, Json};
/// let numbers = Json::<Vec<u32>>::new();
/// assert_eq!(numbers.decode(b"[1, 2]").unwrap(), [1, 2]);
/// let error = numbers.decode(b"[1, 2] [3]").unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "found more after the first value at column 8, expected one value a record"
/// );
/// ```
pub struct Json<T> {
    wants_object: bool,
    of: PhantomData<fn() -> T>,
}

impl<T: Data> Json<T> {
    /// A format that gives values of `T`.
    #[must_use]
    pub fn new() -> Self {
        Json {
            wants_object: wants_object::<T>(),
            of: PhantomData,
        }
    }
}

impl<T: Data> Decode for Json<T> {
    type Item = T;

    #[inline]
    fn decode(&self, record: &[u8]) -> Result<T, DecodeError> {
        let text = text_of(record)?;
        // A derived struct would also take its fields from an array, by place: nobody means that.
        let first = record.iter().position(|byte| !b" \t\r\n".contains(byte));
        match first {
            None => return Err(DecodeError::Empty),
            Some(at) if self.wants_object && record[at] == b'[' => {
                return Err(DecodeError::ArrayForObject {
                    place: place(record, at),
                });
            }
            Some(_) => {}
        }
        serde_json::from_str(text).map_err(|error| explain(&error))
    }

    /// The `eventId` of the object, if it is a string that is not empty, or a number.
    fn event_id(&self, record: &[u8]) -> Option<String> {
        event_id::find(record)
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

impl<T> Clone for Json<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Json<T> {}

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

/// Whether `T` asks for named fields, found by letting it ask.
fn wants_object<T: for<'de> Deserialize<'de>>() -> bool {
    let asked = Cell::new(false);
    let refused = T::deserialize(Probe {
        asked_for_object: &asked,
    });
    asked.get() && refused.is_err()
}

/// Refuses everything and remembers what was asked for.
struct Probe<'a> {
    asked_for_object: &'a Cell<bool>,
}

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = ProbeError;

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, ProbeError> {
        Err(ProbeError::custom("a probe has no value"))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ProbeError> {
        self.asked_for_object.set(true);
        self.deserialize_any(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ProbeError> {
        self.deserialize_map(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ProbeError> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct seq
        tuple tuple_struct enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Event;

    fn check(record: &[u8], sentence: &str) {
        let error = Json::<Event<(u32, String)>>::new()
            .decode(record)
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            sentence,
            "{}",
            String::from_utf8_lossy(record)
        );
    }

    #[test]
    fn what_is_wrong_and_where() {
        check(b"", "the record is empty, expected one value");
        check(b"{\"a\": \"\xff\"}", "not UTF-8 at column 8");
        check(b"{\"a\": 1,}", "not JSON at column 9: trailing comma");
        check(
            b"{\"a\"",
            "not JSON at column 4: EOF while parsing an object",
        );
        check(
            b"{\"data\": {}}",
            "not what is expected at column 9: invalid type: map, expected a tuple of size 2",
        );
        check(
            b"{\n\"a\": nil}",
            "not JSON at line 2, column 7: expected ident",
        );
        check(
            b"42",
            "not what is expected at column 2: invalid type: integer `42`, expected struct Event",
        );
        let array = b"  [{\"timestamp\": \"2025-01-15T10:30:00Z\"}]";
        check(
            array,
            "found an array at column 3, expected an object: a record is one event, \
             so make each element of the array a record of its own (in NDJSON a line)",
        );
        let two = br#"{"timestamp":"2025-01-15T10:30:00Z","data":[1,"a"]} {}"#;
        check(
            two,
            "found more after the first value at column 53, expected one value a record",
        );
    }

    #[test]
    fn deep_nesting_is_an_error_and_not_a_crash() {
        let deep = "[".repeat(1 << 20);
        assert!(
            Json::<serde_json::Value>::new()
                .decode(deep.as_bytes())
                .is_err()
        );
        let ignored = format!("{{\"ignored\": {deep}");
        assert!(
            Json::<Event<u32>>::new()
                .decode(ignored.as_bytes())
                .is_err()
        );
    }

    #[test]
    fn only_named_fields_ask_for_an_object() {
        #[derive(Clone, serde::Serialize, Deserialize)]
        struct Wrapped(Event<u32>);
        assert!(wants_object::<Event<u32>>());
        assert!(wants_object::<Wrapped>());
        assert!(!wants_object::<Vec<Event<u32>>>());
        assert!(!wants_object::<serde_json::Value>());
        assert!(!wants_object::<(u32, u32)>());
    }
}

//! Guessing: one JSON value, or a value a line?
//!
//! | body | taken as |
//! |---|---|
//! | one line | one value |
//! | each line is closed in itself, and one of them is an object | lines |
//! | a value over several lines, whole or broken | one value |
//! | several values over several lines, or several objects on the only line | refused: it says neither |
//! | lines of which one is cut | lines, if the others look like it |
//!
//! A wrong guess must cost as little as it can: lines taken for one value are one event that is rejected, but a part of a
//! broken value taken for a line could be an event that nobody sent. What could be either is refused, with what to do.

use std::ops::Range;

use serde::de::IgnoredAny;

use super::brackets;
use super::lines;

/// What a body is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Guess {
    One,
    Lines,
}

/// What `body[whole]`, which is no array, is.
///
/// The error says that it is neither, and what to do.
pub(super) fn guess(body: &[u8], whole: Range<usize>) -> Result<Guess, String> {
    let bytes = &body[whole];
    if memchr::memchr(b'\n', bytes).is_none() {
        return if is_several(bytes) {
            Err(several())
        } else {
            Ok(Guess::One)
        };
    }
    match lines(bytes).find(|line| !brackets::are_closed(&bytes[line.clone()])) {
        None => Ok(among_closed(bytes)),
        Some(open) => among_open(bytes, open.start),
    }
}

/// No value goes on beyond its line: values a line, or text that is no JSON.
fn among_closed(bytes: &[u8]) -> Guess {
    let first = lines(bytes).next().unwrap_or(0..0);
    if is_value(&bytes[first]) || has_object(bytes) {
        Guess::Lines
    } else {
        Guess::One
    }
}

/// Something goes on beyond its line: what begins at `open`, and whole lines before it.
fn among_open(bytes: &[u8], open: usize) -> Result<Guess, String> {
    if is_several(&bytes[open..]) {
        return Err(several());
    }
    // Only once, and not at each line that is open: a body of nothing but those would be gone through for each.
    let mut values = serde_json::Deserializer::from_slice(&bytes[open..]).into_iter::<IgnoredAny>();
    let is_whole = matches!(values.next(), Some(Ok(_)));
    let value = &bytes[open..open + values.byte_offset()];
    if is_whole && memchr::memchr(b'\n', value).is_some() {
        return if open == 0 {
            Ok(Guess::One)
        } else {
            Err(several())
        };
    }
    if brackets::is_one(bytes) || !has_object(bytes) {
        return Ok(Guess::One);
    }
    if lines(bytes).all(|line| stands_alone(&bytes[line])) {
        return Ok(Guess::Lines);
    }
    let line_number = memchr::memchr_iter(b'\n', &bytes[..open]).count() + 1;
    Err(format!(
        "it is either one value or a value a line, and broken in line {line_number}: \
         if it is a value a line, send it as application/x-ndjson"
    ))
}

fn several() -> String {
    "it has several values that are not one a line: \
     send them in an array, or each on a line of its own as application/x-ndjson"
        .to_owned()
}

/// Whether `bytes` begin with an object that is followed by a value.
pub(super) fn is_several(bytes: &[u8]) -> bool {
    let mut values = serde_json::Deserializer::from_slice(bytes).into_iter::<IgnoredAny>();
    bytes.first() == Some(&b'{') && (0..2).all(|_| matches!(values.next(), Some(Ok(_))))
}

fn has_object(bytes: &[u8]) -> bool {
    let mut lines = lines(bytes).map(|line| &bytes[line]);
    lines.any(|line| line.first() == Some(&b'{') && is_value(line))
}

fn is_value(text: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(text).is_ok()
}

/// Whether `line` does not look like a part of something larger.
fn stands_alone(line: &[u8]) -> bool {
    let (first, last) = (line.first(), line.last());
    !matches!(first, Some(b']' | b'}' | b',')) && !matches!(last, Some(b'[' | b'{' | b','))
}

//! Bodies: which events there are in what a client sent.
//!
//! Nothing is parsed here beyond what it takes to find where an event begins and ends, so that an event that is no valid
//! JSON, or no text, costs only itself: the elements of an array are told by brackets, commas and strings alone, and it
//! is the format that looks at each of them. Nothing recurses: a body may nest as deep as it is long.
//!
//! A body that is not said to be lines, and is no array, is looked at more closely; see [`guess`].

mod brackets;
mod guess;

use std::ops::Range;

use bytes::Bytes;

use super::body_error::BodyError;
use super::kind::Kind;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// `body` without a byte-order mark, if there is something in it that could be text.
///
/// # Errors
/// If it is empty, or UTF-16.
pub(super) fn text(body: Bytes) -> Result<Bytes, BodyError> {
    let unreadable = |reason: &str| Err(BodyError::Unreadable(reason.to_owned()));
    // No JSON text has a null byte where UTF-16 has one in every other place.
    let is_utf_16 = match *body {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => true,
        [first, second, ..] => (first == 0) != (second == 0),
        _ => false,
    };
    if is_utf_16 {
        return unreadable("it looks like UTF-16: send UTF-8");
    }
    let body = match body.strip_prefix(BYTE_ORDER_MARK) {
        Some(rest) => body.slice_ref(rest),
        None => body,
    };
    if body.iter().all(u8::is_ascii_whitespace) {
        return unreadable("it is empty");
    }
    Ok(body)
}

/// Where the events of `body` are, in order, if there are no more than `n_max`.
///
/// The error says why that cannot be told, as part of a sentence.
pub(super) fn split(kind: Kind, body: &[u8], n_max: usize) -> Result<Vec<Range<usize>>, String> {
    let events = Events {
        found: Vec::new(),
        n_max,
    };
    let whole = trimmed(body, 0..body.len());
    let is_array = body.get(whole.start) == Some(&b'[');
    match kind {
        Kind::Lines => events.all(lines(body)),
        Kind::Json | Kind::CloudEvents if is_array => events.elements(body, whole),
        Kind::CloudEvents => {
            Err("a batch of CloudEvents is an array of them, and it is none".to_owned())
        }
        Kind::CloudEvent if is_array => {
            Err("it is an array: send CloudEvents as application/cloudevents-batch+json".to_owned())
        }
        Kind::CloudEvent if guess::is_several(&body[whole.clone()]) => Err(
            "it has several CloudEvents: send an array of them as application/cloudevents-batch+json"
                .to_owned(),
        ),
        Kind::CloudEvent | Kind::CloudEventInHeaders => events.all([whole]),
        Kind::Json => match guess::guess(body, whole.clone())? {
            guess::Guess::One => events.all([whole]),
            guess::Guess::Lines => events.all(lines(body)),
        },
    }
}

/// The lines that are not blank, without the white space around them.
fn lines(body: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    memchr::memchr_iter(b'\n', body)
        .chain([body.len()])
        .map(move |newline| {
            let line = trimmed(body, start..newline);
            start = newline + 1;
            line
        })
        .filter(|line| !line.is_empty())
}

/// `range` without the white space around what is in it.
fn trimmed(body: &[u8], range: Range<usize>) -> Range<usize> {
    let is_ink = |byte: &u8| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    let bytes = &body[range.clone()];
    match bytes.iter().position(is_ink) {
        None => range.start..range.start,
        Some(first) => {
            let last = bytes.iter().rposition(is_ink).unwrap_or(first);
            range.start + first..range.start + last + 1
        }
    }
}

/// Events that were found in a body.
struct Events {
    found: Vec<Range<usize>>,
    n_max: usize,
}

impl Events {
    fn push(&mut self, event: Range<usize>) -> Result<(), String> {
        if self.found.len() == self.n_max {
            return Err(format!(
                "it has more than the {} events that are taken at once: send fewer",
                self.n_max
            ));
        }
        self.found.push(event);
        Ok(())
    }

    fn all(
        mut self,
        events: impl IntoIterator<Item = Range<usize>>,
    ) -> Result<Vec<Range<usize>>, String> {
        for event in events {
            self.push(event)?;
        }
        Ok(self.found)
    }

    /// The elements of the array that is all of `body[whole]`.
    fn elements(mut self, body: &[u8], whole: Range<usize>) -> Result<Vec<Range<usize>>, String> {
        let (mut at, mut depth) = (whole.start + 1, 1);
        let mut start = at;
        while at < whole.end {
            match body[at] {
                b'"' => at = brackets::closing_quote(body, at).unwrap_or(whole.end),
                b'[' | b'{' => depth += 1,
                b']' | b'}' => depth -= 1,
                b',' if depth == 1 => {
                    self.push(trimmed(body, start..at))?;
                    start = at + 1;
                }
                _ => {}
            }
            if depth == 0 {
                break;
            }
            at += 1;
        }
        match body.get(at) {
            Some(b']') => {}
            Some(_) if at < whole.end => {
                return Err(format!(
                    "the brackets in its array do not match, at byte {}",
                    at + 1
                ));
            }
            _ => return Err("the array in it does not end".to_owned()),
        }
        if at + 1 < whole.end {
            return Err(format!(
                "there is more after the array, at byte {}: send one array, or a value a line",
                at + 2
            ));
        }
        let last = trimmed(body, start..at);
        if !(last.is_empty() && self.found.is_empty()) {
            self.push(last)?;
        }
        Ok(self.found)
    }
}

#[cfg(test)]
mod tests;

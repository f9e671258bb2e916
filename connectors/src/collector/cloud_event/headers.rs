//! CloudEvents in binary mode: attributes in the headers, data in the body.
//!
//! The attribute `subject` is in the header `ce-subject`. What cannot stand in a header is percent-encoded there; older
//! clients put the value in quotes. `content-type` describes the data alone.

use std::borrow::Cow;

use millstream_engine::Headers;
use serde_json::value::to_raw_value;

use super::{CloudEvent, Content, NoCloudEvent};

const PREFIX: &str = "ce-";
const CONTENT_TYPE: &str = "datacontenttype";

impl<'a> CloudEvent<'a> {
    /// The event whose attributes are in `headers`, and whose data is `body`.
    ///
    /// # Errors
    /// If a header is no text once it is decoded.
    pub(in crate::collector) fn from_headers(
        headers: &'a Headers,
        body: &'a [u8],
    ) -> Result<Self, NoCloudEvent> {
        let mut attributes = Vec::new();
        let mut add = |name: &'a str, text: &str| {
            let value = to_raw_value(text).expect("text can be written as JSON");
            attributes.push((Cow::Borrowed(name), Cow::Owned(value)));
        };
        for (header, value) in headers.iter() {
            if let Some(name) = header.strip_prefix(PREFIX) {
                // The data's type is told by its own header.
                if name != CONTENT_TYPE && !name.is_empty() {
                    add(
                        name,
                        &decoded(value).ok_or_else(|| NoCloudEvent::Header {
                            name: header.to_owned(),
                        })?,
                    );
                }
            }
        }
        if let Some(content_type) = headers.get("content-type") {
            add(CONTENT_TYPE, content_type);
        }
        let data = if body.is_empty() {
            Content::None
        } else {
            Content::Bytes(body)
        };
        Ok(CloudEvent { attributes, data })
    }
}

/// What a header's value stands for, if that is text.
fn decoded(value: &str) -> Option<String> {
    let value = unquoted(value.trim());
    let bytes = value.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        // A percent sign that is none of an encoding stands for itself.
        match (byte, bytes.get(at + 1..at + 3).and_then(byte_in_hex)) {
            (b'%', Some(byte)) => {
                decoded.push(byte);
                at += 3;
            }
            _ => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8(decoded).ok()
}

fn byte_in_hex(digits: &[u8]) -> Option<u8> {
    let digit = |at: usize| char::from(digits[at]).to_digit(16);
    u8::try_from(digit(0)? * 16 + digit(1)?).ok()
}

/// A value in quotes without them.
fn unquoted(value: &str) -> Cow<'_, str> {
    let inner = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    let Some(inner) = inner else {
        return Cow::Borrowed(value);
    };
    let mut unquoted = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        let escaped = (character == '\\').then(|| characters.next()).flatten();
        unquoted.push(escaped.unwrap_or(character));
    }
    Cow::Owned(unquoted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_decoded_once() {
        for (value, expected) in [
            ("plain", Some("plain")),
            ("Euro%20%E2%82%AC", Some("Euro €")),
            ("a%2520b", Some("a%20b")),
            ("100%", Some("100%")),
            ("100%zz%2", Some("100%zz%2")),
            ("%+1", Some("%+1")),
            ("\"a \\\"b\\\" %41\"", Some("a \"b\" A")),
            ("\"", Some("\"")),
            ("é", Some("é")),
            ("%ff", None),
        ] {
            assert_eq!(decoded(value).as_deref(), expected, "{value}");
        }
    }
}

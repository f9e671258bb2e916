//! CloudEvents: events in the envelope of the CNCF, which become events in Millstream's own.
//!
//! | attribute of the CloudEvent | becomes |
//! |---|---|
//! | `id` | `eventId` |
//! | `type` | `eventType` |
//! | `time` | `timestamp`; without one, the time at which it arrived |
//! | `subject` | `aggregateId` |
//! | `data` | `data`, as it stands |
//! | `source`, `dataschema`, `datacontenttype`, extensions | `metadata`, under their names |
//!
//! Data that came as bytes (`data_base64`, or the body of an event whose attributes are headers) becomes the JSON that it
//! is; or, if it is not said to be JSON, a string, if it is text; or, if it is neither, `data` is null and
//! `metadata.data_base64` has it. With `datacontenttype` beside it, none of this loses anything.
//!
//! The pair of `source` and `id` is what names a CloudEvent: an event that is sent again has the same.
//!
//! Source: CloudEvents 1.0.2, with its JSON format and its HTTP protocol binding.

mod envelope;
mod headers;

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use millstream_engine::ParseTimeError;
use serde::de::{Deserializer as _, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::events::joined;
use crate::format::{DecodeError, explain, text_of};

/// Why something is no CloudEvent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoCloudEvent {
    #[error("the CloudEvent is {0}")]
    Malformed(#[from] DecodeError),
    #[error("the CloudEvent has no {name:?}, which it must have")]
    Missing { name: &'static str },
    #[error("{name:?} of the CloudEvent must be a string that is not empty")]
    NotText { name: &'static str },
    #[error("the CloudEvent is of specversion {found:?}: only 1.0 is known")]
    Version { found: String },
    #[error("\"time\" of the CloudEvent is no time: {0}")]
    Time(#[from] ParseTimeError),
    #[error("the CloudEvent has both \"data\" and \"data_base64\": it may have one of them")]
    DataTwice,
    #[error("\"data_base64\" of the CloudEvent is no base64: {reason}")]
    Base64 { reason: String },
    #[error(
        "the data of the CloudEvent is not the JSON it is said to be, {content_type}: {reason}"
    )]
    DataNotJson {
        content_type: String,
        reason: String,
    },
    #[error("the header {name:?} of the CloudEvent is no text once it is percent-decoded")]
    Header { name: String },
}

/// A CloudEvent as it came; what is in it was not looked at yet.
#[derive(Debug)]
pub(super) struct CloudEvent<'a> {
    /// Everything but the data; no name twice, and none that is null.
    attributes: Vec<(Cow<'a, str>, Cow<'a, RawValue>)>,
    data: Content<'a>,
}

#[derive(Debug)]
enum Content<'a> {
    None,
    Json(&'a RawValue),
    Base64(Cow<'a, str>),
    Bytes(&'a [u8]),
    /// Both of them.
    Twice,
}

impl<'a> CloudEvent<'a> {
    /// The event that `json` is.
    ///
    /// # Errors
    /// If it is no JSON object.
    pub(super) fn from_json(json: &'a [u8]) -> Result<Self, NoCloudEvent> {
        let text = text_of(json)?;
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let members = deserializer
            .deserialize_map(Members)
            .and_then(|members| deserializer.end().map(|()| members));
        let members = members.map_err(|error| explain(&error))?;
        let mut event = CloudEvent {
            attributes: Vec::with_capacity(members.len()),
            data: Content::None,
        };
        for (name, value) in members
            .into_iter()
            .filter(|(_, value)| value.get() != "null")
        {
            let content = match &*name {
                "data" => Content::Json(value),
                "data_base64" => Content::Base64(text_in(value).ok_or(NoCloudEvent::NotText {
                    name: "data_base64",
                })?),
                _ => {
                    event.attributes.push((name, Cow::Borrowed(value)));
                    continue;
                }
            };
            event.data = match event.data {
                Content::None => content,
                _ => Content::Twice,
            };
        }
        Ok(event)
    }

    /// What names it, if it has that.
    pub(super) fn id(&self) -> Option<Vec<u8>> {
        let (source, id) = (self.text("source").ok()??, self.text("id").ok()??);
        Some(joined(source.as_bytes(), id.as_bytes()))
    }

    fn attribute(&self, name: &str) -> Option<&RawValue> {
        let mut attributes = self.attributes.iter();
        let (_, value) = attributes.find(|(known, _)| known == name)?;
        Some(value)
    }

    /// The text of `name`, if it is there.
    fn text(&self, name: &'static str) -> Result<Option<Cow<'_, str>>, NoCloudEvent> {
        match self.attribute(name).map(text_in) {
            None => Ok(None),
            Some(Some(text)) if !text.is_empty() => Ok(Some(text)),
            Some(_) => Err(NoCloudEvent::NotText { name }),
        }
    }

    fn required(&self, name: &'static str) -> Result<Cow<'_, str>, NoCloudEvent> {
        self.text(name)?.ok_or(NoCloudEvent::Missing { name })
    }
}

impl Content<'_> {
    /// The bytes that it came as, if it did.
    fn bytes(&self) -> Result<Option<Cow<'_, [u8]>>, NoCloudEvent> {
        match self {
            Content::None | Content::Json(_) => Ok(None),
            Content::Bytes(bytes) => Ok(Some(Cow::Borrowed(bytes))),
            Content::Base64(text) => {
                let bytes = STANDARD.decode(text.as_bytes());
                let reason = |error: base64::DecodeError| error.to_string();
                bytes
                    .map(|bytes| Some(Cow::Owned(bytes)))
                    .map_err(|error| NoCloudEvent::Base64 {
                        reason: reason(error),
                    })
            }
            Content::Twice => Err(NoCloudEvent::DataTwice),
        }
    }
}

/// The string that `value` is.
fn text_in(value: &RawValue) -> Option<Cow<'_, str>> {
    let quoted = value.get();
    if let Some(plain) = quoted
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        && !plain.contains('\\')
    {
        return Some(Cow::Borrowed(plain));
    }
    serde_json::from_str::<String>(quoted).ok().map(Cow::Owned)
}

/// The members of an object, no name twice.
struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        let mut names = std::collections::HashSet::new();
        while let Some((name, value)) = object.next_entry::<&'de RawValue, &'de RawValue>()? {
            let name = text_in(name).ok_or_else(|| A::Error::custom("a name is no string"))?;
            if !names.insert(name.clone()) {
                return Err(A::Error::custom(format_args!("it has {name:?} twice")));
            }
            members.push((name, value));
        }
        Ok(members)
    }
}

#[cfg(test)]
mod tests;

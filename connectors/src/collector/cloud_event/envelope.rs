//! The envelope that a CloudEvent is put into: what [`Event`](crate::Event) reads.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use millstream_engine::EventTime;
use serde::ser::{Serialize, SerializeMap, SerializeStruct, Serializer};
use serde_json::value::{RawValue, to_raw_value};

use super::{CloudEvent, Content, NoCloudEvent};
use crate::collector::kind;

/// Attributes that have a place of their own in the envelope, or say nothing there.
const PLACED: [&str; 5] = ["specversion", "id", "type", "time", "subject"];

impl CloudEvent<'_> {
    /// The event in Millstream's envelope, as JSON; one without a time happened at `now`.
    ///
    /// # Errors
    /// What is wrong with the event.
    pub(in crate::collector) fn envelope(&self, now: EventTime) -> Result<Vec<u8>, NoCloudEvent> {
        let version = self.required("specversion")?;
        if version != "1.0" {
            let found = version.chars().take(16).collect();
            return Err(NoCloudEvent::Version { found });
        }
        // Without it the event cannot be named, though it has no place of its own.
        self.required("source")?;
        self.text("dataschema")?;
        let content_type = self.text("datacontenttype")?;
        let timestamp = match self.text("time")? {
            Some(time) => {
                time.parse::<EventTime>()?;
                time
            }
            None => Cow::Owned(now.to_string()),
        };
        let content = Placed::of(&self.data, content_type.as_deref())?;
        let envelope = Envelope {
            event_id: self.required("id")?,
            event_type: self.required("type")?,
            timestamp,
            aggregate_id: self.text("subject")?,
            content,
            event: self,
        };
        Ok(serde_json::to_vec(&envelope).expect("text and JSON can be written as JSON"))
    }

    /// The event as it came, as JSON: so that one whose attributes were headers can be kept with them.
    pub(in crate::collector) fn as_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("text and JSON can be written as JSON")
    }
}

/// The data, as the envelope has it.
enum Placed<'a> {
    Nothing,
    Json(Cow<'a, RawValue>),
    Base64(String),
}

impl<'a> Placed<'a> {
    fn of(data: &'a Content<'_>, content_type: Option<&str>) -> Result<Self, NoCloudEvent> {
        let Some(bytes) = data.bytes()? else {
            return Ok(match data {
                Content::Json(json) => Placed::Json(Cow::Borrowed(json)),
                _ => Placed::Nothing,
            });
        };
        let may_be_json = content_type.is_none_or(is_json);
        if may_be_json {
            match serde_json::from_slice::<&RawValue>(&bytes) {
                Ok(json) => return Ok(Placed::Json(Cow::Owned(json.to_owned()))),
                Err(_) if bytes.is_empty() => return Ok(Placed::Nothing),
                Err(error) => {
                    if let Some(content_type) = content_type {
                        let reason = error.to_string();
                        let content_type = content_type.chars().take(64).collect();
                        return Err(NoCloudEvent::DataNotJson {
                            content_type,
                            reason,
                        });
                    }
                }
            }
        }
        Ok(match std::str::from_utf8(&bytes) {
            Ok(text) => Placed::Json(Cow::Owned(
                to_raw_value(text).expect("text can be written as JSON"),
            )),
            Err(_) => Placed::Base64(STANDARD.encode(&bytes)),
        })
    }
}

fn is_json(content_type: &str) -> bool {
    let essence = kind::essence(content_type);
    essence.ends_with("/json") || essence.ends_with("+json")
}

struct Envelope<'a> {
    event_id: Cow<'a, str>,
    event_type: Cow<'a, str>,
    timestamp: Cow<'a, str>,
    aggregate_id: Option<Cow<'a, str>>,
    content: Placed<'a>,
    event: &'a CloudEvent<'a>,
}

impl Serialize for Envelope<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Event", 6)?;
        fields.serialize_field("eventId", &self.event_id)?;
        fields.serialize_field("eventType", &self.event_type)?;
        fields.serialize_field("timestamp", &self.timestamp)?;
        if let Some(aggregate_id) = &self.aggregate_id {
            fields.serialize_field("aggregateId", aggregate_id)?;
        }
        match &self.content {
            Placed::Json(json) => fields.serialize_field("data", json)?,
            Placed::Nothing | Placed::Base64(_) => fields.serialize_field("data", &())?,
        }
        fields.serialize_field("metadata", &Metadata(self))?;
        fields.end()
    }
}

struct Metadata<'a>(&'a Envelope<'a>);

impl Serialize for Metadata<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut metadata = serializer.serialize_map(None)?;
        for (name, value) in &self.0.event.attributes {
            if !PLACED.contains(&name.as_ref()) {
                metadata.serialize_entry(name, value)?;
            }
        }
        if let Placed::Base64(base64) = &self.0.content {
            metadata.serialize_entry("data_base64", base64)?;
        }
        metadata.end()
    }
}

/// As the JSON format of CloudEvents has it.
impl Serialize for CloudEvent<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_map(None)?;
        for (name, value) in &self.attributes {
            members.serialize_entry(name, value)?;
        }
        match &self.data {
            Content::None | Content::Twice => {}
            Content::Json(json) => members.serialize_entry("data", json)?,
            Content::Base64(base64) => members.serialize_entry("data_base64", base64)?,
            Content::Bytes(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => members.serialize_entry("data", text)?,
                Err(_) => members.serialize_entry("data_base64", &STANDARD.encode(bytes))?,
            },
        }
        members.end()
    }
}

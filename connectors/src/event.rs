//! Events: the envelope in which a fact travels.
//!
//! ```json
//! {"eventId": "evt_12345", "eventType": "OrderPlaced", "eventVersion": "1.0",
//!  "timestamp": "2025-01-15T10:30:00Z", "aggregateId": "order_67890",
//!  "data": {"orderId": "order_67890"},
//!  "metadata": {"correlationId": "corr_abc123", "causationId": "cmd_xyz789", "userId": "user_123"}}
//! ```
//!
//! Only `timestamp` and `data` must be there. What else there is may be missing or null, and fields that are not named
//! here are passed over, in the metadata too: they cost nothing then, and a producer may add fields at any time.
//! Written as text, what is missing is left out; written as bytes between workers, every field has its place.

use millstream_engine::EventTime;
use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A fact `T` in its envelope.
///
/// # Examples
/// ```
/// use millstream_connectors::{Decode, Event, Json};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
/// #[serde(rename_all = "camelCase")]
/// struct OrderPlaced { order_id: String }
///
/// let text = br#"{"timestamp": "2025-01-15T10:30:00Z", "data": {"orderId": "o1"}, "other": 1}"#;
/// let event = Json::<Event<OrderPlaced>>::new().decode(text).unwrap();
/// assert_eq!(event.data.order_id, "o1");
/// assert_eq!(event.timestamp.micros(), 1_736_937_000_000_000);
/// assert_eq!(event.event_id, None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event<T> {
    /// Names this event and no other.
    #[serde(default)]
    pub event_id: Option<String>,
    /// What kind of fact it is, such as `OrderPlaced`.
    #[serde(default)]
    pub event_type: Option<String>,
    /// The version of the kind's fields.
    #[serde(default)]
    pub event_version: Option<String>,
    /// When it happened.
    pub timestamp: EventTime,
    /// The thing it happened to.
    #[serde(default)]
    pub aggregate_id: Option<String>,
    /// The fact.
    pub data: T,
    /// Where it came from.
    #[serde(default, deserialize_with = "null_is_default")]
    pub metadata: Metadata,
}

/// What led to an event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    /// Shared by all events of one undertaking.
    #[serde(default)]
    pub correlation_id: Option<String>,
    /// The event or command that led to this one.
    #[serde(default)]
    pub causation_id: Option<String>,
    /// On whose behalf.
    #[serde(default)]
    pub user_id: Option<String>,
}

impl<T> Event<T> {
    /// An event that carries nothing but `data` and the time it happened.
    pub fn new(timestamp: EventTime, data: T) -> Self {
        Event {
            event_id: None,
            event_type: None,
            event_version: None,
            timestamp,
            aggregate_id: None,
            data,
            metadata: Metadata::default(),
        }
    }
}

impl<T: Serialize> Serialize for Event<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let sparse = serializer.is_human_readable();
        let mut fields = serializer.serialize_struct("Event", 7)?;
        optional(&mut fields, sparse, "eventId", &self.event_id)?;
        optional(&mut fields, sparse, "eventType", &self.event_type)?;
        optional(&mut fields, sparse, "eventVersion", &self.event_version)?;
        fields.serialize_field("timestamp", &self.timestamp)?;
        optional(&mut fields, sparse, "aggregateId", &self.aggregate_id)?;
        fields.serialize_field("data", &self.data)?;
        if sparse && self.metadata == Metadata::default() {
            fields.skip_field("metadata")?;
        } else {
            fields.serialize_field("metadata", &self.metadata)?;
        }
        fields.end()
    }
}

impl Serialize for Metadata {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let sparse = serializer.is_human_readable();
        let mut fields = serializer.serialize_struct("Metadata", 3)?;
        optional(&mut fields, sparse, "correlationId", &self.correlation_id)?;
        optional(&mut fields, sparse, "causationId", &self.causation_id)?;
        optional(&mut fields, sparse, "userId", &self.user_id)?;
        fields.end()
    }
}

/// Writes a field that may be missing. A format without field names needs it in any case: it tells fields by place.
fn optional<S: SerializeStruct>(
    fields: &mut S,
    sparse: bool,
    name: &'static str,
    value: &Option<String>,
) -> Result<(), S::Error> {
    if sparse && value.is_none() {
        return fields.skip_field(name);
    }
    fields.serialize_field(name, value)
}

fn null_is_default<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Metadata, D::Error> {
    if deserializer.is_human_readable() {
        Option::deserialize(deserializer).map(Option::unwrap_or_default)
    } else {
        Metadata::deserialize(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Event<u32>, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn a_full_event_is_read_and_written_as_it_was() {
        let text = r#"{"eventId":"e","eventType":"t","eventVersion":"1.0","timestamp":"2025-01-15T10:30:00Z","aggregateId":"a","data":7,"metadata":{"correlationId":"c","causationId":"d","userId":"u"}}"#;
        let event = read(text).unwrap();
        assert_eq!(event.metadata.user_id.as_deref(), Some("u"));
        assert_eq!(serde_json::to_string(&event).unwrap(), text);
    }

    #[test]
    fn what_is_missing_or_null_is_none_and_left_out() {
        let bare = r#"{"timestamp":"2025-01-15T10:30:00Z","data":7}"#;
        let nulls = r#"{"eventId":null,"timestamp":"2025-01-15T10:30:00Z","data":7,"metadata":null,
            "tenant":{"deep":[1,2]}}"#;
        assert_eq!(read(bare).unwrap(), read(nulls).unwrap());
        assert_eq!(serde_json::to_string(&read(nulls).unwrap()).unwrap(), bare);
        let metadata =
            r#"{"timestamp":"2025-01-15T10:30:00Z","data":7,"metadata":{"ip":1,"userId":"u"}}"#;
        assert_eq!(
            read(metadata).unwrap().metadata.user_id.as_deref(),
            Some("u")
        );
    }

    #[test]
    fn timestamp_and_data_are_required() {
        assert!(read(r#"{"data":7}"#).unwrap_err().contains("timestamp"));
        assert!(
            read(r#"{"timestamp":"2025-01-15T10:30:00Z"}"#)
                .unwrap_err()
                .contains("data")
        );
        assert!(
            read(r#"{"timestamp":"yesterday","data":7}"#)
                .unwrap_err()
                .contains("yesterday")
        );
    }
}

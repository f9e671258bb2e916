//! What a record says about itself beside its payload: a small JSON object, mostly none at all.

use millstream_engine::{EventTime, Trial};
use serde::{Deserialize, Serialize};

/// The headers that sources understand; others in the same object are none of their business.
///
/// # Examples
/// ```
/// use millstream_connectors::RecordHeaders;
/// let headers = RecordHeaders::parse(br#"{"refused":"too large","trace":"4bf9"}"#)?;
/// assert_eq!(headers.refused.as_deref(), Some("too large"));
/// assert_eq!(headers.to_json(), br#"{"refused":"too large"}"#);
/// assert_eq!(RecordHeaders::parse(b"")?, RecordHeaders::default());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordHeaders {
    /// Why the record was refused when it came in: it is a dead letter, and not decoded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// How many bytes a refused record had, if its payload is only the beginning of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// The record was a dead letter before, and is to be tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<Again>,
}

/// A dead letter that was sent again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Again {
    /// The source that rejected it, and alone tries it again.
    pub source: String,
    /// The lineage of the runs that rejected it: to another, which reads what was rejected by itself, it means nothing.
    pub run: String,
    /// When it was rejected for the first time, in microseconds since 1970 UTC.
    pub first_seen: i64,
    /// How often it was.
    pub attempts: u32,
}

impl RecordHeaders {
    /// Reads headers; no bytes are no headers.
    ///
    /// # Errors
    /// If they are no JSON object, or one of them is not what it should be.
    pub fn parse(headers: &[u8]) -> Result<Self, serde_json::Error> {
        if headers.is_empty() {
            return Ok(Self::default());
        }
        serde_json::from_slice(headers)
    }

    /// The headers as bytes; none if there are none.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        if *self == Self::default() {
            return Vec::new();
        }
        serde_json::to_vec(self).expect("texts and numbers are JSON")
    }
}

impl Again {
    /// What its letter said.
    #[must_use]
    pub fn trial(&self) -> Trial {
        Trial {
            first_seen: EventTime::from_micros(self.first_seen),
            attempts: self.attempts,
        }
    }
}

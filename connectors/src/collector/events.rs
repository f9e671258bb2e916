//! The door: from what a client sent to events that are ready to be kept.
//!
//! ```text
//!  headers, bytes ─▶ decompress ─▶ split ─▶ each: not too long? ─▶ decodes? ─▶ Arrived { id, bytes as they are kept }
//!       └── or BodyError, and nothing is taken                       └── or Refused { reason, raw }, which is kept too
//! ```
//!
//! Each event is decoded once, only to tell the client whether it is any good; what is kept is its text. A CloudEvent is
//! kept as the [`Event`](crate::Event) that it says. Whoever reads what was kept decodes it with the same format.
//!
//! *Invariants*: the events are in the order of the body, and none is missing. An event that is kept is one line if it is
//! JSON, is no longer than the limit, and decodes. What is held is bounded by the limits, whatever the body says.

use bytes::Bytes;
use millstream_engine::{EventTime, Headers, Offer, RAW_BYTES_MAX};
use serde::de::IgnoredAny;
use xxhash_rust::xxh3::xxh3_64;

use super::body;
use super::body_error::BodyError;
use super::cloud_event::{CloudEvent, NoCloudEvent};
use super::encoding;
use super::kind::Kind;
use super::limits::Limits;
use crate::format::Decode;

/// How many bytes an `idempotency-key` may have: each event's id begins with it.
const KEY_BYTES_MAX: usize = 256;

/// How long the sentence about an event may be: some quote what they found.
const REASON_BYTES_MAX: usize = 1024;

/// Between the parts of an id; neither of them has it.
const UNIT_SEPARATOR: u8 = 0x1f;

/// An event that arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Arrived {
    /// The same whenever the event is sent again; empty if it has none.
    ///
    /// That of an event that is no good is of its bytes as well: sent again as it is, it is the same, and once it was put
    /// right it is another, which must not be taken for what was refused before.
    pub(crate) id: Vec<u8>,
    /// The event as it is kept, which decodes, or why it is none.
    pub(crate) what: Result<Bytes, Refused>,
}

/// An event that is no good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    /// What is wrong with it, and where, as a sentence.
    pub(crate) reason: String,
    /// The event as it came; of one that is too long its first 64 KiB.
    pub(crate) raw: Bytes,
    /// How many bytes it had, if these are not all of them.
    pub(crate) bytes: Option<u64>,
}

/// The events of `offer`, which arrives at `now`, in the order in which they stand in it.
///
/// # Errors
/// If the events in it cannot be told apart.
pub(crate) fn read<F: Decode>(
    offer: Offer,
    format: &mut F,
    limits: &Limits,
    now: EventTime,
) -> Result<Vec<Arrived>, BodyError> {
    let Offer { headers, body } = offer;
    if body.len() > limits.body_bytes {
        return Err(BodyError::TooLarge {
            bytes: body.len(),
            bytes_max: limits.body_bytes,
        });
    }
    let mut reading = Reading {
        format,
        bytes_max: limits.event_bytes,
        key: idempotency_key(&headers)?,
        now,
    };
    let encoding = headers.get("content-encoding").unwrap_or("");
    let body = encoding::decoded(encoding, body.into(), limits.decoded_bytes)?;
    let kind = Kind::of(&headers)?;
    if kind == Kind::CloudEventInHeaders {
        return Ok(vec![reading.cloud_in_headers(&headers, &body)]);
    }
    let body = body::text(body)?;
    let parts = body::split(kind, &body, limits.body_events).map_err(BodyError::Unreadable)?;
    let raws = parts.into_iter().map(|part| body.slice(part)).enumerate();
    Ok(if matches!(kind, Kind::CloudEvent | Kind::CloudEvents) {
        raws.map(|(index, raw)| {
            // What is too long is not even looked into: that would take many times as much memory.
            if raw.len() > reading.bytes_max {
                return reading.arrived(index, None, Err(reading.too_long(&raw)));
            }
            let event = CloudEvent::from_json(&raw);
            reading.cloud(index, &raw, event.as_ref().map_err(Clone::clone))
        })
        .collect()
    } else {
        raws.map(|(index, raw)| reading.plain(index, raw)).collect()
    })
}

/// The client's name for the whole body.
fn idempotency_key(headers: &Headers) -> Result<Option<&str>, BodyError> {
    let key = headers.get("idempotency-key").map(str::trim);
    match key.filter(|key| !key.is_empty()) {
        Some(key) if key.len() > KEY_BYTES_MAX => Err(BodyError::Unreadable(format!(
            "its idempotency-key has {} bytes, more than the {KEY_BYTES_MAX} allowed",
            key.len()
        ))),
        key => Ok(key),
    }
}

/// What is the same for all events of a body.
struct Reading<'a, F> {
    format: &'a mut F,
    bytes_max: usize,
    key: Option<&'a str>,
    now: EventTime,
}

impl<F: Decode> Reading<'_, F> {
    /// An event of the format itself.
    fn plain(&mut self, index: usize, raw: Bytes) -> Arrived {
        let id = self.format.event_id(&raw).map(String::into_bytes);
        let what = self.checked(raw);
        self.arrived(index, id, what)
    }

    /// A CloudEvent, which came as `raw`.
    fn cloud(
        &mut self,
        index: usize,
        raw: &Bytes,
        event: Result<&CloudEvent<'_>, NoCloudEvent>,
    ) -> Arrived {
        let id = event.as_ref().ok().and_then(|event| event.id());
        let what = if raw.len() > self.bytes_max {
            Err(self.too_long(raw))
        } else {
            match event.and_then(|event| event.envelope(self.now)) {
                Ok(envelope) => self.checked(envelope.into()),
                Err(error) => Err(refused(error.to_string(), raw.clone())),
            }
        };
        self.arrived(index, id, what)
    }

    /// A CloudEvent in binary mode; one that is malformed is kept with the attributes that it has.
    fn cloud_in_headers(&mut self, headers: &Headers, body: &Bytes) -> Arrived {
        let event = CloudEvent::from_headers(headers, body);
        let mut arrived = self.cloud(0, body, event.as_ref().map_err(Clone::clone));
        if let (Err(refused), Ok(event)) = (&mut arrived.what, &event)
            && body.len() <= self.bytes_max
            && event.envelope(self.now).is_err()
        {
            refused.raw = event.as_json().into();
        }
        arrived
    }

    /// `event` as it is kept, if it is any good.
    fn checked(&mut self, event: Bytes) -> Result<Bytes, Refused> {
        if event.len() > self.bytes_max {
            return Err(self.too_long(&event));
        }
        match self.format.decode(&event) {
            Ok(_) => Ok(in_one_line(event)),
            Err(error) => Err(refused(error.to_string(), event)),
        }
    }

    fn too_long(&self, raw: &Bytes) -> Refused {
        let (bytes, bytes_max) = (raw.len(), self.bytes_max);
        Refused {
            reason: format!("the event has {bytes} bytes, more than the {bytes_max} allowed"),
            // What is left of a long event must not hold all of it.
            raw: Bytes::copy_from_slice(&raw[..bytes.min(RAW_BYTES_MAX)]),
            bytes: Some(bytes as u64),
        }
    }

    /// The event that is named by its own id, or else by its place in a body that has a name.
    fn arrived(&self, index: usize, own: Option<Vec<u8>>, what: Result<Bytes, Refused>) -> Arrived {
        let by_place = || Some(joined(self.key?.as_bytes(), index.to_string().as_bytes()));
        let mut id = own.or_else(by_place).unwrap_or_default();
        if let Err(refused) = &what
            && !id.is_empty()
        {
            id = joined(
                &id,
                format!("refused {:x}", xxh3_64(&refused.raw)).as_bytes(),
            );
        }
        Arrived { id, what }
    }
}

/// Two parts of an id.
pub(super) fn joined(one: &[u8], other: &[u8]) -> Vec<u8> {
    [one, &[UNIT_SEPARATOR], other].concat()
}

fn refused(mut reason: String, raw: Bytes) -> Refused {
    if reason.len() > REASON_BYTES_MAX {
        let end = (0..=REASON_BYTES_MAX)
            .rev()
            .find(|&at| reason.is_char_boundary(at));
        reason.truncate(end.unwrap_or(0));
        reason.push('…');
    }
    Refused {
        reason,
        raw,
        bytes: None,
    }
}

/// `event` without line breaks, if it is JSON: there they mean nothing, and an event is then a line wherever it is kept.
fn in_one_line(event: Bytes) -> Bytes {
    let is_break = |byte: &u8| matches!(byte, b'\n' | b'\r');
    let has_break = event.iter().any(is_break);
    if !has_break || serde_json::from_slice::<IgnoredAny>(&event).is_err() {
        return event;
    }
    let spaced = event
        .iter()
        .map(|byte| if is_break(byte) { b' ' } else { *byte });
    spaced.collect::<Vec<u8>>().into()
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;

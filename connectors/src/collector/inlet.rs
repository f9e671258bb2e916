//! The collector's outer end: bodies in, receipts out.

use std::sync::Arc;

use bytes::Bytes;
use millstream_engine::{Inlet, Receipt, Refusal};

use super::queue::{Entry, Queue};
use super::{Limits, body};
use crate::format::Decode;

/// How many rejected events a receipt tells of.
const ERRORS_TOLD_MAX: usize = 100;

/// Splits and decodes bodies on the thread that brings them.
pub(super) struct CollectorInlet<F: Decode> {
    queue: Arc<Queue<F::Item>>,
    format: F,
    limits: Limits,
}

impl<F: Decode> CollectorInlet<F> {
    pub(super) fn new(queue: Arc<Queue<F::Item>>, format: F, limits: Limits) -> Self {
        CollectorInlet {
            queue,
            format,
            limits,
        }
    }

    fn unreadable(&self, reason: String) -> Refusal {
        Refusal::Unreadable {
            source_name: self.queue.source().to_owned(),
            reason,
        }
    }

    fn text<'a>(&self, body: &'a [u8]) -> Result<&'a str, Refusal> {
        if body.len() > self.limits.body_bytes {
            return Err(Refusal::TooLarge {
                source_name: self.queue.source().to_owned(),
                bytes: body.len(),
                bytes_max: self.limits.body_bytes,
            });
        }
        let text = std::str::from_utf8(body).map_err(|error| {
            self.unreadable(format!(
                "it is not UTF-8, from byte {} on",
                error.valid_up_to()
            ))
        })?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if text.trim_ascii().is_empty() {
            return Err(self.unreadable("it is empty".to_owned()));
        }
        Ok(text)
    }

    fn decode(&self, raw: Bytes) -> Entry<F::Item> {
        let bytes_max = self.limits.event_bytes;
        let decoded = if raw.len() > bytes_max {
            Err(format!(
                "the event has {} bytes, more than the {bytes_max} allowed",
                raw.len()
            ))
        } else {
            self.format.decode(&raw).map_err(|error| error.to_string())
        };
        Entry { raw, decoded }
    }
}

impl<F: Decode> Inlet for CollectorInlet<F> {
    fn offer(&self, content_type: Option<&str>, body: &[u8]) -> Result<Receipt, Refusal> {
        let text = self.text(body)?;
        self.queue.check()?;
        let parts = body::split(content_type, text, self.limits.queue_events);
        let parts = parts.map_err(|reason| self.unreadable(reason))?;
        let n_events = parts.len();
        let shared = Bytes::copy_from_slice(text.as_bytes());
        let entries: Vec<_> = parts
            .into_iter()
            .map(|part| self.decode(shared.slice(part)))
            .collect();
        let rejected = entries.iter().enumerate().filter_map(|(i, entry)| {
            let reason = entry.decoded.as_ref().err()?;
            Some((i, reason))
        });
        let n_rejected = rejected.clone().count();
        let errors = rejected
            .take(ERRORS_TOLD_MAX)
            .map(|(i, reason)| (i, reason.clone()))
            .collect();
        self.queue.push(entries)?;
        Ok(Receipt {
            accepted: n_events - n_rejected,
            rejected: n_rejected,
            errors,
        })
    }

    fn body_bytes_max(&self) -> usize {
        self.limits.body_bytes
    }

    fn close(&self) {
        self.queue.refuse();
    }
}

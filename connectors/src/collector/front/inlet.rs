//! The outer end of the front: what the server asks of it.

use std::sync::PoisonError;

use millstream_engine::{
    Again, AgainAnswer, Answer, BadToken, Epoch, Headers, Inlet, Offer, Receipt, Refusal,
};

use super::{Appendix, Front};
use crate::collector::token::Token;
use crate::format::Decode;
use crate::log::{Again as AgainHeader, NewRecord, RecordHeaders};

impl<F: Decode> Inlet for Front<F> {
    fn admit(&self, headers: &Headers) -> Result<(), Refusal> {
        self.settings.access.check(&self.source, headers)
    }

    fn offer(&self, offer: Offer, answer: Answer) {
        match self.read(offer) {
            Err(refusal) => answer(Err(refusal)),
            Ok((topic, records, receipt)) => self.append(&topic, records, move |appended| {
                answer(appended.map(|Appendix { duplicates, token }| Receipt {
                    duplicates,
                    token: (!token.ends.is_empty()).then(|| token.to_string()),
                    ..receipt
                }));
            }),
        }
    }

    fn send_again(&self, again: Vec<Again>, answer: AgainAnswer) {
        let topic = match self.topic() {
            Ok(topic) => topic,
            Err(error) => return answer(Err(self.broken(&error))),
        };
        let record = |again: Again| {
            let headers = RecordHeaders {
                again: Some(AgainHeader {
                    source: self.source.clone(),
                    run: self.run.clone(),
                    first_seen: again.trial.first_seen.micros(),
                    attempts: again.trial.attempts,
                }),
                ..RecordHeaders::default()
            };
            let id = format!("again\u{1f}{}", again.key);
            NewRecord::new(again.raw).headers(headers.to_json()).id(id)
        };
        let records = again.into_iter().map(record).collect();
        self.append(&topic, records, move |appended| answer(appended.map(drop)));
    }

    fn body_bytes_max(&self) -> usize {
        self.settings.limits.body_bytes
    }

    fn close(&self) {
        let mut is_closed = self
            .is_closed
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *is_closed = true;
        drop(is_closed);
        let topic = self
            .topic
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        // Nothing is appended by this, but all that was is durable then, and so it can be read. If that fails, those who
        // wait for it are told, and so is whoever reads.
        let _ = topic.map(|topic| topic.append_and_wait(Vec::new()));
    }

    fn seen(&self, token: &str) -> Result<Option<Epoch>, BadToken> {
        let bad = |reason: String| BadToken {
            token: token.into(),
            reason,
        };
        let topic = self.topic().map_err(|error| bad(error.to_string()))?;
        let log = Token::log_of(topic.id());
        let token = Token::parse(token, (&self.source, &log), topic.partitions())?;
        let mut seen = Epoch::default();
        for (partition, end) in token.ends {
            if end > topic.appended(partition) {
                let reason = format!(
                    "partition {partition} has not come as far: it may be of a log that is gone"
                );
                return Err(bad(reason));
            }
            match self.progress.seen(partition, end) {
                Some(epoch) => seen = seen.max(epoch),
                None => return Ok(None),
            }
        }
        Ok(Some(seen))
    }
}

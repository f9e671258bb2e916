//! Clients that post page views to the main job, whatever happens to it, and remember what they were told.
#![allow(dead_code, reason = "not every test needs all of it")]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use millstream::prelude::*;
use serde_json::{Value, json};

use crate::random::Random;

/// How many events there are in a request.
pub(crate) const BATCH: usize = 20;

/// Where the job listens now, shared by all clients.
#[derive(Clone, Default)]
pub(crate) struct Address(Arc<Mutex<String>>);

impl Address {
    pub(crate) fn set(&self, address: &str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = address.to_owned();
    }

    pub(crate) fn get(&self) -> String {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// What the clients know in the end, by url.
#[derive(Default)]
pub(crate) struct Known {
    /// So many events were acknowledged: they are there, once.
    pub(crate) acknowledged: BTreeMap<String, u64>,
    /// So many were sent and given up without an answer: they are there once or not at all.
    pub(crate) given_up: BTreeMap<String, u64>,
    /// How many requests were sent again with the same events.
    pub(crate) retries: u64,
    /// What was answered last.
    pub(crate) token: Option<String>,
}

impl Known {
    pub(crate) fn add(&mut self, other: Known) {
        self.acknowledged.extend(other.acknowledged);
        self.given_up.extend(other.given_up);
        self.retries += other.retries;
        self.token = other.token.or(self.token.take());
    }
}

/// A client that posts batches until `enough`, each until it is answered, or given up with one failure in four.
pub(crate) struct Client {
    pub(crate) number: u64,
    pub(crate) address: Address,
    pub(crate) enough: Arc<AtomicBool>,
    /// All its events happen in the four seconds from here.
    pub(crate) from: EventTime,
    pub(crate) random: Random,
}

impl Client {
    pub(crate) fn run(mut self) -> Known {
        let mut known = Known::default();
        let agent = agent();
        for batch in 0.. {
            if self.enough.load(SeqCst) {
                break;
            }
            self.post(&agent, batch, &mut known);
        }
        known
    }

    fn post(&mut self, agent: &ureq::Agent, batch: u64, known: &mut Known) {
        let gives_up = self.random.next_u32().is_multiple_of(4);
        let url = if gives_up {
            format!("/given-up/{}/{batch}", self.number)
        } else {
            format!("/kept/{}/{}", self.number, batch / 50)
        };
        let body = self.body(batch, &url);
        let mut failed = false;
        loop {
            known.retries += u64::from(failed);
            let address = format!("http://{}/v1/sources/page_views", self.address.get());
            let sent = agent
                .post(&address)
                .header("content-type", "application/x-ndjson")
                .send(&body);
            let answer = sent.and_then(|mut answer| {
                let status = answer.status().as_u16();
                Ok((status, answer.body_mut().read_json::<Value>()?))
            });
            match answer {
                Ok((202, answer)) => {
                    assert_eq!(answer["accepted"], BATCH, "{answer}");
                    assert_eq!(answer["rejected"], 0, "{answer}");
                    known.token = answer["token"].as_str().map(str::to_owned);
                    assert!(known.token.is_some(), "{answer}");
                    *known.acknowledged.entry(url).or_default() += BATCH as u64;
                    return;
                }
                Ok((429 | 503, _)) => {}
                Ok(other) => panic!("{other:?}"),
                Err(_) if gives_up => {
                    known.given_up.insert(url, BATCH as u64);
                    return;
                }
                Err(_) => {}
            }
            failed = true;
            // The job is being started again: there is nothing to wait for but time.
            std::thread::park_timeout(Duration::from_millis(10));
        }
    }

    fn body(&mut self, batch: u64, url: &str) -> String {
        let mut body = String::new();
        for i in 0..BATCH {
            let time = self
                .from
                .plus(millis(u64::from(self.random.next_u32() % 4000)));
            let id = format!("{}-{batch}-{i}", self.number);
            let event = json!({"eventId": id, "timestamp": time, "data": {"userId": id, "sessionId": "s", "url": url,
                "referrer": null, "country": "NZ", "device": "phone", "durationMs": 12}});
            body.push_str(&event.to_string());
            body.push('\n');
        }
        body
    }
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(20)));
    config.build().new_agent()
}

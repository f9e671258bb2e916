//! `POST /v1/sources/{source}`: events pushed in.
//!
//! ```text
//!  headers ─▶ admitted? ─▶ body, piece by piece ─▶ offer, on a thread for work ─▶ … ─▶ answer ─▶ 202 and a receipt
//!                 │            └── bounded in bytes, in time, and together with all other bodies
//!                 └── a problem: nothing was read
//! ```
//!
//! The body goes to the source's inlet, which says what became of each event once that is certain; no thread waits for
//! it. A body that was read is answered `202` even if every event in it was refused: the refused ones are dead letters,
//! counted and kept, and sending them again would not help.

mod arriving;

use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use axum::Json;
use axum::body::{Body, BodyDataStream};
use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::http::header::{EXPECT, HeaderMap};
use axum::response::{IntoResponse, Response};
use millstream_engine::{Answer, Headers, Inlet, Offer, Receipt};
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::task::spawn_blocking;

use crate::problem::Problem;
use crate::server::state::State;
use crate::server::views::{Named, in_path};
use arriving::{Arriving, discard};

/// What the door to the sources lets through at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DoorSettings {
    /// How long a body may take to arrive.
    pub(crate) body_within: Duration,
    /// How many bytes of bodies all requests hold together.
    pub(crate) bodies_bytes_max: usize,
}

impl Default for DoorSettings {
    fn default() -> Self {
        DoorSettings {
            body_within: Duration::from_secs(30),
            bodies_bytes_max: 256 * 1024 * 1024,
        }
    }
}

/// What all requests that push events share.
pub(crate) struct Door {
    state: Arc<State>,
    settings: DoorSettings,
    /// A permit for each byte of a body that may still be held.
    room: Arc<Semaphore>,
    /// A permit for each body that may be decoded at once: more would take no less time, but more memory.
    decoders: Arc<Semaphore>,
}

impl Door {
    pub(crate) fn new(state: Arc<State>, settings: DoorSettings) -> Self {
        let bodies_bytes_max = settings.bodies_bytes_max.min(Semaphore::MAX_PERMITS);
        let n_decoders = available_parallelism().map_or(2, usize::from).max(2);
        Door {
            state,
            settings: DoorSettings {
                bodies_bytes_max,
                ..settings
            },
            room: Arc::new(Semaphore::new(bodies_bytes_max)),
            decoders: Arc::new(Semaphore::new(n_decoders)),
        }
    }

    fn inlet(&self, source_name: &str) -> Result<Arc<dyn Inlet>, Problem> {
        let reading = &self.state.reading;
        let unknown = || Problem::UnknownSource {
            source_name: source_name.into(),
            known: reading.inlet_names(),
        };
        reading.inlet(source_name).ok_or_else(unknown)
    }

    async fn decoder(&self) -> OwnedSemaphorePermit {
        let permit = Arc::clone(&self.decoders).acquire_owned().await;
        permit.expect("the semaphore is never closed")
    }
}

/// `POST /v1/sources/{source}`.
pub(crate) async fn push(
    Shared(door): Shared<Arc<Door>>,
    name: Named,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let mut pieces = body.into_data_stream();
    let brought = match bring(&door, name, &headers, &mut pieces).await {
        Ok(brought) => brought,
        Err(problem) => {
            // Who was too slow is not waited for.
            let is_slow = matches!(problem, Problem::SlowBody { .. });
            if !headers.contains_key(EXPECT) && !is_slow {
                tokio::spawn(discard(pieces));
            }
            return Err(problem);
        }
    };
    let receipt = brought.offer(&door).await?;
    Ok((StatusCode::ACCEPTED, Json(Taken::from(receipt))).into_response())
}

/// A body that is there, and where it goes.
struct Brought {
    source_name: String,
    inlet: Arc<dyn Inlet>,
    offer: Offer,
    /// The room that it takes.
    held: Option<OwnedSemaphorePermit>,
}

/// The whole body, if the inlet that is meant lets the client in: nothing of it is read before that is known.
async fn bring(
    door: &Door,
    name: Named,
    headers: &HeaderMap,
    pieces: &mut BodyDataStream,
) -> Result<Brought, Problem> {
    let source_name = in_path(name)?;
    let inlet = door.inlet(&source_name)?;
    let headers = as_text(headers)?;
    inlet.admit(&headers)?;
    let arriving = Arriving {
        source_name: &source_name,
        bytes_max: inlet.body_bytes_max(),
        within: door.settings.body_within,
        room: &door.room,
        room_max: door.settings.bodies_bytes_max,
    };
    let (body, held) = arriving.read(&headers, pieces).await?;
    Ok(Brought {
        source_name,
        inlet,
        offer: Offer { headers, body },
        held,
    })
}

impl Brought {
    /// What became of the events, once that is certain.
    async fn offer(self, door: &Door) -> Result<Receipt, Problem> {
        let Brought {
            source_name,
            inlet,
            offer,
            held,
        } = self;
        let (answer, answered) = oneshot::channel();
        let answer: Answer = Box::new(move |result| {
            drop(held);
            // A client that is gone hears nothing.
            drop(answer.send(result));
        });
        let decoder = door.decoder().await;
        // Decoding is work, which is not done on a thread that serves others.
        let offered = spawn_blocking(move || {
            let _decoder = decoder;
            inlet.offer(offer, answer);
        });
        offered.await.map_err(|panicked| Problem::Internal {
            reason: panicked.to_string(),
        })?;
        let receipt = answered.await.map_err(|_| Problem::Internal {
            reason: format!("source {source_name:?} gave the events up without an answer"),
        })?;
        Ok(receipt?)
    }
}

/// `headers` as an inlet reads them.
pub(crate) fn as_text(headers: &HeaderMap) -> Result<Headers, Problem> {
    let headers = headers.iter().map(|(name, value)| {
        let is_visible = |c: &char| *c == '\t' || !c.is_control();
        match std::str::from_utf8(value.as_bytes()) {
            Ok(value) if value.chars().all(|c| is_visible(&c)) => Ok((name, value)),
            _ => Err(Problem::BadHeader { name: name.clone() }),
        }
    });
    headers.collect()
}

/// What is answered.
#[derive(Serialize)]
struct Taken {
    accepted: usize,
    duplicates: usize,
    rejected: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    errors: Vec<RejectedEvent>,
}

#[derive(Serialize)]
struct RejectedEvent {
    index: usize,
    error: String,
}

impl From<Receipt> for Taken {
    fn from(receipt: Receipt) -> Self {
        let errors = receipt.errors.into_iter();
        Taken {
            accepted: receipt.accepted,
            duplicates: receipt.duplicates,
            rejected: receipt.rejected,
            token: receipt.token,
            errors: errors
                .map(|(index, error)| RejectedEvent { index, error })
                .collect(),
        }
    }
}

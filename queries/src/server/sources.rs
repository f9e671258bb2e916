//! `POST /v1/sources/{source}`: events pushed in.
//!
//! The body goes to the source's inlet, which decodes it at once and says what became of each event. A body
//! that was read is answered `202` even if every event in it was refused: the refused ones are dead
//! letters, counted and kept, and sending them again would not help. No more of a body is held
//! than the inlet looks at.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::{Body, BodyDataStream};
use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HeaderMap};
use axum::response::{IntoResponse, Response};
use millstream_engine::{Inlet, Receipt, Refusal};
use serde::Serialize;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tokio_stream::StreamExt;

use crate::problem::Problem;
use crate::server::state::State;
use crate::server::views::{Named, in_path};

#[derive(Serialize)]
struct Taken {
    accepted: usize,
    rejected: usize,
    errors: Vec<RejectedEvent>,
}

#[derive(Serialize)]
struct RejectedEvent {
    index: usize,
    error: String,
}

/// How much of a refused body is read only to be thrown away, in bytes.
const DISCARDED_MAX: usize = 16 << 20;
/// And for how long.
const DISCARDING_MAX: Duration = Duration::from_secs(10);

/// `POST /v1/sources/{source}`.
pub(crate) async fn push(
    Shared(state): Shared<Arc<State>>,
    name: Named,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let mut pieces = body.into_data_stream();
    let (inlet, body) = match take(&state, name, &headers, &mut pieces).await {
        Ok(taken) => taken,
        Err(problem) => {
            if !headers.contains_key(EXPECT) {
                tokio::spawn(discard(pieces));
            }
            return Err(problem);
        }
    };
    let content_type = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let content_type = content_type.map(String::from);
    // Decoding is work, and an inlet may wait for room: neither on a thread that serves others.
    let offered = spawn_blocking(move || inlet.offer(content_type.as_deref(), &body)).await;
    let receipt = offered.map_err(|panicked| Problem::Internal {
        reason: panicked.to_string(),
    })??;
    Ok((StatusCode::ACCEPTED, Json(taken(receipt))).into_response())
}

/// Reads what is left of a refused body: a client that is still sending would else see its connection
/// break, and not the answer. One that waits to be asked for its body is not asked.
async fn discard(mut pieces: BodyDataStream) {
    let reading = async {
        let mut n_bytes = 0;
        while let Some(Ok(piece)) = pieces.next().await {
            n_bytes += piece.len();
            if n_bytes > DISCARDED_MAX {
                break;
            }
        }
    };
    let _ = timeout(DISCARDING_MAX, reading).await;
}

/// The inlet that is meant, and the whole body.
async fn take(
    state: &State,
    name: Named,
    headers: &HeaderMap,
    pieces: &mut BodyDataStream,
) -> Result<(Arc<dyn Inlet>, Vec<u8>), Problem> {
    let name = in_path(name)?;
    let inlet = state
        .reading
        .inlet(&name)
        .ok_or_else(|| Problem::UnknownSource {
            source_name: name.clone(),
            known: state.reading.inlet_names(),
        })?;
    check_encoding(headers)?;
    let body = read(&name, inlet.as_ref(), headers, pieces).await?;
    Ok((inlet, body))
}

fn check_encoding(headers: &HeaderMap) -> Result<(), Problem> {
    match headers.get(CONTENT_ENCODING) {
        Some(encoding) if encoding != "identity" => {
            let encoding = String::from_utf8_lossy(encoding.as_bytes()).into_owned();
            Err(Problem::BadEncoding { encoding })
        }
        _ => Ok(()),
    }
}

/// The whole body, unless it is larger than the inlet looks at.
async fn read(
    source_name: &str,
    inlet: &dyn Inlet,
    headers: &HeaderMap,
    pieces: &mut BodyDataStream,
) -> Result<Vec<u8>, Problem> {
    let bytes_max = inlet.body_bytes_max();
    let too_large = |bytes| {
        Problem::from(Refusal::TooLarge {
            source_name: source_name.into(),
            bytes,
            bytes_max,
        })
    };
    let length = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse().ok());
    if let Some(bytes) = length.filter(|bytes| *bytes > bytes_max) {
        return Err(too_large(bytes));
    }
    let mut read = Vec::with_capacity(length.unwrap_or(0));
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|error| Problem::BodyBrokeOff {
            reason: error.to_string(),
        })?;
        if read.len() + piece.len() > bytes_max {
            return Err(too_large(read.len() + piece.len()));
        }
        read.extend_from_slice(&piece);
    }
    Ok(read)
}

fn taken(receipt: Receipt) -> Taken {
    let Receipt {
        accepted,
        rejected,
        errors,
    } = receipt;
    let errors = errors
        .into_iter()
        .map(|(index, error)| RejectedEvent { index, error });
    Taken {
        accepted,
        rejected,
        errors: errors.collect(),
    }
}

//! Problem documents: what an error looks like over HTTP, by RFC 9457.
//!
//! Every error is one row of the table in [`Problem::row`]: status, a code that programs can go by, a title.
//! The detail says what was tried on what, and what to do. Errors that the HTTP library makes itself (an
//! unknown path, a method that is not there) are turned into the same shape by [`in_shape`].

use std::time::Duration;

use axum::Json;
use axum::http::header::{
    CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE,
};
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use millstream_engine::Refusal;
use serde::Serialize;

use crate::filter::BadParameter;

const PROBLEM_TYPE: &str = "application/problem+json";

/// An error that is told to a client.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Problem {
    #[error(transparent)]
    BadParameter(#[from] BadParameter),
    #[error("the address cannot be read: {reason}")]
    BadAddress { reason: String },
    #[error("there is no view {view:?}: {}", listed("there are", known))]
    UnknownView { view: String, known: Vec<String> },
    #[error(
        "there is no source {source_name:?} that takes events: {}",
        listed("there are", known)
    )]
    UnknownSource {
        source_name: String,
        known: Vec<String>,
    },
    #[error("there is nothing at {path}: see /v1/views and /v1/pipeline")]
    UnknownPath { path: String },
    #[error("{method} is not possible on {path}: the Allow header says what is")]
    BadMethod { method: Method, path: String },
    #[error("none of {accept:?} can be had: rows come as {formats}")]
    NotAcceptable { accept: String, formats: String },
    #[error("the value of the header {name} is no text: send visible ASCII or UTF-8")]
    BadHeader { name: HeaderName },
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("the body broke off: {reason}")]
    BodyBrokeOff { reason: String },
    #[error("the body was not all there after {} s: send it faster, or in parts", within.as_secs_f64())]
    SlowBody { within: Duration },
    #[error(
        "the server holds all the {bytes_max} bytes of bodies that it may: try again in {retry_after_seconds} s"
    )]
    Crowded {
        bytes_max: usize,
        retry_after_seconds: u32,
    },
    #[error("the pipeline is not ready: it is {state}")]
    NotReady { state: &'static str },
    #[error(
        "no view has seen everything up to {token:?} after {} ms: ask again, with a longer wait_ms if need be",
        waited.as_millis()
    )]
    NotSeenYet { token: String, waited: Duration },
    #[error(
        "a page of {origin} may not send anything here: let it in with --allow-origin, if it is yours"
    )]
    ForeignOrigin { origin: String },
    #[error("there are no dead letters to be read: this pipeline does not keep them in a log")]
    NoLetters,
    #[error(
        "dead letters of source {source_name:?} cannot be sent again: it reads its input itself; mend what was wrong and \
         start over with --fresh"
    )]
    NotSentAgain { source_name: String },
    #[error("the answer could not be made: {reason}")]
    Internal { reason: String },
    #[error("{detail}")]
    Other { status: StatusCode, detail: String },
}

fn listed(intro: &str, names: &[String]) -> String {
    match names {
        [] => "there is none".into(),
        names => format!("{intro} {}", names.join(", ")),
    }
}

#[derive(Serialize)]
struct Document<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameter: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    known: Option<&'a [String]>,
}

impl Problem {
    /// Status, code and title of each problem.
    fn row(&self) -> (StatusCode, &'static str, &'static str) {
        use StatusCode as S;
        match self {
            Problem::BadParameter(_) => (S::BAD_REQUEST, "bad-parameter", "Bad parameter"),
            Problem::BadAddress { .. } => (S::BAD_REQUEST, "bad-address", "Bad address"),
            Problem::UnknownView { .. } => (S::NOT_FOUND, "unknown-view", "Unknown view"),
            Problem::UnknownSource { .. } => (S::NOT_FOUND, "unknown-source", "Unknown source"),
            Problem::UnknownPath { .. } => (S::NOT_FOUND, "unknown-path", "Not found"),
            Problem::BadMethod { .. } => {
                (S::METHOD_NOT_ALLOWED, "bad-method", "Method not allowed")
            }
            Problem::NotAcceptable { .. } => {
                (S::NOT_ACCEPTABLE, "not-acceptable", "Not acceptable")
            }
            Problem::BadHeader { .. } => (S::BAD_REQUEST, "bad-header", "Bad header"),
            Problem::Refused(refusal) => row_of_refusal(refusal),
            Problem::BodyBrokeOff { .. } => (S::BAD_REQUEST, "body-broke-off", "Incomplete body"),
            Problem::SlowBody { .. } => (S::REQUEST_TIMEOUT, "body-too-slow", "Body too slow"),
            Problem::Crowded { .. } => (S::TOO_MANY_REQUESTS, "server-full", "Server is full"),
            Problem::NotReady { .. } => (S::SERVICE_UNAVAILABLE, "not-ready", "Not ready"),
            Problem::NotSeenYet { .. } => (S::SERVICE_UNAVAILABLE, "not-seen-yet", "Not seen yet"),
            Problem::ForeignOrigin { .. } => (S::FORBIDDEN, "foreign-origin", "Foreign origin"),
            Problem::NoLetters => (S::NOT_FOUND, "no-dead-letters", "No dead letters"),
            Problem::NotSentAgain { .. } => (S::CONFLICT, "not-sent-again", "Not sent again"),
            Problem::Internal { .. } => (S::INTERNAL_SERVER_ERROR, "internal", "Internal error"),
            Problem::Other { status, .. } => (
                *status,
                "http",
                status.canonical_reason().unwrap_or("Error"),
            ),
        }
    }

    fn retry_after_seconds(&self) -> Option<u32> {
        match self {
            Problem::Crowded {
                retry_after_seconds,
                ..
            }
            | Problem::Refused(Refusal::Full {
                retry_after_seconds,
                ..
            }) => Some(*retry_after_seconds),
            Problem::Refused(Refusal::Stopping { .. }) => Some(STOPPING_RETRY_AFTER),
            _ => None,
        }
    }

    fn document(&self) -> Document<'_> {
        let (status, code, title) = self.row();
        let parameter = match self {
            Problem::BadParameter(bad) => Some(bad.parameter.as_str()),
            _ => None,
        };
        let known = match self {
            Problem::UnknownView { known, .. } | Problem::UnknownSource { known, .. } => {
                Some(known.as_slice())
            }
            _ => None,
        };
        Document {
            r#type: format!("urn:millstream:{code}"),
            title,
            status: status.as_u16(),
            detail: self.to_string(),
            parameter,
            known,
        }
    }
}

fn row_of_refusal(refusal: &Refusal) -> (StatusCode, &'static str, &'static str) {
    use StatusCode as S;
    match refusal {
        Refusal::Unauthorized { .. } => (S::UNAUTHORIZED, "unauthorized", "Not authorized"),
        Refusal::Full { .. } => (S::TOO_MANY_REQUESTS, "source-full", "Source is full"),
        Refusal::TooLarge { .. } => (S::PAYLOAD_TOO_LARGE, "body-too-large", "Body too large"),
        Refusal::Unsupported { .. } => (
            S::UNSUPPORTED_MEDIA_TYPE,
            "body-unsupported",
            "Unsupported body",
        ),
        Refusal::Unreadable { .. } => (S::BAD_REQUEST, "body-unreadable", "Unreadable body"),
        Refusal::Broken { .. } => (S::SERVICE_UNAVAILABLE, "broken", "Cannot keep events"),
        // Stopping, and whatever other reason there may come to be not to take events for now.
        _ => (S::SERVICE_UNAVAILABLE, "stopping", "Not taking events"),
    }
}

/// How long it takes to start again, at a guess, in seconds.
const STOPPING_RETRY_AFTER: u32 = 5;

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let document = self.document();
        let status = self.row().0;
        let mut response = (status, Json(&document)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_TYPE));
        if let Some(seconds) = self.retry_after_seconds() {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Problem::Refused(Refusal::Unauthorized { challenge, .. }) = &self
            && let Ok(challenge) = HeaderValue::try_from(challenge)
        {
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        if let Problem::SlowBody { .. } = self {
            // What is still to come of the body must not be taken for the next request.
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

/// The response, or, if it is an error in another shape, the same error as a problem document.
pub(crate) async fn in_shape(method: Method, uri: Uri, response: Response) -> Response {
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    let content_type = response.headers().get(CONTENT_TYPE);
    if !is_error || content_type.is_some_and(|kind| kind == PROBLEM_TYPE) {
        return response;
    }
    let path = uri.path().into();
    let problem = match status {
        StatusCode::METHOD_NOT_ALLOWED => Problem::BadMethod { method, path },
        StatusCode::NOT_FOUND => Problem::UnknownPath { path },
        status => {
            let reason = status.canonical_reason().unwrap_or("the request failed");
            Problem::Other {
                status,
                detail: reason.to_lowercase(),
            }
        }
    };
    let mut shaped = problem.into_response();
    for (name, value) in response.headers() {
        // Such as Allow; what describes the body that was replaced is known already.
        if !shaped.headers().contains_key(name) && name != axum::http::header::CONTENT_LENGTH {
            shaped.headers_mut().insert(name, value.clone());
        }
    }
    shaped
}

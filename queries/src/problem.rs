//! Problem documents: what an error looks like over HTTP, by RFC 9457.
//!
//! Every error is one row of the table in [`Problem::row`]: status, a code that programs can go by, a title.
//! The detail says what was tried on what, and what to do. Errors that the HTTP library makes itself (an
//! unknown path, a method that is not there) are turned into the same shape by [`in_shape`].

use axum::Json;
use axum::http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
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
    #[error("a body encoded as {encoding:?} cannot be read: send it as it is")]
    BadEncoding { encoding: String },
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("the body broke off: {reason}")]
    BodyBrokeOff { reason: String },
    #[error("the pipeline is not ready: it is {state}")]
    NotReady { state: &'static str },
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
            Problem::BadEncoding { .. } => (
                S::UNSUPPORTED_MEDIA_TYPE,
                "bad-encoding",
                "Unsupported content encoding",
            ),
            Problem::Refused(refusal) => row_of_refusal(refusal),
            Problem::BodyBrokeOff { .. } => (S::BAD_REQUEST, "body-broke-off", "Incomplete body"),
            Problem::NotReady { .. } => (S::SERVICE_UNAVAILABLE, "not-ready", "Not ready"),
            Problem::Internal { .. } => (S::INTERNAL_SERVER_ERROR, "internal", "Internal error"),
            Problem::Other { status, .. } => (
                *status,
                "http",
                status.canonical_reason().unwrap_or("Error"),
            ),
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
    match refusal {
        Refusal::Full { .. } => (
            StatusCode::TOO_MANY_REQUESTS,
            "source-full",
            "Source is full",
        ),
        Refusal::TooLarge { .. } => (
            StatusCode::PAYLOAD_TOO_LARGE,
            "body-too-large",
            "Body too large",
        ),
        Refusal::Unreadable { .. } => (
            StatusCode::BAD_REQUEST,
            "body-unreadable",
            "Unreadable body",
        ),
        // Stopping, and whatever other reason there may come to be not to take events for now.
        _ => (
            StatusCode::SERVICE_UNAVAILABLE,
            "stopping",
            "Not taking events",
        ),
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let document = self.document();
        let status = self.row().0;
        let mut response = (status, Json(&document)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_TYPE));
        if let Problem::Refused(Refusal::Full {
            retry_after_seconds,
            ..
        }) = self
        {
            headers.insert(RETRY_AFTER, HeaderValue::from(retry_after_seconds));
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

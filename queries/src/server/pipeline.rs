//! `GET /v1/pipeline`: the graph, its counters, and why its watermarks stand where they stand.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as Shared;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};

use crate::server::state::State;

/// `GET /v1/pipeline`.
pub(crate) async fn pipeline(Shared(state): Shared<Arc<State>>) -> Response {
    ([(CACHE_CONTROL, "no-store")], Json(state.reading.status())).into_response()
}

//! Which path leads where.

use std::sync::Arc;

use axum::Router;
use axum::http::header::{HeaderValue, X_CONTENT_TYPE_OPTIONS};
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::Response;
use axum::routing::{get, post};

use crate::problem::in_shape;
use crate::server::origins::{Allowed, guard};
use crate::server::sources::Door;
use crate::server::state::State;
use crate::server::{changes, dashboard, health, letters, metrics, pipeline, sources, views};

/// The whole of the server's paths; web pages of other origins may use those below `/v1` as `allowed` says.
pub(crate) fn routes(state: Arc<State>, door: Door, allowed: Allowed) -> Router {
    let origins = allowed.layer();
    let pushing = Router::new()
        .route("/v1/sources/{source}", post(sources::push))
        .with_state(Arc::new(door));
    let mut below_v1 = Router::new()
        .route("/v1/views", get(views::list))
        .route("/v1/views/{view}", get(views::read))
        .route("/v1/views/{view}/changes", get(changes::follow))
        .route("/v1/dead-letters", get(letters::list))
        .route("/v1/dead-letters/replay", post(letters::replay))
        .route("/v1/pipeline", get(pipeline::pipeline))
        .with_state(Arc::clone(&state))
        .merge(pushing)
        .layer(from_fn_with_state(Arc::new(allowed), guard));
    if let Some(origins) = origins {
        below_v1 = below_v1.layer(origins);
    }
    Router::new()
        .route("/metrics", get(metrics::scrape))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .merge(dashboard::routes())
        .with_state(state)
        .merge(below_v1)
        .layer(map_response(in_shape))
        .layer(map_response(without_guessing))
}

/// Bodies are what their content type says, whatever they look like.
async fn without_guessing(mut response: Response) -> Response {
    response
        .headers_mut()
        .insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

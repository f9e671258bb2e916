//! Which path leads where.

use std::sync::Arc;

use axum::Router;
use axum::http::header::{HeaderValue, X_CONTENT_TYPE_OPTIONS};
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::{get, post};

use crate::problem::in_shape;
use crate::server::state::State;
use crate::server::{changes, dashboard, health, metrics, pipeline, sources, views};

/// The whole of the server's paths.
pub(crate) fn routes(state: Arc<State>) -> Router {
    Router::new()
        .route("/v1/views", get(views::list))
        .route("/v1/views/{view}", get(views::read))
        .route("/v1/views/{view}/changes", get(changes::follow))
        .route("/v1/sources/{source}", post(sources::push))
        .route("/v1/pipeline", get(pipeline::pipeline))
        .route("/metrics", get(metrics::scrape))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .merge(dashboard::routes())
        .with_state(state)
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

//! `GET /healthz` and `GET /readyz`: whether the process lives, and whether the pipeline is up.

use std::sync::Arc;

use axum::extract::State as Shared;

use crate::problem::Problem;
use crate::server::state::State;

/// `GET /healthz`: always good, since whoever hears it was answered.
pub(crate) async fn alive() -> &'static str {
    "alive\n"
}

/// `GET /readyz`: good once every worker is built and its state is there.
pub(crate) async fn ready(Shared(state): Shared<Arc<State>>) -> Result<&'static str, Problem> {
    if state.reading.is_ready() {
        return Ok("ready\n");
    }
    Err(Problem::NotReady {
        state: state.reading.status().state,
    })
}

//! `GET /v1/views/{view}/changes`: a view as it changes, by server-sent events.
//!
//! ```text
//!  worker ─ word of a snapshot ─▶ one task ─▶ follower ─ changes since what it saw last ─▶ client
//! ```
//!
//! A follower is first sent the view as a `snapshot` event, and then, whenever there is a newer snapshot, the
//! changes between the two as a `change` event. Nothing queues up: a client that reads slowly gets fewer
//! events with more in each, and one that takes nothing for a minute is let go. Followers that ask the
//! same and are equally far share the bytes. A client that comes back, with `Last-Event-ID` or
//! without, gets a new snapshot.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State as Shared;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use millstream_engine::Snapshot;
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};
use tokio_stream::wrappers::ReceiverStream;

use crate::filter::{BadParameter, Filter};
use crate::problem::Problem;
use crate::server::bodies::Built;
use crate::server::frame::{change_frame, snapshot_frame};
use crate::server::state::State;
use crate::server::views::{Named, Parameters, in_path, in_query};

/// How often a client hears something when nothing happens.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How long a client may take for one event.
const PATIENCE: Duration = Duration::from_secs(60);

type Events = mpsc::Sender<Result<Bytes, Infallible>>;

/// `GET /v1/views/{view}/changes`.
pub(crate) async fn follow(
    Shared(state): Shared<Arc<State>>,
    name: Named,
    parameters: Parameters,
) -> Result<Response, Problem> {
    let name = in_path(name)?;
    let parameters = in_query(parameters)?;
    let snapshot = state.snapshot_with(&name)?;
    let mut filter = Filter::default();
    for (parameter, text) in &parameters {
        if matches!(
            parameter.as_str(),
            "order" | "limit" | "cursor" | "after" | "wait_ms"
        ) {
            let reason =
                "changes are all sent, in the order of the view: only filters can be given";
            return Err(BadParameter::new(parameter, reason).into());
        }
        filter.add(&snapshot.views[&name].columns, parameter, text)?;
    }
    let question = format!("{name} {parameters:?}");
    // One event may wait while another is being sent; the follower waits after that.
    let (events, body) = mpsc::channel(1);
    let follower = Follower {
        state,
        name,
        filter: Arc::new(filter),
        question,
        events,
    };
    tokio::spawn(follower.run());
    let headers = [
        (CONTENT_TYPE, "text/event-stream"),
        (CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, Body::from_stream(ReceiverStream::new(body))).into_response())
}

/// Sends one client what it follows.
struct Follower {
    state: Arc<State>,
    name: String,
    filter: Arc<Filter>,
    /// The view and the filters as text: what followers have in common who can share bytes.
    question: String,
    events: Events,
}

impl Follower {
    async fn run(self) {
        let mut news = self.state.news.subscribe();
        let mut ending = self.state.ending.subscribe();
        // Looked at after subscribing, so that there is no news between the two that goes unheard.
        let mut seen = self.state.reading.snapshot();
        if !self.send(self.snapshot(&seen).await).await {
            return;
        }
        loop {
            let ended = tokio::select! {
                biased;
                () = self.events.closed() => return,
                _ = news.changed() => false,
                () = ends(&mut ending) => true,
                () = sleep(KEEP_ALIVE) => {
                    if !self.send(Bytes::from_static(b":\n\n")).await {
                        return;
                    }
                    continue;
                }
            };
            let now = self.state.reading.snapshot();
            if now.epoch > seen.epoch && !self.send(self.change(&seen, &now).await).await {
                return;
            }
            seen = now;
            if ended {
                return;
            }
        }
    }

    async fn snapshot(&self, now: &Arc<Snapshot>) -> Bytes {
        let question = format!("snapshot {}", self.question);
        let (of, name, filter) = (Arc::clone(now), self.name.clone(), Arc::clone(&self.filter));
        let build = move || built(snapshot_frame(&of, &name, &filter));
        self.bytes(now, question, build).await
    }

    async fn change(&self, seen: &Arc<Snapshot>, now: &Arc<Snapshot>) -> Bytes {
        let question = format!("change {} {}", seen.epoch, self.question);
        let (old, new) = (Arc::clone(seen), Arc::clone(now));
        let (name, filter) = (self.name.clone(), Arc::clone(&self.filter));
        let build = move || built(change_frame(&old, &new, &name, &filter));
        self.bytes(now, question, build).await
    }

    async fn bytes(
        &self,
        now: &Snapshot,
        question: String,
        build: impl FnOnce() -> Result<Built, Problem> + Send + 'static,
    ) -> Bytes {
        match self.state.bodies.get(now.epoch, question, build).await {
            Ok(built) => built.bytes,
            Err(problem) => {
                tracing::error!(view = self.name, %problem, "an event could not be written");
                Bytes::new()
            }
        }
    }

    /// Sends `bytes`, if there are any; false when the client is gone.
    async fn send(&self, bytes: Bytes) -> bool {
        if bytes.is_empty() {
            return true;
        }
        matches!(
            timeout(PATIENCE, self.events.send(Ok(bytes))).await,
            Ok(Ok(()))
        )
    }
}

async fn ends(ending: &mut watch::Receiver<bool>) {
    let _ = ending.wait_for(|ending| *ending).await;
}

fn built(frame: serde_json::Result<Vec<u8>>) -> Result<Built, Problem> {
    let bytes = frame.map_err(|error| Problem::Internal {
        reason: error.to_string(),
    })?;
    Ok(Built {
        bytes: bytes.into(),
        next: None,
    })
}

//! `GET /v1/dead-letters` and `POST /v1/dead-letters/replay`: what could not be processed, to be read and sent again.
//!
//! Both take the same parameters, which say what letters are meant; without any, all are. Letters come oldest first; the
//! log is read by a thread that may wait, for it can be long. Letters of sources with keys are for those who show one.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State as Shared;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use millstream_connectors::{
    Letter, LetterBook, LetterError, LetterFilter, LetterPage, ReplayError,
};
use millstream_engine::EventTime;
use serde::Serialize;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use crate::filter::BadParameter;
use crate::page::{LIMIT_DEFAULT, parse_limit};
use crate::problem::Problem;
use crate::server::sources::as_text;
use crate::server::state::State;
use crate::server::views::{Parameters, in_query};

/// How long a source is left alone that has refused to take letters again.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(1);

#[derive(Serialize)]
struct Listing {
    letters: Vec<Letter>,
    next: Option<String>,
}

/// What is asked of the letters.
struct Question {
    filter: LetterFilter,
    from: u64,
    limit: usize,
}

/// `GET /v1/dead-letters`.
pub(crate) async fn list(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    parameters: Parameters,
) -> Result<Response, Problem> {
    let mut question = Question::parse(in_query(parameters)?)?;
    question.filter.except = closed(&state, &headers, &question.filter)?;
    let page = on_a_thread_of_its_own(move || {
        let Question {
            filter,
            from,
            limit,
        } = question;
        Ok(book(&state)?.page(&filter, from, limit)?)
    });
    let LetterPage { letters, next } = page.await?;
    let next = next.map(|number| number.to_string());
    Ok(Json(Listing { letters, next }).into_response())
}

/// `POST /v1/dead-letters/replay`.
pub(crate) async fn replay(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    parameters: Parameters,
) -> Result<Response, Problem> {
    let parameters = in_query(parameters)?;
    let of_pages =
        |(name, _): &&(String, String)| ["limit", "cursor", "replayed"].contains(&&**name);
    if let Some((name, _)) = parameters.iter().find(of_pages) {
        let reason = "all letters that are meant are sent, but none a second time: say which by source, reason, since \
                      and until";
        return Err(BadParameter::new(name, reason).into());
    }
    let mut filter = Question::parse(parameters)?.filter;
    filter.except = closed(&state, &headers, &filter)?;
    if let Some(name) = &filter.source {
        check_source(&state, name)?;
    }
    let replayed = on_a_thread_of_its_own(move || {
        let book = book(&state)?;
        Ok(book.replay(&filter, |source| state.reading.inlet(source))?)
    });
    Ok(Json(replayed.await?).into_response())
}

/// The sources that take events only from those with a key, if `headers` show none: what was sent to them is not for
/// everyone to read, nor to send.
fn closed(
    state: &State,
    headers: &HeaderMap,
    filter: &LetterFilter,
) -> Result<Vec<String>, Problem> {
    let headers = as_text(headers)?;
    let mut closed = Vec::new();
    for name in state.reading.inlet_names() {
        let inlet = state.reading.inlet(&name);
        match inlet.map_or(Ok(()), |inlet| inlet.admit(&headers)) {
            Ok(()) => {}
            Err(refusal) if filter.source.as_ref() == Some(&name) => return Err(refusal.into()),
            Err(_) => closed.push(name),
        }
    }
    Ok(closed)
}

/// Has sent again what a process was sending again when it died, if there is anything; gives whether that is done, or to be
/// tried once more.
pub(crate) async fn finish(state: Arc<State>) -> bool {
    let finished = on_a_thread_of_its_own(move || {
        let Some(book) = state.reading.letters()? else {
            return Ok(true);
        };
        match book.finish(|source| state.reading.inlet(source)) {
            Ok(()) => Ok(true),
            Err(ReplayError::Refused(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    });
    match finished.await {
        Ok(true) => true,
        Ok(false) => {
            sleep(TRY_AGAIN_AFTER).await;
            false
        }
        // Trying again would not help.
        Err(error) => {
            tracing::warn!(%error, "dead letters that were being sent again are still to be sent");
            true
        }
    }
}

/// Whether letters of `source` can be sent to it.
fn check_source(state: &State, name: &str) -> Result<(), Problem> {
    if state.reading.inlet(name).is_some() {
        return Ok(());
    }
    let source_name = name.to_owned();
    let sources = state.reading.status().sources;
    if sources.iter().any(|source| source.name == name) {
        return Err(Problem::NotSentAgain { source_name });
    }
    Err(Problem::UnknownSource {
        source_name,
        known: state.reading.inlet_names(),
    })
}

fn book(state: &State) -> Result<Arc<LetterBook>, Problem> {
    if !state.reading.is_ready() {
        let state = state.reading.status().state;
        return Err(Problem::NotReady { state });
    }
    state.reading.letters()?.ok_or(Problem::NoLetters)
}

async fn on_a_thread_of_its_own<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let done = spawn_blocking(work).await;
    done.map_err(|panicked| Problem::Internal {
        reason: panicked.to_string(),
    })?
}

impl From<LetterError> for Problem {
    fn from(error: LetterError) -> Self {
        Problem::Internal {
            reason: error.to_string(),
        }
    }
}

impl From<ReplayError> for Problem {
    fn from(error: ReplayError) -> Self {
        match error {
            ReplayError::Refused(refusal) => refusal.into(),
            other => Problem::Internal {
                reason: other.to_string(),
            },
        }
    }
}

impl Question {
    fn parse(parameters: Vec<(String, String)>) -> Result<Self, BadParameter> {
        let mut question = Question {
            filter: LetterFilter::default(),
            from: 0,
            limit: LIMIT_DEFAULT,
        };
        let Question {
            filter,
            from,
            limit,
        } = &mut question;
        for (name, text) in parameters {
            match &*name {
                "source" => filter.source = Some(text),
                "reason" => filter.reason = Some(text),
                "since" => filter.since = Some(parse_time(&name, &text)?),
                "until" => filter.until = Some(parse_time(&name, &text)?),
                "replayed" => filter.replayed = Some(parse_yes_or_no(&name, &text)?),
                "limit" => *limit = parse_limit(&text)?,
                "cursor" => *from = parse_cursor(&text)?,
                _ => {
                    let reason =
                        "there are source, reason, since, until, replayed, limit and cursor";
                    return Err(BadParameter::new(&name, reason));
                }
            }
        }
        Ok(question)
    }
}

fn parse_time(name: &str, text: &str) -> Result<EventTime, BadParameter> {
    text.parse()
        .map_err(|_| BadParameter::new(name, "take a time such as 2026-01-15T10:30:00Z"))
}

fn parse_yes_or_no(name: &str, text: &str) -> Result<bool, BadParameter> {
    text.parse()
        .map_err(|_| BadParameter::new(name, "take true or false"))
}

fn parse_cursor(text: &str) -> Result<u64, BadParameter> {
    let reason = "take the value of `next` from the page before, as it is";
    text.parse()
        .map_err(|_| BadParameter::new("cursor", reason))
}

//! `GET /v1/views` and `GET /v1/views/{view}`: what views there are, and what is in them.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State as Shared};
use axum::http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH,
    LINK, VARY,
};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use millstream_engine::{Column, EventTime, Snapshot, ViewSnapshot};
use serde::Serialize;

use crate::encode::RowsJson;
use crate::format::Format;
use crate::page::{Page, Question};
use crate::problem::Problem;
use crate::server::after::After;
use crate::server::bodies::Built;
use crate::server::state::State;

/// The parameters of a request, in order.
pub(crate) type Parameters = Result<Query<Vec<(String, String)>>, QueryRejection>;
/// The name in a request's path.
pub(crate) type Named = Result<Path<String>, PathRejection>;

pub(crate) const MILLSTREAM_EPOCH: HeaderName = HeaderName::from_static("millstream-epoch");
pub(crate) const MILLSTREAM_WATERMARK: HeaderName = HeaderName::from_static("millstream-watermark");

#[derive(Serialize)]
struct Listing<'a> {
    epoch: String,
    views: Vec<Listed<'a>>,
}

#[derive(Serialize)]
struct Listed<'a> {
    name: &'a str,
    columns: &'a [Column],
    key: Option<Vec<&'a str>>,
    rows: usize,
    epoch: String,
    watermark: Option<EventTime>,
    retained_from: Option<EventTime>,
}

/// `GET /v1/views`.
pub(crate) async fn list(Shared(state): Shared<Arc<State>>) -> Response {
    let snapshot = state.reading.snapshot();
    let epoch = snapshot.epoch.to_string();
    let views = snapshot
        .views
        .iter()
        .map(|(name, view)| listed(name, view, &epoch))
        .collect();
    Json(Listing {
        epoch: epoch.clone(),
        views,
    })
    .into_response()
}

fn listed<'a>(name: &'a str, view: &'a ViewSnapshot, epoch: &str) -> Listed<'a> {
    Listed {
        name,
        columns: &view.columns,
        key: key_columns(view),
        rows: view.n_rows(),
        epoch: epoch.into(),
        watermark: promised(view),
        retained_from: view.retained_from,
    }
}

/// The names of the columns that tell rows apart, which come first; unknown while there is no row.
pub(crate) fn key_columns(view: &ViewSnapshot) -> Option<Vec<&str>> {
    let (key, _) = view.parts.iter().find_map(|part| part.get_min())?;
    let n_columns = key.key.len() + if key.window.is_some() { 2 } else { 0 };
    Some(
        view.columns
            .iter()
            .take(n_columns)
            .map(|column| column.name.as_str())
            .collect(),
    )
}

/// The watermark, unless nothing was promised yet.
pub(crate) fn promised(view: &ViewSnapshot) -> Option<EventTime> {
    Some(view.watermark).filter(|watermark| *watermark != EventTime::MIN)
}

/// `GET /v1/views/{view}`.
pub(crate) async fn read(
    Shared(state): Shared<Arc<State>>,
    name: Named,
    parameters: Parameters,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let name = in_path(name)?;
    let mut parameters = in_query(parameters)?;
    // Whether the view is there at all need not be waited for.
    state.snapshot_with(&name)?;
    if let Some(after) = After::take(&mut parameters)? {
        after.seen(&state).await?;
    }
    let snapshot = state.snapshot_with(&name)?;
    let view = &snapshot.views[&name];
    let question = Question::parse(&view.columns, &parameters)?;
    let format = accepted(&headers)?;

    let tag = format!(
        "\"{}-{:x}-{}\"",
        snapshot.epoch,
        state.born,
        format.extension()
    );
    let mut answer = Response::default();
    describe(answer.headers_mut(), &tag, &snapshot, view);
    if knows(&headers, &tag) {
        *answer.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(answer);
    }
    let key = format!("{} {name} {parameters:?}", format.extension());
    let of = Arc::clone(&snapshot);
    let build = move || build(&of, &name, &question, format);
    let built = state.bodies.get(snapshot.epoch, key, build).await?;
    answer.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static(format.content_type()),
    );
    if let Some(next) = &built.next {
        answer
            .headers_mut()
            .insert(LINK, text_header(&link_to_next(&uri, next)));
    }
    *answer.body_mut() = built.bytes.into();
    Ok(answer)
}

pub(crate) fn in_path(name: Named) -> Result<String, Problem> {
    let bad = |rejection: PathRejection| Problem::BadAddress {
        reason: rejection.body_text(),
    };
    name.map(|Path(name)| name).map_err(bad)
}

pub(crate) fn in_query(parameters: Parameters) -> Result<Vec<(String, String)>, Problem> {
    let bad = |rejection: QueryRejection| Problem::BadAddress {
        reason: rejection.body_text(),
    };
    parameters.map(|Query(parameters)| parameters).map_err(bad)
}

fn accepted(headers: &HeaderMap) -> Result<Format, Problem> {
    let accept: Vec<_> = headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect();
    let accept = accept.join(",");
    Format::of_accept(Some(&accept)).ok_or_else(|| Problem::NotAcceptable {
        formats: Format::ALL.map(Format::media_type).join(", "),
        accept,
    })
}

fn describe(headers: &mut HeaderMap, tag: &str, snapshot: &Snapshot, view: &ViewSnapshot) {
    headers.insert(ETAG, text_header(tag));
    headers.insert(VARY, HeaderValue::from_static("accept"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(MILLSTREAM_EPOCH, text_header(&snapshot.epoch.to_string()));
    if let Some(watermark) = promised(view) {
        headers.insert(MILLSTREAM_WATERMARK, text_header(&watermark.to_string()));
    }
}

/// Whether the client says that it has what `tag` stands for.
pub(crate) fn knows(headers: &HeaderMap, tag: &str) -> bool {
    let known = headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok());
    known
        .flat_map(|tags| tags.split(','))
        .map(str::trim)
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

fn text_header(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("epochs, times, cursors and URIs are visible ASCII")
}

/// The address of the next page, for clients whose format has no room for a cursor.
fn link_to_next(uri: &Uri, next: &str) -> String {
    let query = uri.query().unwrap_or("").split('&');
    let of_this_page = ["cursor=", "after=", "wait_ms="];
    let is_kept = |part: &&str| !of_this_page.iter().any(|name| part.starts_with(name));
    let kept = query.filter(|part| !part.is_empty() && is_kept(part));
    let query: Vec<_> = kept.collect();
    let separator = if query.is_empty() { "" } else { "&" };
    format!(
        "<{}?{}{separator}cursor={next}>; rel=\"next\"",
        uri.path(),
        query.join("&")
    )
}

#[derive(Serialize)]
struct Body<'a> {
    epoch: String,
    watermark: Option<EventTime>,
    retained_from: Option<EventTime>,
    rows: RowsJson<'a>,
    next: Option<&'a str>,
}

fn build(
    snapshot: &Snapshot,
    name: &str,
    question: &Question,
    format: Format,
) -> Result<Built, Problem> {
    let view = &snapshot.views[name];
    let Page { rows, next } = question.answer(view);
    let mut out = Vec::new();
    let written = if format == Format::Json {
        let body = Body {
            epoch: snapshot.epoch.to_string(),
            watermark: promised(view),
            retained_from: view.retained_from,
            rows: RowsJson {
                columns: &view.columns,
                rows: &rows,
            },
            next: next.as_deref(),
        };
        serde_json::to_writer(&mut out, &body).map_err(Into::into)
    } else {
        format.write(&view.columns, &rows, &mut out)
    };
    written.map_err(|error| Problem::Internal {
        reason: error.to_string(),
    })?;
    Ok(Built {
        bytes: Bytes::from(out),
        next: next.map(Into::into),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_has_the_same_address_with_another_cursor() {
        let check = |uri: &str, expected: &str| {
            assert_eq!(link_to_next(&uri.parse().unwrap(), "abc"), expected);
        };
        check("/v1/views/v", "</v1/views/v?cursor=abc>; rel=\"next\"");
        check(
            "/v1/views/v?limit=1&cursor=x&a=b",
            "</v1/views/v?limit=1&a=b&cursor=abc>; rel=\"next\"",
        );
        check(
            "/v1/views/v?after=s:0.1&wait_ms=5&a=b",
            "</v1/views/v?a=b&cursor=abc>; rel=\"next\"",
        );
    }
}

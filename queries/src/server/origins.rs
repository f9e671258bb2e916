//! Origins: which web pages may use the server from a browser.
//!
//! A browser lets the script of a page read an answer of another origin, or send it a header of its own, only if that
//! one says so (CORS). Without origins nothing is said, and no page but the server's own can. What a page may send without
//! asking is sent all the same, so the server refuses it. Programs that are no browsers name no origin and are not asked.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::Method;
use axum::http::header::{
    ETAG, HOST, HeaderMap, HeaderName, HeaderValue, LINK, ORIGIN, RETRY_AFTER,
};
use axum::middleware::Next;
use axum::response::Response;
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use crate::problem::Problem;
use crate::server::ServeError;
use crate::server::views::{MILLSTREAM_EPOCH, MILLSTREAM_WATERMARK};

/// How long a browser need not ask again; none remembers it for longer.
const ASKED_EVERY: Duration = Duration::from_secs(2 * 60 * 60);

/// Headers of answers that a page may read.
const EXPOSED: [HeaderName; 5] = [
    ETAG,
    LINK,
    RETRY_AFTER,
    MILLSTREAM_EPOCH,
    MILLSTREAM_WATERMARK,
];

/// The origins whose pages may read, and send something.
#[derive(Clone, Debug, Default)]
pub(crate) struct Allowed {
    all: bool,
    named: Vec<HeaderValue>,
}

impl Allowed {
    /// Those that `origins` name.
    ///
    /// # Errors
    /// [`ServeError::BadOrigin`].
    pub(crate) fn of(origins: &[String]) -> Result<Self, ServeError> {
        let named = origins.iter().filter(|origin| *origin != "*");
        let named = named.map(|origin| parse(origin));
        Ok(Allowed {
            all: origins.iter().any(|origin| origin == "*"),
            named: named.collect::<Result<_, _>>()?,
        })
    }

    /// What lets their pages read, or `None` if there are none.
    pub(crate) fn layer(&self) -> Option<CorsLayer> {
        let allowed = match self.all {
            true => AllowOrigin::any(),
            false if self.named.is_empty() => return None,
            false => AllowOrigin::list(self.named.clone()),
        };
        let layer = CorsLayer::new()
            .allow_origin(allowed)
            .allow_methods([Method::GET, Method::HEAD, Method::POST])
            // Attributes of a CloudEvent are headers of any name: none of them does anything but say what it says.
            .allow_headers(AllowHeaders::mirror_request())
            .expose_headers(EXPOSED)
            .max_age(ASKED_EVERY);
        Some(layer)
    }

    /// Whether a request with `headers` comes from no page, from one of this server, or from one that is let in.
    fn allow(&self, headers: &HeaderMap) -> bool {
        let Some(origin) = headers.get(ORIGIN) else {
            return true;
        };
        let host_of = |origin: &HeaderValue| {
            let (_, host) = origin.to_str().ok()?.split_once("://")?;
            Some(host.to_owned())
        };
        let asked = headers.get(HOST).and_then(|host| host.to_str().ok());
        let is_own = asked.is_some() && host_of(origin).as_deref() == asked;
        self.all || is_own || self.named.contains(origin)
    }
}

/// Refuses what pages of other origins would change.
///
/// A browser keeps such a page from reading the answer, but sends a simple request all the same.
pub(crate) async fn guard(
    State(allowed): State<Arc<Allowed>>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    if request.method() == Method::POST && !allowed.allow(request.headers()) {
        let origin = request.headers().get(ORIGIN);
        let origin = origin.map(|origin| String::from_utf8_lossy(origin.as_bytes()).into_owned());
        return Err(Problem::ForeignOrigin {
            origin: origin.unwrap_or_default(),
        });
    }
    Ok(next.run(request).await)
}

/// `origin` as a browser sends it.
fn parse(origin: &str) -> Result<HeaderValue, ServeError> {
    let bad = |reason| ServeError::BadOrigin {
        origin: origin.to_owned(),
        reason,
    };
    let lower = origin.to_ascii_lowercase();
    let (scheme, rest) = lower
        .split_once("://")
        .ok_or_else(|| bad("it has no scheme"))?;
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_lowercase())
        && scheme
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    if !is_scheme {
        return Err(bad("its scheme is none"));
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    if end < rest.len() {
        return Err(bad("it goes on after the host and its port"));
    }
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (rest, None),
    };
    let is_host = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
    if host.is_empty() || !host.chars().all(is_host) || host == "*" {
        return Err(bad("its host is none"));
    }
    if port.is_some_and(|port| port.parse::<u16>().is_err()) {
        return Err(bad("its port is none"));
    }
    let is_default = matches!(
        (scheme, port),
        ("http", Some("80")) | ("https", Some("443"))
    );
    let sent = if is_default {
        format!("{scheme}://{host}")
    } else {
        lower.clone()
    };
    HeaderValue::try_from(sent).map_err(|_| bad("it cannot be sent in a header"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_read_as_browsers_send_them() {
        for (origin, sent) in [
            ("https://shop.example", "https://shop.example"),
            ("HTTPS://Shop.Example:443", "https://shop.example"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("http://[::1]:80", "http://[::1]"),
            ("http://[::1]", "http://[::1]"),
            ("tauri://localhost", "tauri://localhost"),
        ] {
            assert_eq!(parse(origin).expect(origin), sent);
        }
    }

    #[test]
    fn what_no_browser_sends_is_told() {
        for (origin, reason) in [
            ("", "no scheme"),
            ("shop.example", "no scheme"),
            ("null", "no scheme"),
            ("://shop.example", "scheme is none"),
            ("1a://shop.example", "scheme is none"),
            ("https://", "host is none"),
            ("https://*.shop.example", "host is none"),
            ("https://shop example", "host is none"),
            ("https://me@shop.example", "host is none"),
            ("https://shop.example/", "goes on after"),
            ("https://shop.example/a", "goes on after"),
            ("https://shop.example:https", "port is none"),
            ("https://shop.example:", "port is none"),
            ("https://läden.example", "host is none"),
        ] {
            let error = Allowed::of(&["*".to_owned(), origin.to_owned()]).expect_err(origin);
            assert!(error.to_string().contains(reason), "{error}");
            assert!(
                error.to_string().contains(&format!("{origin:?}")),
                "{error}"
            );
        }
    }
}

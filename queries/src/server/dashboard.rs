//! `GET /`: the dashboard, a page that is part of the program and needs nothing from elsewhere.
//!
//! Its files live in `dashboard/` beside this crate's sources. The page may run and show only what this server
//! sends it (`default-src 'self'`), so that text from events can never become a script.

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderMap, REFERRER_POLICY,
};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::server::views::knows;

const POLICY: &str =
    "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// One file of the dashboard.
struct File {
    path: &'static str,
    content_type: &'static str,
    bytes: &'static [u8],
}

const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const STYLESHEET: &str = "text/css; charset=utf-8";

const FILES: [File; 10] = [
    File {
        path: "/",
        content_type: "text/html; charset=utf-8",
        bytes: include_bytes!("../../dashboard/index.html"),
    },
    File {
        path: "/dashboard/app.js",
        content_type: JAVASCRIPT,
        bytes: include_bytes!("../../dashboard/app.js"),
    },
    File {
        path: "/dashboard/format.js",
        content_type: JAVASCRIPT,
        bytes: include_bytes!("../../dashboard/format.js"),
    },
    File {
        path: "/dashboard/feed.js",
        content_type: JAVASCRIPT,
        bytes: include_bytes!("../../dashboard/feed.js"),
    },
    File {
        path: "/dashboard/view.js",
        content_type: JAVASCRIPT,
        bytes: include_bytes!("../../dashboard/view.js"),
    },
    File {
        path: "/dashboard/pipeline.js",
        content_type: JAVASCRIPT,
        bytes: include_bytes!("../../dashboard/pipeline.js"),
    },
    File {
        path: "/dashboard/style.css",
        content_type: STYLESHEET,
        bytes: include_bytes!("../../dashboard/style.css"),
    },
    File {
        path: "/dashboard/icon.svg",
        content_type: "image/svg+xml",
        bytes: include_bytes!("../../dashboard/icon.svg"),
    },
    File {
        path: "/dashboard/vendor/uPlot.iife.min.js",
        content_type: JAVASCRIPT,
        bytes: include_bytes!("../../dashboard/vendor/uPlot.iife.min.js"),
    },
    File {
        path: "/dashboard/vendor/uPlot.min.css",
        content_type: STYLESHEET,
        bytes: include_bytes!("../../dashboard/vendor/uPlot.min.css"),
    },
];

/// The routes of the dashboard's files.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    FILES.iter().fold(Router::new(), |router, file| {
        router.route(
            file.path,
            get(async move |headers: HeaderMap| send(file, &headers)),
        )
    })
}

fn send(file: &'static File, headers: &HeaderMap) -> Response {
    let tag = format!("\"{:016x}\"", fingerprint(file.bytes));
    let described = [
        (ETAG, tag.as_str()),
        // Asked for again each time, and then mostly not sent: a new version shows at once.
        (CACHE_CONTROL, "no-cache"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, "no-referrer"),
    ];
    if knows(headers, &tag) {
        return (StatusCode::NOT_MODIFIED, described).into_response();
    }
    (described, [(CONTENT_TYPE, file.content_type)], file.bytes).into_response()
}

/// FNV-1a: enough to tell two versions of a file apart.
fn fingerprint(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}

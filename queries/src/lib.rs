//! Reading Millstream: views over HTTP, the dashboard, export.
//!
//! What a pipeline publishes as views, others read here: programs over [HTTP](HttpService), people on its dashboard,
//! tools from [files](Export). All of them see a pipeline through [`Reading`]: snapshots of its views, its status and
//! its inlets. Nothing in this crate ever holds up a worker.
//!
//! | call | answer |
//! |---|---|
//! | `GET /v1/views` | the views: names, columns, how many rows, epoch, watermark |
//! | `GET /v1/views/{view}` | its rows: `?url=/home&views.gte=10&order=-views&limit=100`, as JSON, CSV, NDJSON or Parquet by `Accept` |
//! | `GET /v1/views/{view}/changes` | the same as it changes, by server-sent events |
//! | `POST /v1/sources/{source}` | takes events in |
//! | `GET /v1/pipeline` | the graph, its counters, and why its watermarks stand where they stand |
//! | `GET /metrics`, `/healthz`, `/readyz` | for those who watch over it |
//! | `GET /` | the dashboard |
//!
//! Errors are problem documents (RFC 9457). Answers name the epoch they are of: two with the same epoch have seen
//! exactly the same input.

mod args;
mod cursor;
mod diff;
mod encode;
mod export;
mod filter;
mod format;
mod order;
mod page;
mod problem;
mod reading;
mod serve;
mod server;

pub use args::{LISTEN_DEFAULT, RunArgs, STATE_DIRECTORY};
pub use export::{Export, ExportError};
pub use reading::{Reading, SnapshotWatcher};
pub use serve::{FromArgs, Serve};
pub use server::{HttpService, ServeError};

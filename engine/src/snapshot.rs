//! Snapshots: what a run must find again after it was killed.
//!
//! ```text
//!  source ──records@e──▶ operators ──▶ sink.stage(e)  (written, invisible) ────────┐
//!    │ position@e           │ changes@e                                            ▼
//!    └──────────┬───────────┘                                               commit (worker 0): every worker has voted
//!               ▼                                                            1. manifest e: written, synced, renamed
//!       write (one thread a worker; capability held until durable) ──vote@e─▶ 2. committed(e) ─▶ sink.publish(e), collect
//! ```
//!
//! A *snapshot* is the state of all steps after one epoch. At a snapshot epoch every step hands over what has changed
//! since the last one ([`log`]), one thread per worker writes it into an immutable file ([`file`]), and when all workers
//! have voted that theirs is durable, a manifest names the files, the positions of all sources and what the sinks have
//! staged ([`manifest`]). That is the commit: what came before it is never lost, what comes after it never happened.
//!
//! *Invariants*: a file never changes once it is named by a manifest. Nothing is published that no manifest names. The
//! older of the two manifests can always be gone back to.

pub(crate) mod acks;
pub(crate) mod change;
pub(crate) mod collect;
pub(crate) mod commit;
pub(crate) mod entry;
pub(crate) mod error;
pub(crate) mod file;
pub(crate) mod files;
pub(crate) mod follow;
pub(crate) mod keeper;
pub(crate) mod load;
pub(crate) mod local;
pub(crate) mod log;
pub(crate) mod manifest;
pub(crate) mod merge;
mod merging;
pub(crate) mod publish;
mod restore;
pub(crate) mod state;
pub(crate) mod store;
pub(crate) mod write;
pub(crate) mod writer;

//! The event log: ordered events that many readers read at their own pace, and can read again.
//!
//! ```text
//!  any thread                         the writer's thread                             any thread
//!  append(records, then) ─▶ pending ─▶ one group of all partitions: write, sync ─▶ readable ─▶ Reader::next
//!       assigns offsets,                 │                                            │
//!       finds duplicates                 └─▶ then(Appended)                           └─▶ wakers
//! ```
//!
//! A [`Topic`] has partitions, a partition is a sequence of records with gapless offsets, and lies in segments: files that
//! are written once from front to back. What is written while the disk is busy forms the next group, so that one sync
//! serves all who wait for it. Each reader says how far it has read for good ([`Topic::commit`]); segments that everyone
//! has read go when the topic grows too large or they too old.
//!
//! The files are described byte by byte in `docs/log-format.md`.
//!
//! *Invariants*: what was acknowledged is there once, in order, whatever happens to the process. What a reader was given
//! is durable under the topic's policy. An error of a write or a sync ends all writing; it is never tried again. Every
//! segment but the last of a partition is whole and durable.

mod error;
mod settings;

mod headers;
mod record;

mod checked_file;
mod frame;
mod index;
mod segment;
mod walk;

mod ids;
mod sequence;
mod shelf;
mod tail;

mod append;
mod group;
mod readers;
mod retain;
mod writer;
mod written;

mod cut;
mod open;
mod recover;

mod inner;
mod reader;
mod topic;

mod memory_store;

pub(crate) mod partition;
mod progress;
mod source;

pub(crate) mod run_topic;
mod sink;
mod sink_part;

pub use error::LogError;
pub use headers::{Again, RecordHeaders};
pub use memory_store::MemoryStore;
pub use open::Cut;
pub use partition::LogPartition;
pub use progress::Progress;
pub use reader::Reader;
pub(crate) use run_topic::store_name;

pub use record::{Appended, LogRecord, NewRecord};
pub use settings::{Retention, SyncPolicy, TopicSettings};
pub use shelf::Subscription;
pub use sink::{TopicSink, TopicSinkError};
pub use source::{LogSource, LogSourceError, ReadFrom};
pub use topic::Topic;

//! Sources, sinks and formats for Millstream: bytes in, bytes out.
//!
//! | source | what it is | partitions | after a crash |
//! |---|---|---|---|
//! | [`NdjsonFiles`] | reads files of one JSON value a line, plain or compressed, or standard input | 16 | reads on where it stood; standard input cannot |
//! | [`Collector`] | takes events that are pushed in, over HTTP or by the program itself | 1 | what was in its queue is lost |
//! | [`LogSource`] | reads an event log, a [`Topic`] | those of the topic | reads on where it stood |
//! | [`Items`] | gives what the program has at hand | 1 | goes on behind what it has given |
//! | [`Clickstream`] | makes up page views, the same ones for the same seed | 4 | goes on where it stood |
//!
//! | sink | what it is | after a crash |
//! |---|---|---|
//! | [`ParquetFiles`] | a folder of Parquet files, one partition a day, an hour or a minute | each row is there once |
//! | [`TopicSink`] | an event log, a [`Topic`] | each row is there once |
//! | [`Console`] | a line of JSON a row on standard output | some rows are there twice |
//! | [`Memory`] | a list of rows, for tests | each row is there once, in the same process |
//!
//! A source that reads bytes is given a format: [`Json`] is one, anything that implements [`Decode`] is another. What
//! cannot be processed is a dead letter.

mod clickstream;
mod collector;
mod event;
mod file;
mod format;
mod items;
mod letters;
mod log;
mod take;

mod console;
mod held;
mod keep;
mod memory;
mod parquet;
mod row_csv;
mod row_json;
mod schema;
mod sink_error;
mod staged_name;

#[cfg(test)]
mod testing;

pub use crate::parquet::{ParquetFiles, write_parquet};
pub use clickstream::{Clickstream, ClickstreamPartition, PageView, ParseRateError, Rate};
pub use collector::{Collector, CollectorSource};
pub use console::Console;
pub use event::{Event, Metadata};
pub use file::{FileError, FileLane, FileSource, NdjsonFiles, Packing};
pub use format::{Decode, DecodeError, Json, Place};
pub use items::{Items, ItemsPartition};
pub use letters::{Letter, LetterBook, LetterError, LetterFilter, LetterPage, Replay, ReplayError};
pub use log::{
    Again, Appended, Cut, LogError, LogPartition, LogRecord, LogSource, LogSourceError,
    MemoryStore, NewRecord, Progress, ReadFrom, Reader, RecordHeaders, Retention, Subscription,
    SyncPolicy, Topic, TopicSettings, TopicSink, TopicSinkError,
};
pub use memory::Memory;
pub use row_csv::write_csv;
pub use row_json::{RowJson, ValueJson, write_ndjson};
pub use schema::{arrow_schema, record_batch};
pub use sink_error::SinkError;

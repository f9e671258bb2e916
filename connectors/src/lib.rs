//! Sources, sinks and formats for Millstream: bytes in, bytes out.
//!
//! | connector | what it is | partitions |
//! |---|---|---|
//! | [`NdjsonFiles`] | reads files of one JSON value a line, plain or compressed, or standard input | 16 |
//! | [`Collector`] | takes events that are pushed in, over HTTP or by the program itself | 1 |
//! | [`Clickstream`] | makes up page views, the same ones for the same seed | 4 |
//! | [`DeadLetterFiles`] | keeps what could not be processed, one file a source | |
//!
//! A source that reads bytes is given a format: [`Json`] is one, anything that implements [`Decode`] is another.

mod clickstream;
mod collector;
mod dead_letters;
mod event;
mod file;
mod format;
mod take;

#[cfg(test)]
mod testing;

pub use clickstream::{Clickstream, ClickstreamPartition, PageView, ParseRateError, Rate};
pub use collector::{Collector, CollectorPartition, CollectorSource};
pub use dead_letters::{DeadLetterFileError, DeadLetterFiles};
pub use event::{Event, Metadata};
pub use file::{FileError, FileLane, FileSource, NdjsonFiles, Packing};
pub use format::{Decode, DecodeError, Json, Place};

//! Sources, sinks and formats for Millstream: bytes in, bytes out.
//!
//! | connector | what it is | partitions |
//! |---|---|---|
//! | [`DeadLetterFiles`] | keeps what could not be processed, one file a source | |
//!
//! A source that reads bytes is given a format: [`Json`] is one, anything that implements [`Decode`] is another.

mod dead_letters;
mod event;
mod format;
mod take;

#[cfg(test)]
mod testing;

pub use dead_letters::{DeadLetterFileError, DeadLetterFiles};
pub use event::{Event, Metadata};
pub use format::{Decode, DecodeError, Json, Place};

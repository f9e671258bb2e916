//! What can go wrong with a topic.

use std::io;
use std::sync::Arc;

use millstream_engine::StateError;

/// Why a topic could not be opened, written or read. A clone is the same error, told to somebody else.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// The directory cannot be used.
    #[error("cannot open a topic: {0}")]
    Directory(#[source] Arc<StateError>),
    /// Another process, or another part of this one, has the topic.
    #[error("cannot open topic {place}: somebody else has it open; close that first")]
    InUse {
        /// The topic.
        place: String,
    },
    /// There is no topic where one was looked for.
    #[error("there is no topic in {place}: it has no file `topic`")]
    NoTopic {
        /// The directory.
        place: String,
    },
    /// A setting that makes no sense.
    #[error("cannot open topic {place}: {reason}")]
    BadSetting {
        /// The topic.
        place: String,
        /// Which one, and what it should be.
        reason: String,
    },
    /// The topic was made with another number of partitions.
    #[error(
        "topic {place} has {partitions} partitions, and {asked} were asked for: \
         ask for {partitions}, or give it another place"
    )]
    OtherPartitions {
        /// The topic.
        place: String,
        /// How many it has.
        partitions: u32,
        /// How many were asked for.
        asked: u32,
    },
    /// The system refused to read.
    #[error("cannot {action} {place}: {source}")]
    Read {
        /// What was tried.
        action: &'static str,
        /// The file.
        place: String,
        /// What the system said.
        source: Arc<io::Error>,
    },
    /// The system refused to write: the topic takes nothing more.
    #[error(
        "cannot {action} {place}: {source}; nothing more is written to this topic: \
         see to the disk, then open it again"
    )]
    Write {
        /// What was tried.
        action: &'static str,
        /// The file.
        place: String,
        /// What the system said.
        source: Arc<io::Error>,
    },
    /// A segment is damaged where it was whole once.
    #[error(
        "segment {place} is damaged at offset {offset}, byte {position}: {reason}; \
         restore the file, or remove the topic if it can be done without"
    )]
    Damaged {
        /// The segment.
        place: String,
        /// The first record that cannot be read.
        offset: u64,
        /// Where in the segment it begins.
        position: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// A small file of the topic is damaged, or one is missing.
    #[error(
        "{place} is damaged: {reason}; restore the topic, or remove it if it can be done without"
    )]
    DamagedFile {
        /// The file.
        place: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The topic has no such partition.
    #[error("topic {place} has no partition {partition}, only 0 to {}", partitions - 1)]
    NoPartition {
        /// The topic.
        place: String,
        /// What was asked for.
        partition: u32,
        /// How many there are.
        partitions: u32,
    },
    /// A record is larger than the topic takes.
    #[error(
        "record {index} is too large for topic {place}: its {what} has {bytes} bytes, more than {bytes_max}"
    )]
    TooLarge {
        /// The topic.
        place: String,
        /// Which of the records of the call, from 0.
        index: usize,
        /// What is too large: id, headers, or the frame with all of them.
        what: &'static str,
        /// How large it is.
        bytes: usize,
        /// How large it may be.
        bytes_max: usize,
    },
    /// So much waits for the disk that nothing more is taken for the moment.
    #[error(
        "topic {place} is full: {bytes} bytes wait to be written, up to {bytes_max} may; try again later"
    )]
    Full {
        /// The topic.
        place: String,
        /// How much waits.
        bytes: usize,
        /// How much may.
        bytes_max: usize,
    },
    /// The records were removed, for the topic keeps only so much.
    #[error(
        "offset {offset} of partition {partition} of topic {place} was removed: \
         the first that is kept is {start}; go on there, or keep more"
    )]
    Removed {
        /// The topic.
        place: String,
        /// The partition.
        partition: u32,
        /// What was asked for.
        offset: u64,
        /// The first offset that is there.
        start: u64,
    },
    /// An offset that no record was given yet.
    #[error(
        "offset {offset} of partition {partition} of topic {place} is beyond its end {end}: \
         it is of another topic, or of records that were lost because nothing was synced"
    )]
    BeyondEnd {
        /// The topic.
        place: String,
        /// The partition.
        partition: u32,
        /// What was asked for.
        offset: u64,
        /// The offset that the next record is given.
        end: u64,
    },
    /// The topic was closed.
    #[error("topic {place} is closed")]
    Closed {
        /// The topic.
        place: String,
    },
}

impl LogError {
    /// For `map_err`: reading `place` has failed.
    pub(super) fn read(action: &'static str, place: String) -> impl FnOnce(io::Error) -> LogError {
        move |source| LogError::Read {
            action,
            place,
            source: Arc::new(source),
        }
    }

    /// For `map_err`: writing `place` has failed.
    pub(super) fn write(action: &'static str, place: String) -> impl FnOnce(io::Error) -> LogError {
        move |source| LogError::Write {
            action,
            place,
            source: Arc::new(source),
        }
    }
}

//! The manifest: what a commit names.
//!
//! ```text
//!  millstream manifest 1 9d3f00c2      the version, and the crc32c of all that follows the line
//!  { "sequence": 412, "run": 3, "epoch": …, "sources": …, "steps": …, "staged": …, "files": … }
//! ```
//!
//! There are two slots, written in turn: each manifest is written beside its slot, synced, and put in its place by a
//! rename. So whatever happens while one is written, the other is whole. The newest that is whole counts.
//!
//! *Invariants*: a manifest names only what is durable. Its sequence is one more than that of the last.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::error::StateError;
use super::file::StateFile;
use super::store::Store;
use crate::epoch::Epoch;
use crate::source::Position;
use crate::time::EventTime;

/// What the first line begins with; the version follows, and the checksum.
const FORMAT: &str = "millstream manifest ";
const VERSION: u32 = 1;

/// The two slots.
pub(crate) const SLOTS: [&str; 2] = ["manifest-0", "manifest-1"];

/// What a commit names.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    /// How many manifests there were before.
    pub(crate) sequence: u64,
    /// What tells this state, and all that was published with it, from others.
    pub(crate) lineage: String,
    /// When the first run started.
    #[serde(with = "micros")]
    pub(crate) started: EventTime,
    /// The number of the run.
    pub(crate) run: u32,
    /// The last epoch that is committed; the very first, 0, if none is.
    pub(crate) epoch: Epoch,
    /// All sources have ended: there is nothing to go on with.
    pub(crate) finished: bool,
    pub(crate) sources: BTreeMap<String, SourceState>,
    /// By kind and name, as in `window pages`.
    pub(crate) steps: BTreeMap<String, StepState>,
    /// What was staged and may not be published yet.
    pub(crate) staged: Vec<StagedEntry>,
    /// The files of state, the oldest first.
    pub(crate) files: Vec<StateFile>,
}

/// What is kept of a source.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct SourceState {
    /// What it read.
    pub(crate) identity: String,
    pub(crate) partitions: BTreeMap<u32, PartitionState>,
}

/// What is kept of a partition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct PartitionState {
    /// Where it goes on, if it can.
    pub(crate) position: Option<Position>,
    #[serde(with = "micros")]
    pub(crate) watermark: EventTime,
    /// For how long it had brought nothing.
    pub(crate) quiet: Duration,
    pub(crate) idle: bool,
    pub(crate) events: u64,
    pub(crate) rejected: u64,
}

/// What is kept of a step beside its entries in the files.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct StepState {
    /// What makes its entries usable: they are those of a step that was defined so.
    pub(crate) definition: String,
    /// The name its entries have in the files. It is another one after the step's state was dropped.
    pub(crate) in_files: String,
    #[serde(with = "micros")]
    pub(crate) watermark: EventTime,
    pub(crate) counted: Counters,
    /// What its workers noted.
    pub(crate) notes: Vec<String>,
    /// A snapshot that was committed has it: a step that goes on has seen all that there was before.
    #[serde(default = "was_committed")]
    pub(crate) committed: bool,
}

/// A manifest that does not say so names the steps of a run that has committed something.
fn was_committed() -> bool {
    true
}

/// What was counted in a step, by all workers and in all runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counters {
    pub(crate) records_in: u64,
    pub(crate) records_out: u64,
    pub(crate) late: u64,
}

impl Counters {
    pub(crate) fn add(&mut self, news: Counters) {
        self.records_in += news.records_in;
        self.records_out += news.records_out;
        self.late += news.late;
    }
}

/// Something a sink has staged.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct StagedEntry {
    pub(crate) sink: String,
    /// The worker that has staged it.
    pub(crate) worker: usize,
    /// The sink's own text.
    pub(crate) entry: String,
}

/// Times in microseconds: their text does not tell the ends of time apart.
mod micros {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::time::EventTime;

    pub(super) fn serialize<S: Serializer>(time: &EventTime, to: S) -> Result<S::Ok, S::Error> {
        time.micros().serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<EventTime, D::Error> {
        i64::deserialize(from).map(EventTime::from_micros)
    }
}

impl Manifest {
    /// The slot it is written to.
    fn slot(&self) -> &'static str {
        SLOTS[(self.sequence % 2) as usize]
    }

    /// Writes it in the place of the one before the last, durably.
    pub(crate) fn write(&self, store: &dyn Store) -> Result<(), StateError> {
        let slot = self.slot();
        let beside = format!("{slot}.tmp");
        let io = |action, name: &str| StateError::io(action, store.place(name));
        let mut file = store.create(&beside).map_err(io("create", &beside))?;
        file.write(&self.to_bytes()).map_err(io("write", &beside))?;
        file.sync().map_err(io("sync", &beside))?;
        drop(file);
        store.rename(&beside, slot).map_err(io("replace", slot))?;
        store.sync().map_err(io("sync the directory of", slot))
    }

    fn to_bytes(&self) -> Vec<u8> {
        let json = serde_json::to_vec_pretty(self).expect("names and numbers are JSON");
        let mut bytes = format!("{FORMAT}{VERSION} {:08x}\n", crc32c::crc32c(&json)).into_bytes();
        bytes.extend(json);
        bytes
    }

    /// The newest manifest that is whole; `None` where nothing was ever committed.
    pub(crate) fn read(store: &dyn Store) -> Result<Option<Manifest>, StateError> {
        let (a, b) = (read_slot(store, SLOTS[0])?, read_slot(store, SLOTS[1])?);
        match (a, b) {
            (Slot::Whole(a), Slot::Whole(b)) => {
                Ok(Some(if a.sequence > b.sequence { a } else { b }))
            }
            (Slot::Whole(whole), other) | (other, Slot::Whole(whole)) => {
                if let Slot::Damaged(what) = other {
                    tracing::warn!(what, epoch = %whole.epoch, "a manifest is damaged: going back to the one before");
                }
                Ok(Some(whole))
            }
            (Slot::Missing, Slot::Missing) => Ok(None),
            // Both slots are written before anything is committed: this one was torn before there was anything.
            (Slot::Damaged(_), Slot::Missing) | (Slot::Missing, Slot::Damaged(_))
                if !super::load::has_files(store)? =>
            {
                Ok(None)
            }
            (a, b) => {
                let what = [a, b].map(|slot| match slot {
                    Slot::Damaged(what) => what,
                    Slot::Missing | Slot::Whole(_) => "it is not there".into(),
                });
                let [what, other_what] = what;
                Err(StateError::BothManifestsBad {
                    place: store.place(SLOTS[0]),
                    what,
                    other_place: store.place(SLOTS[1]),
                    other_what,
                })
            }
        }
    }

    /// How many records all sources had taken in.
    pub(crate) fn events(&self) -> u64 {
        let partitions = self
            .sources
            .values()
            .flat_map(|source| source.partitions.values());
        partitions.map(|partition| partition.events).sum()
    }

    /// The names of the files it cannot do without.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(|file| &*file.name)
    }
}

enum Slot {
    Missing,
    Damaged(String),
    Whole(Manifest),
}

fn read_slot(store: &dyn Store, slot: &str) -> Result<Slot, StateError> {
    let length = match store.length(slot) {
        Ok(length) => usize::try_from(length).unwrap_or(usize::MAX),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Slot::Missing),
        Err(error) => return Err(StateError::io("look at", store.place(slot))(error)),
    };
    let bytes = store
        .read(slot, 0, length)
        .map_err(StateError::io("read", store.place(slot)))?;
    let (found, rest) = match first_line(&bytes) {
        Ok(line) => line,
        Err(what) => return Ok(Slot::Damaged(what)),
    };
    if found != VERSION {
        return Err(StateError::Format {
            place: store.place(slot),
            found,
            known: VERSION,
        });
    }
    Ok(parse(rest).map_or_else(Slot::Damaged, Slot::Whole))
}

/// The version that the first line names, and what comes after it.
fn first_line(bytes: &[u8]) -> Result<(u32, &[u8]), String> {
    let rest = bytes.strip_prefix(FORMAT.as_bytes());
    let rest = rest.ok_or_else(|| format!("it does not begin with {FORMAT:?}"))?;
    let end = rest.iter().position(|byte| *byte == b' ');
    let (version, rest) = rest.split_at(end.ok_or("its first line is cut off")?);
    let version = std::str::from_utf8(version)
        .ok()
        .and_then(|text| text.parse().ok());
    Ok((version.ok_or("its first line has no version")?, &rest[1..]))
}

/// Reads what follows the version: the checksum, and what it is of.
fn parse(bytes: &[u8]) -> Result<Manifest, String> {
    let newline = bytes.iter().position(|byte| *byte == b'\n');
    let (line, json) = bytes.split_at(newline.ok_or("its first line has no end")?);
    let json = &json[1..];
    let checksum = std::str::from_utf8(line).ok();
    let checksum = checksum.and_then(|text| u32::from_str_radix(text, 16).ok());
    if crc32c::crc32c(json) != checksum.ok_or("its first line has no checksum")? {
        return Err("its checksum is wrong".into());
    }
    serde_json::from_slice(json).map_err(|error| error.to_string())
}

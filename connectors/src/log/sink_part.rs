//! The part of a topic's sink on one worker: rows in, records out, none of them twice.
//!
//! ```text
//!  stage(e):   rows held as "r7-7.1200-0-4", and with it where the topic ended ──▶ snapshot: the rows, and a note
//!  publish:    records "r7-7.1200-0-4/0", "…/1", … appended, durable
//!  restart:    rows and note come back; the topic is read from there on: what is found is not appended again
//! ```
//!
//! What a staging appends lies after where the topic ended when it was staged. The note says the least of these ends, of all
//! that is staged and not surely published. So however large the topic is, little of it is read; and however few ids it
//! remembers, each row is there once.
//!
//! If the newest commit itself is lost, because its file was damaged, the run goes on from the one before: then rows that
//! were published since come again, under other names. That is told by a warning.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use millstream_engine::{
    BoxError, Column, Epoch, Published, SinkContext, SinkPart, SinkRow, StageAt, Staged,
    Unpublished, Value,
};
use serde::{Deserialize, Serialize};

use crate::held::Held;
use crate::row_json::RowJson;

use super::error::LogError;
use super::record::NewRecord;
use super::sink::{Closing, TopicSinkError};
use super::topic::Topic;

/// How many bytes of rows are appended at once.
const BATCH_BYTES: usize = 1024 * 1024;

/// Rows of one worker on their way into a topic.
pub(super) struct TopicPart {
    topic: Topic,
    columns: Arc<[Column]>,
    pub(super) held: Held,
    /// Where the topic ended when something was staged, by its name, until it is surely published.
    since: BTreeMap<String, Vec<u64>>,
    /// What an earlier run has staged, and is not published yet by this one.
    left: BTreeSet<String>,
    /// Where to look for it: the least ends that were noted.
    noted: Option<Vec<u64>>,
    /// What was found of it, by name: numbers of rows.
    found: Option<BTreeMap<String, BTreeSet<u64>>>,
    _closing: Option<Closing>,
}

/// What is noted in a snapshot.
#[derive(Serialize, Deserialize)]
struct Note {
    /// The id of the topic.
    topic: String,
    /// For each partition, the offset before which nothing lies that may be published again.
    ends: Vec<u64>,
}

impl TopicPart {
    pub(super) fn new(cx: &SinkContext, topic: Topic, closing: Option<Closing>) -> Self {
        TopicPart {
            topic,
            columns: Arc::clone(&cx.columns),
            held: Held::new(cx),
            since: BTreeMap::new(),
            left: BTreeSet::new(),
            noted: None,
            found: None,
            _closing: closing,
        }
    }

    /// Where the topic ends, with what waits for the disk.
    fn ends(&self) -> Vec<u64> {
        let partitions = 0..self.topic.partitions();
        partitions
            .map(|partition| self.topic.appended(partition))
            .collect()
    }

    /// The rows of `name` that are in the topic already.
    fn found(&mut self, name: &str) -> Result<BTreeSet<u64>, LogError> {
        if !self.left.contains(name) {
            return Ok(BTreeSet::new());
        }
        if self.found.is_none() {
            self.found = Some(self.look()?);
        }
        let found = self.found.as_mut().expect("it was looked for");
        Ok(found.remove(name).unwrap_or_default())
    }

    /// Reads the topic from the least noted end on.
    fn look(&self) -> Result<BTreeMap<String, BTreeSet<u64>>, LogError> {
        // An earlier run in this process may have appended what is still on its way.
        self.topic.append_and_wait(Vec::new())?;
        let mut found: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
        for (partition, end) in (0..).zip(self.ends()) {
            let noted = self
                .noted
                .as_ref()
                .map_or(0, |ends| ends[partition as usize]);
            let from = noted.max(self.topic.start(partition)).min(end);
            if let Some(last) = end.checked_sub(1) {
                self.topic.read(partition, last).wait(Duration::MAX);
            }
            let mut reader = self.topic.read(partition, from);
            while reader.offset() < end
                && let Some(record) = reader.next()?
            {
                if let Some((name, n)) = parse_id(record.id)
                    && self.left.contains(name)
                {
                    found.entry(name.to_owned()).or_default().insert(n);
                }
            }
        }
        Ok(found)
    }

    /// The records that `rows` of `name` become, but for those that are found.
    fn records(
        &self,
        name: &str,
        rows: &[Vec<Value>],
        found: &BTreeSet<u64>,
    ) -> Result<Vec<NewRecord>, BoxError> {
        let new = (0..).zip(rows).filter(|(n, _)| !found.contains(n));
        let record = |(n, values): (u64, &Vec<Value>)| {
            let columns = &self.columns;
            let json = serde_json::to_vec(&RowJson { columns, values })?;
            Ok(NewRecord::new(json).id(format!("{name}/{n}")))
        };
        new.map(record).collect()
    }

    /// Appends all of `records`, and waits until they are durable.
    fn append(&self, records: &[NewRecord]) -> Result<(), LogError> {
        let mut rest = records;
        while !rest.is_empty() {
            let mut n_bytes = 0;
            let is_over = |record: &NewRecord| {
                n_bytes += record.payload.len();
                n_bytes > BATCH_BYTES
            };
            let n = rest.iter().position(is_over).unwrap_or(rest.len()).max(1);
            match self.topic.append_and_wait(rest[..n].to_vec()) {
                Ok(_) => rest = &rest[n..],
                // Others were faster: when what waits is written there will be room.
                Err(LogError::Full { .. }) => drop(self.topic.append_and_wait(Vec::new())?),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// The id of row `n` of `name`, as it was made above.
fn parse_id(id: &[u8]) -> Option<(&str, u64)> {
    let (name, n) = std::str::from_utf8(id).ok()?.rsplit_once('/')?;
    Some((name, n.parse().ok()?))
}

impl SinkPart for TopicPart {
    fn write(&mut self, _epoch: Epoch, rows: &mut Vec<SinkRow>) -> Result<(), BoxError> {
        self.held.write(rows);
        Ok(())
    }

    fn stage(&mut self, at: StageAt) -> Result<Vec<Staged>, BoxError> {
        // What was not published again until now was published before.
        for name in std::mem::take(&mut self.left) {
            self.since.remove(&name);
        }
        let staged = self.held.stage(at.epoch);
        for Staged(name) in &staged {
            self.since.insert(name.clone(), self.ends());
        }
        Ok(staged)
    }

    fn publish(&mut self, staged: &[Staged]) -> Result<Vec<Published>, BoxError> {
        let mut published = Vec::new();
        for staged in staged {
            let Some(rows) = self.held.take(staged) else {
                continue;
            };
            let name = &staged.0;
            let found = self.found(name)?;
            let records = self.records(name, &rows, &found)?;
            let n_rows = records.len() as u64;
            self.append(&records)?;
            self.since.remove(name);
            self.left.remove(name);
            if n_rows > 0 {
                published.push(Published {
                    name: self.topic.place(),
                    rows: n_rows,
                });
            }
        }
        Ok(published)
    }

    fn holds_rows(&self) -> bool {
        self.held.holds_written()
    }

    fn save(&mut self, unpublished: &mut Unpublished) {
        self.held.hand_over(unpublished);
    }

    fn restore(&mut self, bucket: &str, rows: Vec<SinkRow>) -> Result<(), BoxError> {
        self.held.restore(bucket, rows);
        self.left.insert(bucket.to_owned());
        Ok(())
    }

    fn note(&mut self) -> Option<String> {
        let ends = self.since.values().cloned().reduce(least)?;
        let topic = self.topic.id().to_owned();
        let note = Note { topic, ends };
        Some(serde_json::to_string(&note).expect("texts and numbers are JSON"))
    }

    fn restore_note(&mut self, note: &str) -> Result<(), BoxError> {
        let parsed: Note = serde_json::from_str(note).map_err(|source| TopicSinkError {
            text: note.to_owned(),
            source,
        })?;
        let n_partitions = self.topic.partitions() as usize;
        // In another topic, what is there can be anywhere.
        let is_of_this = parsed.topic == self.topic.id() && parsed.ends.len() == n_partitions;
        let ends = match is_of_this {
            true => parsed.ends,
            false => vec![0; n_partitions],
        };
        let noted = match self.noted.take() {
            Some(noted) => least(noted, ends),
            None => ends,
        };
        for name in &self.left {
            self.since.insert(name.clone(), noted.clone());
        }
        self.noted = Some(noted);
        Ok(())
    }
}

/// The lesser of each two.
fn least(a: Vec<u64>, b: Vec<u64>) -> Vec<u64> {
    a.into_iter().zip(b).map(|(a, b)| a.min(b)).collect()
}

#[cfg(test)]
mod tests;

//! What a part notes in a snapshot beside its rows, for the parts of the next run.
//!
//! ```json
//! {"watermark":1795478405000000,"open":{"date=2026-11-23":1795478400000000},"waiting":{"date=2026-11-24":1795478401000000}}
//! ```
//!
//! All times are in microseconds since 1970 UTC. The watermark tells which partitions were left already, so that rows for
//! them are late and do not make a file each. The open partitions have files and no manifest; one is written when the
//! watermark leaves them, whichever run brings that about. And rows that wait have done so since a time of the wall clock
//! that a restart does not change, or a process that dies once a minute would never publish any.

use std::collections::BTreeMap;

use millstream_engine::EventTime;
use serde::{Deserialize, Serialize};

use crate::sink_error::SinkError;

/// How far one part has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Note {
    /// The last watermark that was not the end of the input; null before the first.
    watermark: Option<i64>,
    /// By folder: when the watermark has left it.
    #[serde(default)]
    open: BTreeMap<String, i64>,
    /// By folder: since when rows of it have waited.
    #[serde(default)]
    waiting: BTreeMap<String, i64>,
}

impl Note {
    pub(crate) fn new(
        watermark: EventTime,
        open: impl IntoIterator<Item = (String, EventTime)>,
        waiting: impl IntoIterator<Item = (String, EventTime)>,
    ) -> Self {
        let micros = |(folder, time): (String, EventTime)| (folder, time.micros());
        Note {
            watermark: watermark.finite().map(EventTime::micros),
            open: open.into_iter().map(micros).collect(),
            waiting: waiting.into_iter().map(micros).collect(),
        }
    }

    /// The watermark, or [`EventTime::MIN`].
    pub(crate) fn watermark(&self) -> EventTime {
        self.watermark
            .map_or(EventTime::MIN, EventTime::from_micros)
    }

    /// The open folders and their ends.
    pub(crate) fn open(&self) -> impl Iterator<Item = (&str, EventTime)> {
        times(&self.open)
    }

    /// The folders that rows wait for, and since when.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = (&str, EventTime)> {
        times(&self.waiting)
    }

    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("texts and numbers are JSON")
    }

    /// # Errors
    /// [`SinkError::NotANote`] for a text that [`Note::to_json`] does not write.
    pub(crate) fn parse(text: &str) -> Result<Self, SinkError> {
        serde_json::from_str(text).map_err(|source| SinkError::NotANote {
            text: text.into(),
            source,
        })
    }
}

fn times(by_folder: &BTreeMap<String, i64>) -> impl Iterator<Item = (&str, EventTime)> {
    by_folder
        .iter()
        .map(|(folder, micros)| (&**folder, EventTime::from_micros(*micros)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_back() {
        let (day, end) = ("date=2026-11-23", "2026-11-24T00:00:00Z".parse().unwrap());
        let open = [(day.to_owned(), end), ("date=x".into(), EventTime::MAX)];
        let note = Note::new(end, open, [(day.to_owned(), EventTime::MIN)]);
        assert_eq!(Note::parse(&note.to_json()).unwrap(), note);
        assert_eq!(note.open().collect::<Vec<_>>()[0], (day, end));
        assert_eq!(note.watermark(), end);
        for infinite in [EventTime::MIN, EventTime::MAX] {
            assert_eq!(Note::new(infinite, [], []).watermark(), EventTime::MIN);
        }
    }

    #[test]
    fn other_text_is_refused() {
        let error = Note::parse("watermark 7").unwrap_err();
        assert!(error.to_string().contains("\"watermark 7\""), "{error}");
    }
}

//! A staged file, and the text that stands for it in the engine's manifest.
//!
//! The text is all that a later process needs to publish the file: `rows end path`, where `end` is the end of the
//! partition in microseconds and `path` is relative to the root, as in
//! `120 1795478400000000 date=2026-11-23/part-r7-7.1200-0-4.parquet`.

use std::path::{Component, Path};

use millstream_engine::{EventTime, Staged};

use crate::sink_error::SinkError;
use crate::staged_name::StagedName;

/// A file that is written and not published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StagedFile {
    pub(crate) rows: u64,
    /// When the watermark has left its partition.
    pub(crate) end: EventTime,
    /// Its partition's folder, relative to the root, with `/` between the parts.
    pub(crate) folder: String,
    pub(crate) name: String,
}

impl StagedFile {
    /// Where it is while it is staged, within the staging folder. No glob for `*.parquet` finds it there.
    pub(crate) fn staged_name(&self) -> String {
        format!("{}.staged", self.name)
    }

    pub(crate) fn to_staged(&self) -> Staged {
        let StagedFile {
            rows,
            end,
            folder,
            name,
        } = self;
        Staged(format!("{rows} {} {folder}/{name}", end.micros()))
    }

    /// # Errors
    /// [`SinkError::NotStaged`] for a text that [`StagedFile::to_staged`] does not write.
    pub(crate) fn parse(staged: &Staged) -> Result<Self, SinkError> {
        parse(&staged.0).ok_or_else(|| SinkError::NotStaged {
            text: staged.0.clone(),
        })
    }
}

/// What a file is called, as in `part-r7-7.1200-0-4.parquet`.
pub(crate) fn file_name(name: &StagedName) -> String {
    format!("part-{name}.parquet")
}

/// What file name stands for, if it is one of ours.
pub(crate) fn name_of(file_name: &str) -> Option<StagedName> {
    let name = file_name.strip_prefix("part-")?.strip_suffix(".parquet")?;
    StagedName::parse(name)
}

fn parse(text: &str) -> Option<StagedFile> {
    let mut words = text.splitn(3, ' ');
    let rows = words.next()?.parse().ok()?;
    let end = EventTime::from_micros(words.next()?.parse().ok()?);
    let path = words.next()?;
    let (folder, name) = path.rsplit_once('/')?;
    // What leads out of the root was not staged by this sink.
    let below = Path::new(path)
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    (below && !folder.is_empty() && !name.is_empty()).then(|| StagedFile {
        rows,
        end,
        folder: folder.into(),
        name: name.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_back() {
        let file = StagedFile {
            rows: 120,
            end: EventTime::MAX,
            folder: "date=2026-11-23/hour=10".into(),
            name: "part-r7-7.1200-0-4.parquet".into(),
        };
        assert_eq!(StagedFile::parse(&file.to_staged()).unwrap(), file);
    }

    #[test]
    fn other_text_is_refused() {
        for text in [
            "",
            "1",
            "1 2",
            "1 2 a",
            "1 2 /a",
            "1 2 a/",
            "x 2 a/b",
            "1 x a/b",
            "1 2 ../a/b",
        ] {
            assert!(StagedFile::parse(&Staged(text.into())).is_err(), "{text:?}");
        }
    }
}

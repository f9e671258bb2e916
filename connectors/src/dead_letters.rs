//! Dead letters in files: one file a source, one letter a line.
//!
//! ```json
//! {"source":"page_views","partition":3,"offset":4711,"reason":"not JSON at column 9: …","raw":"{\"a\": 1,}"}
//! ```
//!
//! `raw` holds the record as text; where it is none, `raw_base64` holds its bytes. Files grow from run to run, and are
//! made when their source has its first letter. Only whole lines are written, so that a reader of the file never sees
//! half a letter but after a crash; a line that a crash cut off is ended before the next letter.
//!
//! Letters are written at least once, not exactly once: files are no part of a commit, so a run that goes on from a
//! snapshot after a crash writes those letters again that were written after the snapshot. Source, partition and offset
//! tell which are the same.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use millstream_engine::{BoxError, DeadLetter, DeadLetters, RAW_BYTES_MAX};
use serde::Serialize;

/// How many bytes wait in memory before they are written without being asked for.
const WAITING_BYTES_MAX: usize = 64 * 1024;

/// Appends dead letters to files in a directory; after a crash some letters are there twice.
///
/// # Examples
/// ```
/// use millstream_connectors::DeadLetterFiles;
/// use millstream_engine::{DeadLetter, DeadLetters};
///
/// let dir = tempfile::tempdir().unwrap();
/// let letters = DeadLetterFiles::new(dir.path().join("dead-letters"));
/// let reason = "not JSON at column 1: expected value".to_owned();
/// let letter = DeadLetter { source: "views".into(), partition: 0, offset: 7, reason, raw: b"?".into() };
/// letters.write(vec![letter]).unwrap();
/// letters.flush().unwrap();
/// let written = std::fs::read_to_string(dir.path().join("dead-letters/views.ndjson")).unwrap();
/// assert!(written.ends_with("\"raw\":\"?\"}\n"));
/// ```
#[derive(Debug)]
pub struct DeadLetterFiles {
    dir: PathBuf,
    files: Mutex<BTreeMap<String, LetterFile>>,
}

/// A file of dead letters could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write dead letters to {path}: {source}", path = path.display())]
pub struct DeadLetterFileError {
    /// The file.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

impl DeadLetterFiles {
    /// Keeps the letters of source `name` in `dir/name.ndjson`; `dir` is made with the first letter.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        DeadLetterFiles {
            dir: dir.into(),
            files: Mutex::default(),
        }
    }

    /// The file that the letters of `source` are in, if there were any.
    #[must_use]
    pub fn path_of(&self, source: &str) -> PathBuf {
        // Names of sources are file names already; whoever calls this with others must not get out of the directory.
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        let name: String = source
            .chars()
            .map(|c| if is_plain(c) { c } else { '_' })
            .collect();
        self.dir.join(format!("{name}.ndjson"))
    }
}

impl DeadLetters for DeadLetterFiles {
    fn write(&self, letters: Vec<DeadLetter>) -> Result<(), BoxError> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        for letter in &letters {
            let file = match files.get_mut(&letter.source) {
                Some(file) => file,
                None => {
                    let opened = LetterFile::open(self.path_of(&letter.source))?;
                    files.entry(letter.source.clone()).or_insert(opened)
                }
            };
            file.push(letter)?;
        }
        Ok(())
    }

    fn flush(&self) -> Result<(), BoxError> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files
            .values_mut()
            .try_for_each(LetterFile::flush)
            .map_err(BoxError::from)
    }
}

/// One file, and the lines that wait to be written to it.
#[derive(Debug)]
struct LetterFile {
    path: PathBuf,
    file: File,
    waiting: Vec<u8>,
}

impl LetterFile {
    fn open(path: PathBuf) -> Result<Self, DeadLetterFileError> {
        match open_for_append(&path) {
            Ok((file, cut_off)) => Ok(LetterFile {
                path,
                file,
                waiting: if cut_off { vec![b'\n'] } else { Vec::new() },
            }),
            Err(source) => Err(DeadLetterFileError { path, source }),
        }
    }

    fn push(&mut self, letter: &DeadLetter) -> Result<(), DeadLetterFileError> {
        let (text, base64) = match text_of(&letter.raw) {
            Some(text) => (Some(text), None),
            None => (None, Some(STANDARD.encode(&letter.raw))),
        };
        let DeadLetter {
            source,
            partition,
            offset,
            reason,
            ..
        } = letter;
        let line = Line {
            source,
            partition: *partition,
            offset: *offset,
            reason,
            raw: text,
            raw_base64: base64,
        };
        serde_json::to_writer(&mut self.waiting, &line)
            .map_err(|error| self.error(error.into()))?;
        self.waiting.push(b'\n');
        if self.waiting.len() > WAITING_BYTES_MAX {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), DeadLetterFileError> {
        if !self.waiting.is_empty() {
            self.file
                .write_all(&self.waiting)
                .map_err(|error| self.error(error))?;
            self.waiting.clear();
        }
        Ok(())
    }

    fn error(&self, source: io::Error) -> DeadLetterFileError {
        DeadLetterFileError {
            path: self.path.clone(),
            source,
        }
    }
}

impl Drop for LetterFile {
    fn drop(&mut self) {
        if let Err(error) = self.flush() {
            tracing::error!("{error}");
        }
    }
}

#[derive(Serialize)]
struct Line<'a> {
    source: &'a str,
    partition: u32,
    offset: u64,
    reason: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    raw: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    raw_base64: Option<String>,
}

/// Opens a file to append to, and says whether its last line has no end.
fn open_for_append(path: &Path) -> io::Result<(File, bool)> {
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir)?;
    }
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .read(true)
        .open(path)?;
    if file.seek(SeekFrom::End(0))? == 0 {
        return Ok((file, false));
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok((file, last[0] != b'\n'))
}

/// A record as text, if it is text; one that was cut within its last character loses the rest of that.
fn text_of(raw: &[u8]) -> Option<&str> {
    match std::str::from_utf8(raw) {
        Ok(text) => Some(text),
        Err(error) if error.error_len().is_none() && raw.len() == RAW_BYTES_MAX => {
            std::str::from_utf8(&raw[..error.valid_up_to()]).ok()
        }
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(source: &str, offset: u64, raw: &[u8]) -> DeadLetter {
        DeadLetter {
            source: source.into(),
            partition: 1,
            offset,
            reason: "why".into(),
            raw: raw.to_vec(),
        }
    }

    #[test]
    fn one_file_a_source_text_as_text_and_bytes_as_base64() {
        let dir = tempfile::tempdir().unwrap();
        let letters = DeadLetterFiles::new(dir.path().join("dead"));
        assert!(
            !dir.path().join("dead").exists(),
            "made with the first letter"
        );
        letters
            .write(vec![letter("a", 1, b"x\"\n"), letter("b", 2, &[0xff, 0])])
            .unwrap();
        letters.flush().unwrap();
        let read = |source| std::fs::read_to_string(letters.path_of(source)).unwrap();
        assert_eq!(
            read("a"),
            "{\"source\":\"a\",\"partition\":1,\"offset\":1,\"reason\":\"why\",\"raw\":\"x\\\"\\n\"}\n"
        );
        assert_eq!(
            read("b"),
            "{\"source\":\"b\",\"partition\":1,\"offset\":2,\"reason\":\"why\",\"raw_base64\":\"/wA=\"}\n"
        );
    }

    #[test]
    fn a_later_run_appends_and_ends_a_line_that_was_cut_off() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.ndjson");
        std::fs::write(&path, "{}\n{\"sour").unwrap();
        let letters = DeadLetterFiles::new(dir.path());
        letters.write(vec![letter("a", 1, b"x")]).unwrap();
        drop(letters);
        let written = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<_> = written.lines().collect();
        assert_eq!(lines[..2], ["{}", "{\"sour"]);
        assert!(
            lines[2].ends_with("\"raw\":\"x\"}") && lines.len() == 3,
            "{written}"
        );
    }

    #[test]
    fn text_that_was_cut_within_a_character_stays_text() {
        let mut raw = vec![b'a'; RAW_BYTES_MAX - 1];
        raw.push("é".as_bytes()[0]);
        assert_eq!(text_of(&raw).map(str::len), Some(RAW_BYTES_MAX - 1));
        assert_eq!(text_of(&raw[1..]), None, "this one was not cut");
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_named() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("taken"), "").unwrap();
        let letters = DeadLetterFiles::new(dir.path().join("taken"));
        let error = letters.write(vec![letter("a", 1, b"x")]).unwrap_err();
        assert!(error.to_string().contains("taken/a.ndjson"), "{error}");
    }
}

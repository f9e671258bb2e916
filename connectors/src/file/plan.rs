//! The plan: which files there are and which lane reads which stripe of them.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_64;

use super::N_LANES;
use super::error::FileError;
use super::gate::Gate;
use super::packing::{MAGIC_BYTES, Packing};

/// What standard input is called.
pub(super) const STANDARD_INPUT: &str = "-";

/// How much of a file's beginning tells it from others of the same length.
const IDENTITY_BYTES: usize = 64 * 1024;

/// The files of a source as they were when the run started, and the gate their lanes share.
pub(super) struct Plan {
    pub(super) files: Vec<InputFile>,
    stripes: Vec<Stripe>,
    stripe_bytes: u64,
    pub(super) gate: Gate,
}

/// A file to be read.
pub(super) struct InputFile {
    pub(super) path: PathBuf,
    pub(super) kind: Kind,
    /// How many bytes it has on the disk; 0 where that is not known.
    pub(super) bytes: u64,
}

/// How a file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Stripe by stripe, by several lanes.
    Plain,
    /// From front to back through a decompressor.
    Packed(Packing),
    /// Standard input or a pipe, by a thread that may wait.
    Live,
}

/// A part of a file that one lane reads: the lines that begin in `start..end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stripe {
    pub(super) file_idx: usize,
    pub(super) start: u64,
    /// `u64::MAX` where the whole file is one stripe of unknown length.
    pub(super) end: u64,
}

impl Plan {
    pub(super) fn new(patterns: &[String], stripe_bytes: u64) -> Result<Self, FileError> {
        let mut files = Vec::new();
        for pattern in patterns {
            for path in paths(pattern)? {
                files.push(look_at(path)?);
            }
        }
        let stripes = files
            .iter()
            .enumerate()
            .flat_map(|(i, file)| stripes(i, file, stripe_bytes));
        Ok(Plan {
            stripes: stripes.collect(),
            stripe_bytes,
            files,
            gate: Gate::new(),
        })
    }

    /// The stripe that `lane` reads in `round`, if it has one.
    pub(super) fn stripe(&self, lane: u32, round: u64) -> Option<Stripe> {
        let number = round * u64::from(N_LANES) + u64::from(lane);
        self.stripes.get(usize::try_from(number).ok()?).copied()
    }

    /// How many stripes `lane` has, one in each round.
    pub(super) fn n_rounds(&self, lane: u32) -> u64 {
        (self.stripes.len() as u64 + u64::from(N_LANES - 1 - lane)) / u64::from(N_LANES)
    }

    /// How many bytes on the disk `stripe` covers; `None` for standard input and pipes.
    pub(super) fn bytes_of(&self, stripe: Stripe) -> Option<u64> {
        let file = &self.files[stripe.file_idx];
        match file.kind {
            Kind::Plain => Some(stripe.end - stripe.start),
            Kind::Packed(_) => Some(file.bytes),
            Kind::Live => None,
        }
    }

    /// Whether there is nothing but standard input and pipes.
    pub(super) fn is_live(&self) -> bool {
        self.files.iter().all(|file| file.kind == Kind::Live)
    }

    /// The files and how they are cut, in words: where these are the same, so are the lanes' positions.
    pub(super) fn identity(&self) -> Result<String, FileError> {
        let mut parts = Vec::with_capacity(self.files.len() + 1);
        for file in &self.files {
            parts.push(file.identity()?);
        }
        if self.files.iter().any(|file| file.kind == Kind::Plain) {
            parts.push(format!("in stripes of {} bytes", self.stripe_bytes));
        }
        Ok(parts.join(", "))
    }

    pub(super) fn reads_standard_input(&self) -> bool {
        self.files
            .iter()
            .any(|file| file.path == Path::new(STANDARD_INPUT))
    }
}

impl InputFile {
    /// Its name; for a file that can be read again its length and a hash of how it begins, too.
    fn identity(&self) -> Result<String, FileError> {
        let shown = self.path.display();
        if self.kind == Kind::Live {
            return Ok(shown.to_string());
        }
        let path = || self.path.clone();
        let file = File::open(&self.path).map_err(|source| FileError::Open {
            path: path(),
            source,
        })?;
        let head = head_of(file, IDENTITY_BYTES).map_err(|source| FileError::Read {
            path: path(),
            source,
        })?;
        let (bytes, begins) = (self.bytes, xxh3_64(&head));
        Ok(format!("{shown} ({bytes} bytes, begins {begins:016x})"))
    }
}

/// Whether `pattern` names something that events may be written to right now.
pub(super) fn is_live(pattern: &str) -> bool {
    let is_pipe = |meta: fs::Metadata| !meta.is_file() && !meta.is_dir();
    pattern == STANDARD_INPUT || fs::metadata(pattern).is_ok_and(is_pipe)
}

fn paths(pattern: &str) -> Result<Vec<PathBuf>, FileError> {
    let is_glob = pattern.contains(['*', '?', '[']);
    if !is_glob || pattern == STANDARD_INPUT || Path::new(pattern).exists() {
        return Ok(vec![pattern.into()]);
    }
    let matches = glob::glob(pattern).map_err(|source| FileError::BadPattern {
        pattern: pattern.into(),
        source,
    })?;
    let mut paths = Vec::new();
    for found in matches {
        let path = found.map_err(|error| {
            let path = error.path().to_owned();
            FileError::Open {
                path,
                source: error.into(),
            }
        })?;
        if !path.is_dir() {
            paths.push(path);
        }
    }
    if paths.is_empty() {
        return Err(FileError::NoMatch {
            pattern: pattern.into(),
        });
    }
    paths.sort();
    Ok(paths)
}

/// Finds out what a path leads to, so that what cannot be read is said before anything starts.
fn look_at(path: PathBuf) -> Result<InputFile, FileError> {
    if path == Path::new(STANDARD_INPUT) {
        return Ok(InputFile {
            path,
            kind: Kind::Live,
            bytes: 0,
        });
    }
    let meta = match fs::metadata(&path) {
        Ok(meta) if meta.is_dir() => return Err(FileError::IsDirectory { path }),
        Ok(meta) => meta,
        Err(source) => return Err(FileError::Open { path, source }),
    };
    if !meta.is_file() {
        // A pipe is not opened here: that would wait for its writer, or take bytes that the lane should have.
        return Ok(InputFile {
            path,
            kind: Kind::Live,
            bytes: 0,
        });
    }
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(source) => return Err(FileError::Open { path, source }),
    };
    let head = match head_of(file, MAGIC_BYTES) {
        Ok(head) => head,
        Err(source) => return Err(FileError::Read { path, source }),
    };
    let kind = match Packing::of(&path, &head) {
        Packing::Plain => Kind::Plain,
        packed => Kind::Packed(packed),
    };
    Ok(InputFile {
        path,
        kind,
        bytes: meta.len(),
    })
}

fn head_of(file: File, n_bytes: usize) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(n_bytes);
    file.take(n_bytes as u64).read_to_end(&mut head)?;
    Ok(head)
}

fn stripes(
    file_idx: usize,
    file: &InputFile,
    stripe_bytes: u64,
) -> impl Iterator<Item = Stripe> + use<> {
    let (n_stripes, length, end) = match file.kind {
        Kind::Plain => (file.bytes.div_ceil(stripe_bytes), stripe_bytes, file.bytes),
        Kind::Packed(_) | Kind::Live => (1, u64::MAX, u64::MAX),
    };
    (0..n_stripes).map(move |i| {
        let start = i * length;
        Stripe {
            file_idx,
            start,
            end: start.saturating_add(length).min(end),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(dir: &Path, pattern: &str, stripe_bytes: u64) -> Result<Plan, String> {
        let pattern = dir.join(pattern).to_str().unwrap().to_owned();
        Plan::new(&[pattern], stripe_bytes).map_err(|error| error.to_string())
    }

    #[test]
    fn stripes_are_numbered_through_all_files_in_the_order_of_their_names() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("b.ndjson"), [b'x'; 11]).unwrap();
        fs::write(dir.path().join("a.ndjson"), [b'x'; 10]).unwrap();
        fs::write(dir.path().join("c.ndjson"), []).unwrap();
        fs::write(dir.path().join("d.ndjson.gz"), [0; 9]).unwrap();
        fs::write(dir.path().join("e.ndjson"), [0x28, 0xb5, 0x2f, 0xfd]).unwrap();
        fs::create_dir(dir.path().join("f.ndjson")).unwrap();
        let plan = plan(dir.path(), "*.ndjson*", 5).unwrap();
        let stripes: Vec<_> = (0..N_LANES)
            .map_while(|lane| plan.stripe(lane, 0))
            .collect();
        let stripe = |file_idx, start, end| Stripe {
            file_idx,
            start,
            end,
        };
        let whole = |file_idx| stripe(file_idx, 0, u64::MAX);
        let of_a = [stripe(0, 0, 5), stripe(0, 5, 10)];
        let of_b = [stripe(1, 0, 5), stripe(1, 5, 10), stripe(1, 10, 11)];
        assert_eq!(stripes, [&of_a[..], &of_b, &[whole(3), whole(4)]].concat());
        assert_eq!(plan.stripe(0, 1), None);
        assert_eq!(plan.bytes_of(whole(3)), Some(9));
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let check = |pattern: &str, words: &[&str]| {
            let error = plan(dir.path(), pattern, 5).err().expect(pattern);
            assert!(words.iter().all(|word| error.contains(word)), "{error}");
        };
        check("missing.ndjson", &["cannot open", "missing.ndjson"]);
        check("*.ndjson", &["no file matches", "*.ndjson"]);
        check("", &["is a directory", "*.ndjson"]);
        check("a***", &["neither a file nor a glob"]);
    }

    #[test]
    fn a_path_that_looks_like_a_glob_is_a_path_if_there_is_such_a_file() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a[1].ndjson"), "x").unwrap();
        assert_eq!(plan(dir.path(), "a[1].ndjson", 5).unwrap().files.len(), 1);
    }
}

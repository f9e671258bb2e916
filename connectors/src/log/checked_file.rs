//! Small files with a checksum: a line that says what they are, and JSON.
//!
//! ```text
//!  millstream topic 1 9d3f00c2        what, the version, and the crc32c of all that follows the line
//!  {"id":"…","partitions":4}
//! ```
//!
//! Each is written beside its place, synced, and put there by a rename: so it is as it was, or as it should be.

use millstream_engine::Store;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::LogError;

const VERSION: u32 = 1;

/// What the names of files end with that were not finished.
pub(super) const UNFINISHED: &str = ".tmp";

/// A kind of file, with the name that it has in a topic.
#[derive(Clone, Copy)]
pub(super) struct CheckedFile(pub(super) &'static str);

/// A file larger than this is none of ours.
const BYTES_MAX: u64 = 64 * 1024 * 1024;

impl CheckedFile {
    /// What it holds; `None` if there is none.
    pub(super) fn read<T: DeserializeOwned>(
        self,
        store: &dyn Store,
        names: &[String],
    ) -> Result<Option<T>, LogError> {
        let name = self.0;
        if !names.iter().any(|known| known == name) {
            return Ok(None);
        }
        let place = store.place(name);
        let read = || LogError::read("read", place.clone());
        let n_bytes = store.length(name).map_err(read())?;
        if n_bytes > BYTES_MAX {
            return Err(self.damaged(store, format!("it has {n_bytes} bytes")));
        }
        let n_bytes = usize::try_from(n_bytes).unwrap_or(usize::MAX);
        let bytes = store.read(name, 0, n_bytes).map_err(read())?;
        let content = self
            .content(&bytes)
            .map_err(|reason| self.damaged(store, reason))?;
        serde_json::from_slice(content)
            .map(Some)
            .map_err(|error| self.damaged(store, error.to_string()))
    }

    fn content(self, bytes: &[u8]) -> Result<&[u8], String> {
        let line_end = memchr::memchr(b'\n', bytes).ok_or("it has no first line")?;
        let (line, content) = (&bytes[..line_end], &bytes[line_end + 1..]);
        let line = std::str::from_utf8(line).map_err(|error| error.to_string())?;
        let prefix = format!("millstream {} ", self.0);
        let rest = line.strip_prefix(&prefix).ok_or_else(|| {
            format!("its first line is {line:?} and does not begin with {prefix:?}")
        })?;
        let (version, checksum) = rest.split_once(' ').ok_or("it has no checksum")?;
        if version != VERSION.to_string() {
            return Err(format!("version {version} is not {VERSION}"));
        }
        if checksum != format!("{:08x}", crc32c::crc32c(content)) {
            return Err("its checksum does not fit".into());
        }
        Ok(content)
    }

    fn damaged(self, store: &dyn Store, reason: String) -> LogError {
        LogError::DamagedFile {
            place: store.place(self.0),
            reason,
        }
    }

    /// Puts `value` in its place, durably.
    pub(super) fn write(self, store: &dyn Store, value: &impl Serialize) -> Result<(), LogError> {
        let name = self.0;
        let content = serde_json::to_vec(value).expect("maps, texts and numbers are JSON");
        let checksum = crc32c::crc32c(&content);
        let mut bytes = format!("millstream {name} {VERSION} {checksum:08x}\n").into_bytes();
        bytes.extend_from_slice(&content);
        let unfinished = format!("{name}{UNFINISHED}");
        let write = |action| LogError::write(action, store.place(name));
        let mut file = store.create(&unfinished).map_err(write("create"))?;
        file.write(&bytes).map_err(write("write"))?;
        file.sync().map_err(write("sync"))?;
        store.rename(&unfinished, name).map_err(write("rename"))?;
        store.sync().map_err(write("sync the name of"))
    }
}
